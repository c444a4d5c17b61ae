"""Probing from the web process: bounded in number and in time, whatever the target does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import resolve
from pytest_django import Settings

from healthcheck.admin.explain.probing import MAX_PROBES, MAX_SECONDS, NotProbedError, Probed, probe_endpoint
from healthcheck.engine.loop import stop_engine_loop
from healthcheck.engine.types import State
from healthcheck.models import Endpoint
from tests.factories import NOW
from tests.hostile import BEHAVIOURS, Gate, HostileServer


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


def build(port: int, timeout_seconds: float = 10.0) -> Endpoint:
    return Endpoint(address=f"http://127.0.0.1:{port}/", timeout_seconds=timeout_seconds)


def test_as_many_as_are_allowed_are_probed_at_once(hostile: HostileServer) -> None:
    gate = Gate()
    port = hostile.listen(gate)
    found: list[Probed] = []
    threads = [
        threading.Thread(target=lambda: found.append(probe_endpoint(build(port), (), now=NOW)))
        for _ in range(MAX_PROBES)
    ]
    for thread in threads:
        thread.start()
    assert all(gate.arrived.acquire(timeout=MAX_SECONDS) for _ in threads)
    with pytest.raises(NotProbedError, match="Try again in a few seconds"):
        probe_endpoint(build(port), (), now=NOW)
    gate.open()
    for thread in threads:
        thread.join()
    assert [each.explanation.verdict for each in found] == [State.UP] * MAX_PROBES
    # Their places are free again.
    assert probe_endpoint(build(port), (), now=NOW).explanation.verdict is State.UP


@pytest.mark.parametrize("path", ["endpoint/add-by-url/", "endpoint/1/results/1/try/"])
def test_pages_that_probe_hold_no_transaction_of_the_request(path: str) -> None:
    view: Any = resolve(f"/admin/healthcheck/{path}").func
    assert view._non_atomic_requests == {"default"}


def test_longer_timeout_is_cut_to_what_a_person_waits_for(hostile: HostileServer) -> None:
    probed = probe_endpoint(build(hostile.listen("good"), 60.0), (), now=NOW)
    assert (probed.timeout_seconds, probed.is_cut) == (MAX_SECONDS, True)
    assert not probe_endpoint(build(hostile.listen("good"), MAX_SECONDS), (), now=NOW).is_cut


def test_place_is_given_back_when_nothing_can_be_sent() -> None:
    for _ in range(MAX_PROBES + 1):
        with pytest.raises(NotProbedError, match="The address must start with"):
            probe_endpoint(Endpoint(address="ftp://x/"), (), now=NOW)


@pytest.mark.parametrize("behaviour", sorted(BEHAVIOURS))
def test_every_misbehaviour_ends_in_time_with_a_sentence(hostile: HostileServer, behaviour: str) -> None:
    started = time.monotonic()
    explanation = probe_endpoint(build(hostile.listen(behaviour), 0.5), ("status 200",), now=NOW).explanation
    assert explanation.sentence
    assert time.monotonic() - started < 5.0
