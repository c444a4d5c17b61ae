"""Workers side by side, people who delete what is being told, and a database that leaves in the middle of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import ParamSpec, TypeVar

import pytest
from django.db import OperationalError, connection, transaction
from django.test import override_settings

from healthcheck.models import (
    ChannelState,
    Delivery,
    DeliveryStatus,
    Notification,
    NotificationChannel,
    NotificationStatus,
    Tick,
)
from healthcheck.pipeline.channel_verbs import delete_channels
from healthcheck.pipeline.deliver import Held, deliver, deliver_next, hold_delivery, record_answer
from healthcheck.pipeline.watch import TOLD_AFTER, watch_scheduler
from tests.factories import NOW, make_channel, make_incident, make_policy
from tests.hostile import HostileServer
from tests.locks import in_thread, wait_for_waiting
from tests.notifiers.receiver import Receiver
from tests.pipeline.outbox import make_webhook, open_incident, resolve

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

P = ParamSpec("P")
T = TypeVar("T")
WORKERS, ROUNDS = 4, 5


@pytest.fixture(autouse=True)
def _loopback_is_allowed() -> Iterator[None]:
    with override_settings(HEALTHCHECK={"ADDRESS_MODE": "everything"}):
        yield


def test_of_workers_that_come_at_once_one_holds_the_message() -> None:
    for place in range(ROUNDS):
        channel = make_channel(f"c{place}")
        make_policy(f"p{place}", steps={0: [channel]})
        open_incident(make_incident(title="it"), now=NOW)
        everyone = Barrier(WORKERS)

        def hold(channel_id: int = channel.pk, everyone: Barrier = everyone) -> Held | None:
            everyone.wait()
            return hold_delivery(channel_id, NOW)

        with ThreadPoolExecutor(WORKERS) as pool:
            held = [future.result() for future in [in_thread(pool, hold) for _ in range(WORKERS)]]
        assert sum(each is not None for each in held) == 1
        assert Delivery.objects.filter(channel=channel).count() == 1


@pytest.mark.postgresql
def test_deletion_of_a_channel_waits_for_a_run_and_costs_it_nothing() -> None:
    channel = make_channel()
    make_policy(steps={0: [channel]})
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert open_incident(make_incident(title="it"), now=NOW) == {channel.pk}
            deleting = in_thread(pool, lambda: delete_channels([channel.pk]))
            wait_for_waiting()
        # What was told meanwhile is gone with it.
        deleting.result()
    assert not Notification.objects.exists()
    assert not NotificationChannel.objects.exists()


@pytest.mark.postgresql
def test_message_to_a_channel_that_is_being_deleted_is_nobodys() -> None:
    channel = make_channel()
    make_policy(steps={0: [channel]})
    open_incident(make_incident(title="it"), now=NOW)
    ChannelState.objects.create(channel=channel)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            delete_channels([channel.pk])
            holding = in_thread(pool, lambda: hold_delivery(channel.pk, NOW))
            wait_for_waiting()
        assert holding.result() is None


@pytest.mark.postgresql
def test_trouble_is_told_on_the_channels_that_are_left() -> None:
    gone, left = (make_channel(name, is_about_ourselves=True) for name in ("gone", "left"))
    Tick.objects.create(node="it", at=NOW - timedelta(hours=1))
    watch_scheduler(NOW)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            delete_channels([gone.pk])
            watching = in_thread(pool, lambda: watch_scheduler(NOW + TOLD_AFTER))
            wait_for_waiting()
        assert watching.result() == {left.pk}
    assert [row.channel_id for row in Notification.objects.all()] == [left.pk]


@pytest.mark.postgresql
def test_step_that_comes_due_while_its_incident_ends_is_not_told() -> None:
    channel, second = make_channel(), timedelta(seconds=1)
    make_policy(steps={1: [channel]})
    incident = make_incident(title="it")
    open_incident(incident, now=NOW - timedelta(minutes=1) + second)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            # The run began to be stored a moment before the step was due.
            resolve(incident, now=NOW)
            holding = in_thread(pool, lambda: hold_delivery(channel.pk, NOW + second))
            wait_for_waiting()
        assert holding.result() is None
    assert Notification.objects.get().status == NotificationStatus.SUPERSEDED


@pytest.mark.postgresql
def test_channel_that_is_being_deleted_is_waited_for_and_not_told() -> None:
    channel = make_channel()
    make_policy(steps={0: [channel]})
    incident = make_incident(title="it")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            NotificationChannel.objects.filter(pk=channel.pk).delete()
            telling = in_thread(pool, lambda: open_incident(incident, now=NOW))
            wait_for_waiting()
        assert telling.result() == frozenset()
    assert not Notification.objects.exists()


class Leaving:
    """A database that is away for so many tries to record."""

    def __init__(self, tries: int) -> None:
        self.left = tries

    def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if function is record_answer and self.left:
            self.left -= 1
            raise OperationalError("the database is away")
        return function(*args, **kwargs)


def test_answer_is_recorded_when_the_database_is_back_and_nothing_is_sent_twice(hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    channel = make_webhook(receiver)
    make_policy(steps={0: [channel]})
    open_incident(make_incident(title="it"), now=NOW)
    away = Leaving(2)
    assert deliver(channel.pk, NOW, ask=away) is None
    assert away.left == 0
    assert len(receiver.told) == 1
    assert Delivery.objects.get().status == DeliveryStatus.DELIVERED


def test_database_that_is_away_is_logged_and_never_raised(caplog: pytest.LogCaptureFixture) -> None:
    connection.close()
    right = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "/nowhere/at/all"
    try:
        with caplog.at_level(logging.WARNING, "healthcheck.pipeline.deliver"):
            deliver_next(1)
    finally:
        connection.settings_dict["NAME"] = right
    assert [record.getMessage() for record in caplog.records] == ["database away, nothing delivered"]
