from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.incidents import Event, Happening, Severity
from healthcheck.models import Delivery, Endpoint, Incident, Notification, NotificationStatus, PolicyStep
from healthcheck.pipeline.notify import queue_notifications
from tests.factories import NOW, make_channel, make_endpoint, make_group, make_incident, make_policy

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MINUTE = timedelta(minutes=1)
Row = tuple[str, Event, float]


def tell(event: Event, incident: Incident, *endpoints: Endpoint, severity: Severity = Severity.DOWN) -> Happening:
    return Happening(event, incident.pk, severity, tuple(each.pk for each in endpoints))


def read_queue(**columns: object) -> list[Row]:
    """Return channel, event and minutes from NOW of what is queued, in the order of its turn."""
    rows = Notification.objects.filter(status=NotificationStatus.QUEUED, **columns).order_by("due_at", "channel__name")
    return [(row.channel.name, Event(row.event), (row.due_at - NOW) / MINUTE) for row in rows.select_related("channel")]


def send_all() -> None:
    """As if a message had carried everything that is due."""
    Notification.objects.filter(due_at__lte=NOW).update(status=NotificationStatus.SENT)


@pytest.fixture
def endpoint() -> Endpoint:
    return make_endpoint()


@pytest.fixture
def incident(endpoint: Endpoint) -> Incident:
    return make_incident(endpoint)


def test_opening_queues_every_step_and_wakes_the_first(incident: Incident, endpoint: Endpoint) -> None:
    team, boss = make_channel("team"), make_channel("boss")
    make_policy(steps={0: [team], 15: [boss]})
    assert queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW) == {team.pk}
    assert read_queue() == [("team", Event.OPENED, 0), ("boss", Event.ESCALATED, 15)]


def test_reminders_follow_each_step(incident: Incident, endpoint: Endpoint) -> None:
    make_policy(steps={0: [make_channel("team")], 15: [make_channel("boss")]}, reminder_minutes=60)
    queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    assert read_queue(event=Event.REMINDER) == [("team", Event.REMINDER, 60), ("boss", Event.REMINDER, 75)]


def test_nothing_is_queued_without_a_policy_or_a_happening(incident: Incident, endpoint: Endpoint) -> None:
    make_channel()
    assert queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW) == frozenset()
    assert queue_notifications([], NOW) == frozenset()
    assert read_queue() == []


@pytest.mark.parametrize(
    "columns", [{"min_severity": Severity.DOWN}, {"is_enabled": False}, {"tags": ["other"]}, {"groups": "other"}]
)
def test_policy_that_does_not_hold_tells_nobody(
    incident: Incident, endpoint: Endpoint, columns: dict[str, Any]
) -> None:
    if columns.get("groups"):
        columns = {"groups": [make_group("other")]}
    make_policy(steps={0: [make_channel()]}, **columns)
    happening = tell(Event.OPENED, incident, endpoint, severity=Severity.DEGRADED)
    assert queue_notifications([happening], NOW) == frozenset()


def test_policy_holds_by_group_by_tag_and_by_the_tag_of_the_group() -> None:
    names = ("by group", "by tag", "by tag of group", "by another")
    endpoints = [make_endpoint(make_group(f"g{place}")) for place, _name in enumerate(names)]
    policies = [make_policy(name, steps={0: [make_channel(name)]}, tags=[f"none {name}"]) for name in names]
    policies[0].groups.add(endpoints[0].group)
    endpoints[1].tags.set(policies[1].tags.all())
    endpoints[2].group.tags.set(policies[2].tags.all())
    for endpoint in endpoints:
        queue_notifications([tell(Event.OPENED, make_incident(endpoint), endpoint)], NOW)
    assert {name for name, _event, _at in read_queue()} == set(names[:3])


def test_disabled_channel_is_not_told(incident: Incident, endpoint: Endpoint) -> None:
    make_policy(steps={0: [make_channel(is_enabled=False)]})
    assert queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW) == frozenset()


def test_outside_its_hours_a_policy_waits_for_them(incident: Incident, endpoint: Endpoint) -> None:
    make_policy(steps={0: [make_channel()], 30: [make_channel("boss")]}, hours="15:00-18:00", timezone="Europe/Berlin")
    assert queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW) == frozenset()
    # Noon in UTC is 14:00 there.
    assert [minutes for _name, _event, minutes in read_queue()] == [60, 60]


def test_hours_that_cannot_be_read_are_always(incident: Incident, endpoint: Endpoint) -> None:
    team = make_channel()
    make_policy(steps={0: [team]}, hours="whenever")
    assert queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW) == {team.pk}


def test_muted_incident_queues_nothing_but_the_end_of_what_was_told(incident: Incident, endpoint: Endpoint) -> None:
    make_policy(steps={0: [make_channel()]})
    queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    send_all()
    incident.parent, incident.muted_at = make_incident(), NOW
    incident.save()
    queue_notifications([tell(Event.GREW, incident, endpoint), tell(Event.UPDATED, incident)], NOW)
    assert read_queue() == []
    queue_notifications([tell(Event.RESOLVED, incident)], NOW)
    assert read_queue() == [("team", Event.RESOLVED, 0)]


def test_acknowledgement_supersedes_what_is_not_due_and_tells_who_knows(incident: Incident, endpoint: Endpoint) -> None:
    make_policy(steps={0: [make_channel("team")], 15: [make_channel("boss")]}, reminder_minutes=60)
    queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    send_all()
    queue_notifications([tell(Event.ACKNOWLEDGED, incident)], NOW + MINUTE)
    assert read_queue() == [("team", Event.ACKNOWLEDGED, 1)]


def test_end_is_told_to_those_who_were_told(incident: Incident, endpoint: Endpoint) -> None:
    make_policy("loud", steps={0: [make_channel("team")], 15: [make_channel("boss")]})
    make_policy("quiet", steps={0: [make_channel("wall")]}, sends_recovery=False)
    queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    send_all()
    queue_notifications([tell(Event.RESOLVED, incident)], NOW + MINUTE)
    assert read_queue() == [("team", Event.RESOLVED, 1)]


def test_end_is_told_to_whom_the_beginning_had_to_wait_for(incident: Incident, endpoint: Endpoint) -> None:
    make_policy(steps={0: [make_channel()]}, sends_recovery=False)
    queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    queue_notifications([tell(Event.RESOLVED, incident)], NOW + MINUTE)
    assert read_queue() == [("team", Event.OPENED, 0), ("team", Event.RESOLVED, 1)]


def test_growth_is_told_to_those_who_know_and_opens_it_for_others(incident: Incident, endpoint: Endpoint) -> None:
    make_policy("all", steps={0: [make_channel("team")]}, min_severity=Severity.DEGRADED)
    make_policy("worst", steps={0: [make_channel("boss")]})
    queue_notifications([tell(Event.OPENED, incident, endpoint, severity=Severity.DEGRADED)], NOW)
    # What waits for its turn will say how it is by then.
    queue_notifications([tell(Event.GREW, incident, endpoint, severity=Severity.DEGRADED)], NOW)
    assert read_queue() == [("team", Event.OPENED, 0)]
    send_all()
    queue_notifications([tell(Event.GREW, incident, endpoint)], NOW + MINUTE)
    assert read_queue() == [("boss", Event.OPENED, 1), ("team", Event.GREW, 1)]


def test_channel_that_two_policies_told_hears_of_the_end_once(incident: Incident, endpoint: Endpoint) -> None:
    team = make_channel()
    make_policy("one", steps={0: [team]})
    make_policy("two", steps={0: [team]})
    queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    send_all()
    queue_notifications([tell(Event.RESOLVED, incident)], NOW)
    assert read_queue() == [("team", Event.RESOLVED, 0)]


def test_opening_again_tells_no_policy_twice(incident: Incident, endpoint: Endpoint) -> None:
    make_policy(steps={0: [make_channel()]})
    for _ in range(2):
        queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    assert read_queue() == [("team", Event.OPENED, 0)]


@pytest.mark.parametrize("count", [1, 30])
def test_queuing_is_a_constant_number_of_statements(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    endpoints = [make_endpoint(make_group(f"g{place}")) for place in range(count)]
    for place in range(count):
        policy = make_policy(f"p{place}", steps={0: [make_channel(f"c{place}")], 5: []}, tags=["shop"])
        policy.groups.add(endpoints[place].group)
    happenings = [tell(Event.OPENED, make_incident(each), each) for each in endpoints]
    # What is known, what is muted, policies with groups, tags, steps and channels, places, channels held, the insert.
    with django_assert_num_queries(10):
        queue_notifications(happenings, NOW)
    assert len(read_queue()) == count


def test_end_of_what_is_still_on_its_way_is_told_whatever_the_policy_says(
    incident: Incident, endpoint: Endpoint
) -> None:
    channel = make_channel()
    make_policy(steps={0: [channel]}, sends_recovery=False)
    queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    delivery = Delivery.objects.create(channel=channel, created_at=NOW, next_try_at=NOW, message={})
    Notification.objects.update(status=NotificationStatus.SENT, delivery=delivery)
    queue_notifications([tell(Event.RESOLVED, incident)], NOW)
    assert read_queue() == [("team", Event.RESOLVED, 0)]


def test_step_that_a_policy_has_got_since_is_told_when_it_grows(incident: Incident, endpoint: Endpoint) -> None:
    policy = make_policy(steps={0: [make_channel("team")]})
    queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    send_all()
    PolicyStep.objects.create(policy=policy, after_minutes=15).channels.set([make_channel("boss")])
    queue_notifications([tell(Event.GREW, incident, endpoint)], NOW)
    assert read_queue() == [("team", Event.GREW, 0), ("boss", Event.ESCALATED, 15)]


def test_what_somebody_cares_for_is_escalated_to_nobody_when_it_grows(incident: Incident, endpoint: Endpoint) -> None:
    make_policy(steps={0: [make_channel("team")], 15: [make_channel("boss")]}, reminder_minutes=60)
    queue_notifications([tell(Event.OPENED, incident, endpoint)], NOW)
    send_all()
    Incident.objects.update(acknowledged_at=NOW)
    queue_notifications([tell(Event.ACKNOWLEDGED, incident)], NOW)
    send_all()
    queue_notifications([tell(Event.GREW, incident, endpoint)], NOW)
    assert read_queue() == [("team", Event.GREW, 0)]
