"""Many things at once, and receivers that are away: grouped, in order, once, and only what is still true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.test import override_settings

from healthcheck.engine.incidents import Event, Happening, Severity
from healthcheck.engine.types import State
from healthcheck.models import ChannelState, Delivery, DeliveryStatus, Incident, Notification, NotificationStatus
from healthcheck.pipeline.deliver import deliver
from healthcheck.pipeline.due_channels import find_due_channels
from healthcheck.pipeline.notify import queue_notifications
from tests.factories import NOW, make_channel, make_endpoint, make_group, make_incident, make_policy
from tests.hostile import HostileServer
from tests.notifiers.receiver import Receiver, say
from tests.pipeline.conftest import outcome, record_one, take_one
from tests.pipeline.outbox import make_webhook, open_incident, pass_time, read_items, resolve

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CHANNELS, ENDPOINTS = 5, 500


@pytest.fixture(autouse=True)
def _loopback_is_allowed() -> Iterator[None]:
    with override_settings(HEALTHCHECK={"ADDRESS_MODE": "everything"}):
        yield


def count_messages(receivers: list[Receiver]) -> list[int]:
    return [len(receiver.told) for receiver in receivers]


def test_five_hundred_endpoints_that_fail_at_once_are_one_message_for_each_channel(hostile: HostileServer) -> None:
    receivers = [Receiver(hostile) for _ in range(CHANNELS)]
    make_policy(steps={0: [make_webhook(each, f"c{place}") for place, each in enumerate(receivers)]})
    group = make_group("web", interval_seconds=60, deadline_seconds=30.0)
    for place in range(ENDPOINTS):
        make_endpoint(group, f"site {place}", failure_threshold=1, recovery_threshold=1)
    for minutes, verdict in ((0, State.UP), (1, State.DOWN), (2, State.UP)):
        at = NOW + minutes * MINUTE
        record_one(take_one(group, at=at), *[outcome(verdict, at=at)] * ENDPOINTS, now=at + SECOND)
        pass_time(at + SECOND, 58 / 60)
    # Grouped by what they have in common: one incident, whose message names the first of them.
    assert Incident.objects.count() == 1
    assert [read_items(each) for each in receivers] == [
        [[("opened", "500 of 500 in Web")], [("resolved", "500 of 500 in Web")]]
    ] * CHANNELS


def test_five_hundred_incidents_at_once_are_one_message_a_minute_for_each_channel(hostile: HostileServer) -> None:
    receivers = [Receiver(hostile) for _ in range(CHANNELS)]
    make_policy(steps={0: [make_webhook(each, f"c{place}") for place, each in enumerate(receivers)]})
    incidents = [make_incident(title=f"{place}") for place in range(ENDPOINTS)]
    queue_notifications([Happening(Event.OPENED, each.pk, Severity.DOWN, ()) for each in incidents], NOW)
    now = pass_time(NOW, 59 / 60)
    assert count_messages(receivers) == [1] * CHANNELS
    assert {told.document["data"]["left_off"] for each in receivers for told in each.told} == {ENDPOINTS - 20}
    Incident.objects.update(resolved_at=now)
    queue_notifications([Happening(Event.RESOLVED, each.pk, Severity.DOWN, ()) for each in incidents], now)
    pass_time(now, 59 / 60)
    assert count_messages(receivers) == [2] * CHANNELS
    pass_time(now + MINUTE, 2)
    assert count_messages(receivers) == [2] * CHANNELS
    assert not Notification.objects.filter(status=NotificationStatus.QUEUED).exists()


def test_storm_on_a_channel_whose_kind_is_not_there_is_refused_like_any_message() -> None:
    make_policy(steps={0: [channel := make_channel(kind="pigeon")]})
    for place in range(25):
        open_incident(make_incident(title=f"{place}"), now=NOW)
    deliver(channel.pk, NOW)
    assert ChannelState.objects.get().disabled_at is not None


def test_trickle_of_incidents_is_one_message_a_minute(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    make_policy(steps={0: [make_webhook(receiver)]})
    arrived: list[datetime] = []
    for second in range(130):
        now = NOW + second * SECOND
        open_incident(make_incident(title=f"{second}"), now=now)
        pass_time(now, 0)
        arrived += [now] * (len(receiver.told) - len(arrived))
    assert [(each - NOW) / SECOND for each in arrived] == [0, 60, 120]


def miss_an_hour(receiver: Receiver) -> None:
    """Three incidents while the receiver is away, two of which end meanwhile; then it is there again."""
    make_policy(steps={0: [make_webhook(receiver)]})
    first, brief, lasting = (make_incident(title=title) for title in ("first", "brief", "lasting"))
    open_incident(first, now=NOW)
    now = pass_time(NOW, 10, step_seconds=15)
    open_incident(brief, now=now)
    open_incident(lasting, now=now)
    now = pass_time(now, 20, step_seconds=15)
    resolve(first, now=now)
    resolve(brief, now=now)
    now = pass_time(now, 30, step_seconds=15)
    receiver.told.clear()
    receiver.script(say("200 OK"))
    pass_time(now, 10, step_seconds=15)


def test_receiver_that_was_away_for_an_hour_gets_everything_once_and_as_it_is(hostile: HostileServer) -> None:
    miss_an_hour(receiver := Receiver(hostile, say("503 Away")))
    assert read_items(receiver) == [[("opened", "lasting"), ("resolved", "first"), ("resolved", "brief")]]
    # Ten minutes and more of pauses that double: a try each five minutes.
    assert Delivery.objects.exclude(status=DeliveryStatus.DELIVERED).count() < 25
    assert not Delivery.objects.filter(status=DeliveryStatus.WAITING).exists()


def test_receiver_that_may_have_taken_the_first_gets_that_as_it_was(hostile: HostileServer) -> None:
    miss_an_hour(receiver := Receiver(hostile, say("500 Oops")))
    assert read_items(receiver) == [
        [("opened", "first")],
        [("opened", "lasting"), ("resolved", "first"), ("resolved", "brief")],
    ]
    assert Delivery.objects.exclude(status=DeliveryStatus.DELIVERED).count() == 0


def test_slow_channel_keeps_nobody_else_waiting(hostile: HostileServer) -> None:
    away, there = Receiver(hostile, say("500 Oops")), Receiver(hostile)
    make_policy(steps={0: [make_webhook(away, "away"), make_webhook(there, "there")]})
    for place in range(3):
        open_incident(make_incident(title=f"{place}"), now=NOW + place * MINUTE)
        pass_time(NOW + place * MINUTE, 0)
    assert read_items(there) == [[("opened", f"{place}")] for place in range(3)]


def test_message_for_each_of_two_workers_at_once_is_sent_once(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    open_incident(make_incident(title="it"), now=NOW)
    for _ in range(5):
        deliver(channel.pk, NOW)
    assert (len(receiver.told), find_due_channels(NOW)) == (1, [])
