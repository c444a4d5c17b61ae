"""Workers side by side, people who delete what is being told, and a database that leaves in the middle of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import ParamSpec, TypeVar

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test import override_settings

from healthcheck.models import Delivery, DeliveryStatus, Notification, NotificationChannel
from healthcheck.pipeline.deliver import Held, deliver, deliver_next, hold_delivery, record_answer
from tests.factories import NOW, make_channel, make_incident, make_policy
from tests.hostile import HostileServer
from tests.locks import in_thread, wait_for_waiting
from tests.notifiers.receiver import Receiver
from tests.pipeline.outbox import make_webhook, open_incident

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
def test_deletion_of_a_channel_never_costs_a_run_its_transaction() -> None:
    channel = make_channel()
    make_policy(steps={0: [channel]})
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert open_incident(make_incident(title="it"), now=NOW) == {channel.pk}
            deleting = in_thread(pool, channel.delete)
            wait_for_waiting()
        # Whoever deletes looked before there was something to tell, and looks again.
        with pytest.raises(IntegrityError):
            deleting.result()
    assert Notification.objects.count() == 1
    NotificationChannel.objects.get().delete()
    assert not Notification.objects.exists()


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
