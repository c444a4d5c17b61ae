"""Our own loop is late for real: what of that is blamed on a target, and what is no data."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from healthcheck.engine.check import CheckSession
from healthcheck.engine.faults import SENTENCES, ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.types import ErrorKind, Observation, Outcome, Phase, State
from tests.engine.scripted import OK, REFUSED, Script, hang, make_target, run

RESET = ProbeFailure(ErrorKind.CONNECTION, Phase.TLS, "ECONNRESET")
BROKEN = Observation(latency_us=1000, status=503, address="192.0.2.1")


@pytest.fixture
async def lag() -> AsyncIterator[LagMeter]:
    meter = LagMeter()
    meter.start()
    yield meter
    await meter.stop()


def block(seconds: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        pass


def stall_then(*steps: tuple[float, ProbeFailure | Observation | None]) -> Script:
    """Per attempt: hold up the loop so long, then fail, answer, or hang."""
    left = list(steps)

    async def script(session: CheckSession) -> Observation:
        seconds, step = left.pop(0)
        session.address = "192.0.2.1"
        block(seconds)
        if step is None:
            return await hang(session)
        if isinstance(step, ProbeFailure):
            raise step
        return step

    return script


def summarise(outcome: Outcome) -> tuple[State, ErrorKind | None, int]:
    return outcome.verdict, outcome.error_kind, outcome.attempts


async def test_a_timeout_while_our_loop_stalled_is_no_data(lag: LagMeter) -> None:
    targets = make_target(hang, timeout=0.6), make_target(stall_then((0.4, None)), timeout=0.6)
    beside, stalled = await run(lag, *targets)
    assert summarise(stalled) == (State.UNKNOWN, ErrorKind.CAPACITY, 1)
    assert summarise(beside) == (State.UNKNOWN, ErrorKind.CAPACITY, 1)


async def test_a_failure_while_our_loop_stalled_is_no_data(lag: LagMeter) -> None:
    [outcome] = await run(lag, make_target(stall_then((0.3, RESET), (0.3, RESET)), timeout=1.5))
    assert summarise(outcome) == (State.UNKNOWN, ErrorKind.CAPACITY, 2)
    assert outcome.phase is Phase.TLS
    assert outcome.evidence
    assert outcome.evidence.sentence == SENTENCES[ErrorKind.CAPACITY]
    assert outcome.evidence.found.startswith("our event loop stalled for 0.")


async def test_a_stall_beside_a_short_one_is_counted_with_it(lag: LagMeter) -> None:
    async def stall_often(session: CheckSession) -> Observation:
        for _ in range(6):
            block(0.09)
            await asyncio.sleep(0)
        raise REFUSED

    [outcome] = await run(lag, make_target(stall_often, timeout=1.0))
    assert summarise(outcome)[:2] == (State.UNKNOWN, ErrorKind.CAPACITY)


@pytest.mark.parametrize(
    ("second", "verdict", "kind"),
    [(OK, State.UP, None), (REFUSED, State.DOWN, ErrorKind.REFUSED), (None, State.UNKNOWN, ErrorKind.CAPACITY)],
    ids=["gone", "confirmed", "without an end"],
)
async def test_a_stalled_failure_is_confirmed_in_the_time_that_the_stall_left(
    lag: LagMeter, second: ProbeFailure | Observation | None, verdict: State, kind: ErrorKind | None
) -> None:
    [outcome] = await run(lag, make_target(stall_then((0.6, RESET), (0.0, second)), timeout=1.0))
    assert summarise(outcome) == (verdict, kind, 2)


async def test_a_stall_does_not_excuse_an_answer_that_came(lag: LagMeter) -> None:
    [outcome] = await run(lag, make_target(stall_then((0.3, BROKEN), (0.3, BROKEN)), timeout=1.5))
    assert summarise(outcome) == (State.DOWN, ErrorKind.STATUS, 2)


@pytest.mark.parametrize(("severity", "attempts"), [("down", 2), ("degraded", 1)])
async def test_a_latency_that_our_lag_explains_is_no_data(lag: LagMeter, severity: str, attempts: int) -> None:
    slow = Observation(latency_us=300_000, status=200)
    script = stall_then((0.3, slow), (0.3, slow))
    [outcome] = await run(lag, make_target(script, assertions=f"latency < 200ms {severity}"))
    assert summarise(outcome) == (State.UNKNOWN, ErrorKind.CAPACITY, attempts)


async def test_a_latency_that_our_lag_does_not_explain_counts(lag: LagMeter) -> None:
    slow = Observation(latency_us=900_000, status=200)
    script = stall_then((0.3, slow), (0.3, slow))
    [outcome] = await run(lag, make_target(script, assertions="latency < 200ms"))
    assert summarise(outcome) == (State.DOWN, ErrorKind.ASSERTION, 2)


async def test_a_latency_at_its_limit_counts_without_any_lag() -> None:
    slow = Observation(latency_us=200_000, status=200)
    script = stall_then((0.0, slow), (0.0, slow))
    [outcome] = await run(LagMeter(), make_target(script, assertions="latency < 200ms"))
    assert summarise(outcome) == (State.DOWN, ErrorKind.ASSERTION, 2)
