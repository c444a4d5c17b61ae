from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import override_settings
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.incidents import Event, Severity
from healthcheck.engine.types import State
from healthcheck.models import (
    Delivery,
    Endpoint,
    Incident,
    IncidentMember,
    Notification,
    NotificationChannel,
    NotificationPolicy,
    NotificationStatus,
)
from healthcheck.notifiers.message import MAX_ITEMS, MAX_NAMES, Item, read_message
from healthcheck.pipeline.channel_verbs import queue_test
from healthcheck.pipeline.compose import compose_delivery
from tests.factories import (
    NOW,
    make_channel,
    make_endpoint,
    make_evidence,
    make_group,
    make_incident,
    make_location,
    make_policy,
    make_run,
    make_span,
    make_state,
)
from tests.pipeline.outbox import open_incident, resolve, tell

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def channel() -> NotificationChannel:
    channel = make_channel()
    make_policy(steps={0: [channel]}, reminder_minutes=30)
    return channel


@pytest.fixture
def endpoint() -> Endpoint:
    return make_endpoint(make_group("web"), "site")


def compose(channel: NotificationChannel, *, minutes: float = 0) -> list[Item] | None:
    """Return the items of the message that is composed then, as one that arrives; None for none."""
    with transaction.atomic():
        delivery = compose_delivery(channel.pk, NOW + minutes * MINUTE)
    if delivery is None:
        return None
    type(delivery).objects.filter(pk=delivery.pk).update(status=2)
    return list(read_message(delivery.message).items)


def read_turns(event: Event) -> list[float]:
    """Return the minutes at which notifications of this event are due."""
    rows = Notification.objects.filter(event=event, status=NotificationStatus.QUEUED).order_by("due_at")
    return [(due_at - NOW) / MINUTE for due_at in rows.values_list("due_at", flat=True)]


def test_message_says_what_broke_since_when_and_what_was_seen(channel: NotificationChannel, endpoint: Endpoint) -> None:
    run = make_run(endpoint.group)
    make_state(endpoint, State.DOWN, last_run_id=run.pk)
    make_evidence(run, endpoint, sentence="It answered with an unexpected status.", found="503")
    incident = make_incident(endpoint, at=NOW - MINUTE, cause_host="example.test")
    open_incident(incident, endpoint, now=NOW)
    assert compose(channel) == [
        Item(
            Event.OPENED,
            Severity.DOWN,
            f"healthcheck-incident-{incident.pk}",
            "site in Web",
            cause="down: status, on example.test",
            seen="It answered with an unexpected status. Found: 503.",
            names=("site",),
            count=1,
            started_at=NOW - MINUTE,
        )
    ]


def test_members_are_named_once_each_up_to_the_limit(channel: NotificationChannel) -> None:
    group = make_group("web")
    endpoints = [make_endpoint(group, f"site {place:02}") for place in range(40)]
    incident = make_incident(*endpoints)
    # The first of them from elsewhere as well; the last has recovered.
    first, *_others, last = endpoints
    elsewhere = make_location("elsewhere")
    IncidentMember.objects.create(incident=incident, endpoint_id=first.pk, location_id=elsewhere.pk, joined_at=NOW)
    IncidentMember.objects.filter(endpoint_id=last.pk).update(left_at=NOW)
    open_incident(incident, *endpoints, now=NOW)
    items = compose(channel)
    assert items is not None
    assert (items[0].title, items[0].cause) == ("40 of 40 in Web", "40 of 40 down: status")
    assert items[0].names == tuple(f"site {place:02}" for place in range(MAX_NAMES))


def test_end_names_what_was_affected_and_how_long(channel: NotificationChannel, endpoint: Endpoint) -> None:
    incident = make_incident(endpoint)
    open_incident(incident, endpoint, now=NOW)
    compose(channel)
    resolve(incident, now=NOW + MINUTE)
    items = compose(channel, minutes=1)
    assert items is not None
    assert [(each.event, each.names, each.started_at, each.ended_at) for each in items] == [
        (Event.RESOLVED, ("site",), NOW, NOW + MINUTE)
    ]


def test_what_lasts_comes_first_then_the_worst_and_the_rest_is_counted(channel: NotificationChannel) -> None:
    for place in range(MAX_ITEMS + 5):
        incident = make_incident(title=f"{place:02}", at=NOW + place * SECOND)
        open_incident(incident, now=NOW)
        if place < 2:
            resolve(incident, now=NOW)
    Incident.objects.filter(title="24").update(severity=Severity.NOTICE)
    with transaction.atomic():
        delivery = compose_delivery(channel.pk, NOW)
    assert delivery is not None
    message = read_message(delivery.message)
    assert [each.title for each in message.items] == [f"{place:02}" for place in range(2, 22)]
    assert message.left_off == 5
    assert read_turns(Event.OPENED) == []


def test_nothing_is_made_of_what_is_no_longer_true(channel: NotificationChannel, endpoint: Endpoint) -> None:
    incident = make_incident(endpoint)
    open_incident(incident, endpoint, now=NOW)
    Incident.objects.update(muted_at=NOW)
    assert compose(channel) is None
    assert compose(channel, minutes=30) is None
    assert set(Notification.objects.values_list("status", flat=True)) == {NotificationStatus.SUPERSEDED}


def test_reminders_go_on_until_somebody_answers(channel: NotificationChannel, endpoint: Endpoint) -> None:
    incident = make_incident(endpoint)
    open_incident(incident, endpoint, now=NOW)
    events = [items[0].event for minutes in (0, 29, 30, 61) if (items := compose(channel, minutes=minutes))]
    assert events == [Event.OPENED, Event.REMINDER, Event.REMINDER]
    assert read_turns(Event.REMINDER) == [91]
    Incident.objects.update(acknowledged_at=NOW + 70 * MINUTE)
    tell(Event.ACKNOWLEDGED, incident, now=NOW + 70 * MINUTE)
    events = [items[0].event for minutes in (70, 91, 500) if (items := compose(channel, minutes=minutes))]
    assert events == [Event.ACKNOWLEDGED]


def test_nobody_is_reminded_of_what_nobody_sees(channel: NotificationChannel, endpoint: Endpoint) -> None:
    other = make_endpoint(endpoint.group, "other")
    states = [make_state(each, State.DOWN, valid_until=NOW + 20 * MINUTE) for each in (endpoint, other)]
    open_incident(make_incident(endpoint, other), endpoint, other, now=NOW)
    # What was seen is told, though nobody sees it any more.
    assert compose(channel, minutes=25) is not None
    assert compose(channel, minutes=30) is None
    assert read_turns(Event.REMINDER) == [31]
    states[0].valid_until = NOW + HOUR
    states[0].save()
    items = compose(channel, minutes=31)
    assert items is not None
    assert [each.event for each in items] == [Event.REMINDER]


def test_step_escalates_only_while_nobody_has_answered(endpoint: Endpoint) -> None:
    team, boss = make_channel("team"), make_channel("boss")
    make_policy(steps={0: [team], 15: [boss]})
    lasting, answered = make_incident(endpoint), make_incident(title="other")
    for incident in (lasting, answered):
        open_incident(incident, endpoint, now=NOW)
    # By a person whose word is recorded at the very moment of its turn: nothing has superseded the step.
    Incident.objects.filter(pk=answered.pk).update(acknowledged_at=NOW)
    assert compose(boss, minutes=14) is None
    items = compose(boss, minutes=15)
    assert items is not None
    assert [(each.event, each.title) for each in items] == [(Event.ESCALATED, "site in Web")]


def test_snoozed_incident_is_told_of_again_when_that_is_over(channel: NotificationChannel, endpoint: Endpoint) -> None:
    incident = make_incident(endpoint, snoozed_until=NOW + HOUR)
    open_incident(incident, endpoint, now=NOW)
    tell(Event.UPDATED, incident, now=NOW)
    items = compose(channel)
    assert items is not None
    assert [each.event for each in items] == [Event.UPDATED]
    assert compose(channel, minutes=59) is None
    items = compose(channel, minutes=60)
    assert items is not None
    assert [each.event for each in items] == [Event.OPENED]


def test_quiet_while_all_that_is_affected_is_in_maintenance(channel: NotificationChannel, endpoint: Endpoint) -> None:
    other = make_endpoint(endpoint.group, "other")
    incident = make_incident(endpoint, other)
    make_span(endpoint, at=NOW, minutes=60)
    open_incident(incident, endpoint, other, now=NOW)
    make_span(other, at=NOW, minutes=20)
    assert compose(channel, minutes=1) is None
    assert read_turns(Event.OPENED) == [20]
    assert compose(channel, minutes=20) is not None


@override_settings(HEALTHCHECK={"BASE_URL": "https://status.example.org/"})
def test_links_lead_to_the_incident_while_it_can_be_answered(channel: NotificationChannel, endpoint: Endpoint) -> None:
    incident = make_incident(endpoint)
    open_incident(incident, endpoint, now=NOW)
    items = compose(channel)
    assert items is not None
    assert items[0].url == f"https://status.example.org/admin/healthcheck/incident/{incident.pk}/change/"
    Incident.objects.update(acknowledged_at=NOW)
    tell(Event.ACKNOWLEDGED, incident, now=NOW)
    items = compose(channel, minutes=1)
    assert items is not None
    assert items[0].acknowledge_url == ""


def test_test_of_a_channel_says_who_asked(channel: NotificationChannel) -> None:
    queue_test(channel.pk, by="Ann", now=NOW)
    items = compose(channel)
    assert items is not None
    assert [(each.event, each.title) for each in items] == [(Event.TEST, "Ann tests this channel.")]


@pytest.mark.parametrize(("count", "statements"), [(1, 11), (30, 12)])
def test_composing_is_a_constant_number_of_statements(
    count: int, statements: int, channel: NotificationChannel, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for place in range(count):
        endpoint = make_endpoint(make_group(f"g{place}"))
        make_state(endpoint, State.DOWN, last_run_id=make_run(endpoint.group).pk)
        open_incident(make_incident(endpoint), endpoint, now=NOW)
    # A savepoint and its end, what is due, incidents, maintenance, members, groups, states, evidence, the delivery, and
    # what it carries; where there is more than a message lists, the channel's kind.
    with django_assert_num_queries(statements), transaction.atomic():
        compose_delivery(channel.pk, NOW)


def fail(channel: NotificationChannel) -> None:
    """As if the last message had not been taken, and what it said is to be said anew."""
    last = Delivery.objects.filter(channel=channel).latest("created_at", "pk")
    Notification.objects.filter(delivery=last).update(status=NotificationStatus.QUEUED, delivery=None)


def test_reminder_that_is_told_anew_is_followed_by_one(channel: NotificationChannel, endpoint: Endpoint) -> None:
    open_incident(make_incident(endpoint), endpoint, now=NOW)
    compose(channel)
    assert compose(channel, minutes=30) is not None
    for minutes in (31, 32, 33):
        fail(channel)
        assert compose(channel, minutes=minutes) is not None
        assert read_turns(Event.REMINDER) == [60]
    fail(channel)
    # By now the one that followed is due as well.
    assert compose(channel, minutes=60) is not None
    assert read_turns(Event.REMINDER) == [90]


def test_what_a_snooze_put_off_waits_for_the_hours_of_its_policy(
    channel: NotificationChannel, endpoint: Endpoint
) -> None:
    NotificationPolicy.objects.update(hours="08:00-12:10", timezone="UTC")
    incident = make_incident(endpoint, snoozed_until=NOW + HOUR)
    open_incident(incident, endpoint, now=NOW)
    assert compose(channel) is None
    assert read_turns(Event.OPENED) == [20 * 60]
