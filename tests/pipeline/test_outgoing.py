from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.test import override_settings

from healthcheck.pipeline.outgoing import OutgoingHeartbeat
from tests.hostile import HostileServer
from tests.notifiers.receiver import Receiver, say


@pytest.fixture
def receiver(hostile: HostileServer) -> Iterator[Receiver]:
    receiver = Receiver(hostile)
    settings = {"ADDRESS_MODE": "everything", "WATCHDOG_URL": f"{receiver.url}/a-secret-token", "WATCHDOG_SLOTS": 3}
    with override_settings(HEALTHCHECK=settings):
        yield receiver


def count(heartbeat: OutgoingHeartbeat, slots: int) -> None:
    for _ in range(slots):
        heartbeat.count_slot()
        heartbeat.wait()


def test_every_so_many_slots_make_one_call(receiver: Receiver) -> None:
    heartbeat = OutgoingHeartbeat()
    count(heartbeat, 2)
    assert receiver.told == []
    count(heartbeat, 5)
    assert [told.path for told in receiver.told] == ["/a-secret-token"] * 2


def test_call_that_fails_is_logged_once_without_its_url(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    receiver.script(say("500 Oops"), say("500 Oops"), say("200 OK"), say("404 Gone"))
    with caplog.at_level(logging.WARNING, "healthcheck.pipeline.outgoing"):
        count(OutgoingHeartbeat(), 12)
    assert [vars(record)["answer"] for record in caplog.records] == ["HTTP 500", "HTTP 404"]
    assert "a-secret-token" not in caplog.text


def test_address_policy_holds_for_the_heartbeat_too(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(HEALTHCHECK={"WATCHDOG_URL": receiver.url, "WATCHDOG_SLOTS": 1}):
        count(OutgoingHeartbeat(), 1)
    assert receiver.told == []
    assert "address policy" in vars(caplog.records[0])["answer"]
