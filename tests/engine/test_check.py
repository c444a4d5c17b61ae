"""One attempt's clock: phases add up, and waiting for our own capacity counts nowhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from healthcheck.engine.check import CheckSession, Stopwatch
from healthcheck.engine.dialer import get_dialer
from healthcheck.engine.types import Limits, Phase


def spin(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_stopwatch_adds_up_a_phase_that_comes_twice() -> None:
    stopwatch = Stopwatch()
    for _ in range(2):
        with stopwatch.measure(Phase.CONNECT):
            spin(0.002)
    assert stopwatch.phases.connect_us >= 4_000
    assert stopwatch.phases.body_us == 0
    assert stopwatch.latency_us >= stopwatch.phases.connect_us


def test_stopwatch_sums_request_and_headers() -> None:
    stopwatch = Stopwatch()
    for phase in (Phase.REQUEST, Phase.HEADERS):
        with stopwatch.measure(phase):
            spin(0.002)
    assert stopwatch.phases.headers_us >= 4_000


def test_stopwatch_still_names_the_phase_after_a_failure() -> None:
    stopwatch = Stopwatch()
    with pytest.raises(ValueError, match="x"), stopwatch.measure(Phase.TLS):
        raise ValueError("x")
    assert stopwatch.phase is Phase.TLS


@asynccontextmanager
async def open_session(timeout_seconds: float, hard_seconds: float) -> AsyncIterator[CheckSession]:
    now = asyncio.get_running_loop().time()
    async with asyncio.timeout_at(now + timeout_seconds) as deadline:
        yield CheckSession(dialer=get_dialer(Limits(30)), deadline=deadline, hard_deadline=now + hard_seconds)


async def test_session_waits_outside_latency_and_deadline() -> None:
    async with open_session(10, 30) as session:
        due = session.deadline.when()
        with session.stopwatch.measure(Phase.RESOLVE), session.waiting():
            assert session.is_waiting
            assert session.deadline.when() == session.hard_deadline
            spin(0.05)
        assert not session.is_waiting
        assert due is not None
        assert session.deadline.when() == due + session.stopwatch.waited
    assert session.stopwatch.waited >= 0.05
    assert session.stopwatch.phases.resolve_us < 50_000


async def test_session_never_moves_the_deadline_past_the_groups() -> None:
    async with open_session(10, 10) as session:
        with session.waiting():
            spin(0.002)
        assert session.deadline.when() == session.hard_deadline


async def test_session_shows_that_it_was_waiting_when_its_time_ended() -> None:
    async def wait_for_ever() -> None:
        async with open_session(10, 0.01) as session:
            sessions.append(session)
            with session.waiting():
                await asyncio.get_running_loop().create_future()

    sessions: list[CheckSession] = []
    with pytest.raises(TimeoutError):
        await wait_for_ever()
    assert sessions[0].is_waiting
