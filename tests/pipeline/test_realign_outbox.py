"""The database's clock is set back by two hours: what waits is told now, and not two hours late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.incidents import Event
from healthcheck.models import (
    ChannelState,
    Delivery,
    Incident,
    Notification,
    NotificationChannel,
    NotificationStatus,
    Trouble,
)
from healthcheck.pipeline.correct import Author
from healthcheck.pipeline.deliver import LEASE, hold_delivery
from healthcheck.pipeline.due_channels import find_due_channels
from healthcheck.pipeline.incident_verbs import snooze
from healthcheck.pipeline.realign_outbox import realign_outbox
from tests.factories import NOW, make_channel, make_incident, make_policy
from tests.pipeline.outbox import open_incident

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MINUTE = timedelta(minutes=1)
BACK = NOW - 120 * MINUTE


@pytest.fixture
def channel() -> NotificationChannel:
    channel = make_channel()
    make_policy(steps={0: [channel], 15: [make_channel("boss")]})
    return channel


def read_turns() -> list[tuple[Event, float]]:
    rows = Notification.objects.order_by("due_at").values_list("event", "due_at")
    return [(Event(event), (due_at - BACK) / MINUTE) for event, due_at in rows]


def test_what_was_queued_in_the_future_is_due_as_if_it_were_queued_now(channel: NotificationChannel) -> None:
    open_incident(make_incident(title="it"), now=NOW)
    assert find_due_channels(BACK) == []
    realign_outbox(BACK)
    assert find_due_channels(BACK) == [(channel.pk, False)]
    assert read_turns() == [(Event.OPENED, 0), (Event.ESCALATED, 15)]


def test_pause_of_a_channel_ends_in_time(channel: NotificationChannel) -> None:
    asked, usual = make_channel("asked"), make_channel("usual", pause_seconds=3600)
    turns = {channel: (NOW + MINUTE, 0), asked: (BACK + 50 * MINUTE, 1), usual: (BACK + 50 * MINUTE, 0)}
    for each, (next_send_at, failures) in turns.items():
        ChannelState.objects.create(channel=each, next_send_at=next_send_at, failures=failures)
    realign_outbox(BACK)
    found = {state.channel: state.next_send_at for state in ChannelState.objects.select_related("channel")}
    assert found == {channel: BACK, asked: BACK + 50 * MINUTE, usual: BACK + 50 * MINUTE}


def test_message_that_is_held_is_let_go_after_a_lease(channel: NotificationChannel) -> None:
    open_incident(make_incident(title="it"), now=NOW)
    held = hold_delivery(channel.pk, NOW)
    realign_outbox(BACK)
    delivery = Delivery.objects.get()
    assert (delivery.created_at, delivery.next_try_at, delivery.lease_until) == (BACK, BACK, BACK + LEASE)
    assert hold_delivery(channel.pk, BACK) is None
    again = hold_delivery(channel.pk, BACK + LEASE)
    assert again is not None
    assert held is not None
    assert again.delivery_id == held.delivery_id


def test_trouble_of_the_future_lasts_from_now_on() -> None:
    Trouble.objects.create(name="it", sentence="It is.", since=NOW)
    realign_outbox(BACK)
    assert Trouble.objects.get().since == BACK


def test_snooze_of_the_future_lasts_as_long_as_somebody_has_said(channel: NotificationChannel) -> None:
    incident = make_incident(title="it")
    open_incident(incident, now=BACK - MINUTE)
    Notification.objects.filter(event=Event.OPENED).update(status=NotificationStatus.SENT)
    snooze(incident.pk, until=NOW + 20 * MINUTE, author=Author("alex"), now=NOW)
    for later in (0, 2):
        realign_outbox(BACK + later * MINUTE)
        assert Incident.objects.get().snoozed_until == BACK + 20 * MINUTE
        assert sorted(read_turns()[1:]) == [(Event.ESCALATED, 20), (Event.REMINDER, 20)]


def test_what_is_right_is_left_alone_in_five_statements(
    channel: NotificationChannel, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    open_incident(make_incident(title="it"), now=NOW)
    hold_delivery(channel.pk, NOW)
    before = [list(model.objects.order_by("pk").values()) for model in (Notification, Delivery, ChannelState)]
    with django_assert_num_queries(5):
        realign_outbox(NOW)
    after = [list(model.objects.order_by("pk").values()) for model in (Notification, Delivery, ChannelState)]
    assert after == before
