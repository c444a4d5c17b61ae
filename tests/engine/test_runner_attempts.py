import asyncio
from datetime import timedelta

import pytest

from healthcheck.engine.check import CheckSession
from healthcheck.engine.faults import SENTENCES, VERDICTS, ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.types import (
    Certificate,
    ErrorKind,
    Evidence,
    Observation,
    Outcome,
    Phase,
    State,
)
from tests.engine.scripted import (
    NOW,
    OK,
    REFUSED,
    fail_first,
    hang,
    make_target,
    run,
)


@pytest.fixture
def calm() -> LagMeter:
    """A meter at rest, so that a busy test machine takes no blame."""
    return LagMeter()


async def test_a_failure_that_is_gone_at_once_is_not_one(calm: LagMeter) -> None:
    seen: list[CheckSession] = []
    [outcome] = await run(calm, make_target(fail_first(REFUSED, OK, seen=seen)))
    assert (outcome.verdict, outcome.error_kind, outcome.attempts, outcome.evidence) == (State.UP, None, 2, None)
    assert [session.avoid_address for session in seen] == [None, "192.0.2.1"]


async def test_a_failure_that_is_confirmed_shows_the_second_attempt(calm: LagMeter) -> None:
    seen: list[CheckSession] = []
    reset = ProbeFailure(ErrorKind.CONNECTION, Phase.HEADERS, "ECONNRESET")
    [outcome] = await run(calm, make_target(fail_first(REFUSED, reset, seen=seen)))
    assert (outcome.verdict, outcome.error_kind, outcome.attempts) == (State.DOWN, ErrorKind.CONNECTION, 2)
    assert outcome.evidence
    assert outcome.evidence.address == "192.0.2.2"


async def test_a_failed_assertion_is_confirmed(calm: LagMeter) -> None:
    seen: list[CheckSession] = []
    broken = Observation(latency_us=1, status=503, address="192.0.2.1")
    [outcome] = await run(calm, make_target(fail_first(broken, OK, seen=seen)))
    assert (outcome.verdict, outcome.attempts, outcome.http_status) == (State.UP, 2, 200)
    assert seen[1].avoid_address == "192.0.2.1"


async def test_a_second_attempt_without_enough_time_keeps_the_first_verdict(calm: LagMeter) -> None:
    attempts: list[int] = []

    async def script(session: CheckSession) -> Observation:
        attempts.append(1)
        if len(attempts) == 1:
            raise REFUSED
        return await hang(session)

    [outcome] = await run(calm, make_target(script, timeout=0.3))
    assert (outcome.verdict, outcome.error_kind, outcome.attempts) == (State.DOWN, ErrorKind.REFUSED, 2)
    assert outcome.observed_at - NOW >= timedelta(seconds=0.29)


async def test_a_failure_that_took_most_of_the_time_is_not_confirmed(calm: LagMeter) -> None:
    async def refuse_late(session: CheckSession) -> Observation:
        await asyncio.sleep(0.4)
        raise REFUSED

    [outcome] = await run(calm, make_target(refuse_late, timeout=0.6))
    assert (outcome.verdict, outcome.error_kind, outcome.attempts) == (State.DOWN, ErrorKind.REFUSED, 1)


async def test_a_degraded_answer_is_not_confirmed(calm: LagMeter) -> None:
    seen: list[CheckSession] = []
    target = make_target(fail_first(OK, seen=seen), assertions="latency < 1ms degraded")
    [outcome] = await run(calm, target)
    assert (outcome.verdict, outcome.error_kind, outcome.attempts) == (State.DEGRADED, ErrorKind.ASSERTION, 1)


@pytest.mark.parametrize("kind", ErrorKind)
async def test_every_named_failure_has_its_verdict(calm: LagMeter, kind: ErrorKind) -> None:
    seen: list[CheckSession] = []
    failure = ProbeFailure(kind, Phase.TLS, "found", expected="expected", certificate=CERTIFICATE)
    [outcome] = await run(calm, make_target(fail_first(failure, failure, seen=seen)))
    attempts = 2 if VERDICTS[kind] is State.DOWN and kind is not ErrorKind.TIMEOUT else 1
    assert outcome == Outcome(
        verdict=VERDICTS[kind],
        observed_at=outcome.observed_at,
        error_kind=kind,
        phase=Phase.TLS,
        latency_us=outcome.latency_us,
        attempts=attempts,
        evidence=Evidence(
            sentence=SENTENCES[kind],
            expected="expected",
            found="found",
            address=f"192.0.2.{attempts}",
            certificate=CERTIFICATE,
        ),
    )


CERTIFICATE = Certificate("CN=a", "CN=b", NOW, NOW + timedelta(days=1), "00")


def test_every_kind_of_error_has_a_verdict_and_a_sentence() -> None:
    assert set(VERDICTS) == set(SENTENCES) == set(ErrorKind)
    assert set(VERDICTS.values()) == {State.DOWN, State.UNKNOWN}
    assert all(SENTENCES.values())
