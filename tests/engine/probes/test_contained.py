"""Kinds of third parties that misbehave: their own check is no data, and nobody else notices."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from healthcheck.engine.check import CheckSession
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes.contained import MAX_STUBBORN
from healthcheck.engine.probes.fitting import MAX_BYTES, MAX_TEXT_CHARS
from healthcheck.engine.probes.plugins import MAX_SENTENCE_CHARS, ThirdPartyProbe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import (
    Certificate,
    ConfigurationError,
    ErrorKind,
    Observation,
    Outcome,
    Phase,
    PhaseTimes,
    State,
    Target,
)
from tests.engine.scripted import NOW, OK, ScriptedProbe, answer, make_limits, make_target

Ask = Callable[[CheckSession], Awaitable[Any]]


class Foreign(ScriptedProbe):
    """Does what its target says; how it reads options, a test chooses."""

    uses_dialer = False

    def __init__(self, parse: Callable[[], Any] = lambda: None) -> None:
        self._parse = parse

    def parse(self, address: str, options: Mapping[str, Any]) -> Any:
        return self._parse()


def make_kind(parse: Callable[[], Any] = lambda: None) -> ThirdPartyProbe:
    return ThirdPartyProbe(Foreign(parse), kind="scripted", distribution="strange")


async def check(*asks: Ask, kind: ThirdPartyProbe | None = None, seconds: float = 10.0) -> list[Outcome]:
    """Check one target for each, and a sound one behind them, which must be up."""
    found = kind or make_kind()
    targets: list[Target] = [make_target(each, timeout=seconds) for each in (*asks, answer)]
    outcomes = await probe_all(targets, make_limits(20.0), now=NOW, lag=LagMeter(), load=lambda _: found)
    assert outcomes.pop().verdict is State.UP
    return outcomes


async def exit_process(session: CheckSession) -> Observation:
    raise SystemExit(3)


async def interrupt(session: CheckSession) -> Observation:
    raise KeyboardInterrupt


async def cancel_itself(session: CheckSession) -> Observation:
    raise asyncio.CancelledError


@pytest.mark.parametrize("ask", [exit_process, interrupt, cancel_itself])
async def test_what_would_end_the_run_is_its_own_failure(ask: Ask) -> None:
    [outcome] = await check(ask)
    assert (outcome.verdict, outcome.error_kind) == (State.UNKNOWN, ErrorKind.INTERNAL)


async def test_swallowed_cancellation_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    free = asyncio.Event()
    ended = asyncio.Event()

    async def swallow(session: CheckSession) -> Observation:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        ended.set()
        raise RuntimeError("secret-of-the-end")

    began = asyncio.get_running_loop().time()
    with caplog.at_level(logging.ERROR):
        [outcome] = await check(swallow, seconds=0.2)
        took = asyncio.get_running_loop().time() - began
        free.set()
        await ended.wait()
    assert (outcome.verdict, outcome.error_kind) == (State.DOWN, ErrorKind.TIMEOUT)
    assert took < 5
    assert "A check of the kind scripted, of strange swallowed its cancellation and goes on" in caplog.text
    assert "secret-of-the-end" not in caplog.text


async def test_kind_whose_checks_do_not_end_is_asked_no_more() -> None:
    free = asyncio.Event()
    kind = make_kind()

    async def swallow(session: CheckSession) -> Observation:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        return OK

    await check(*[swallow] * MAX_STUBBORN, kind=kind, seconds=0.2)
    [refused] = await probe_all([make_target(answer)], make_limits(), now=NOW, lag=LagMeter(), load=lambda _: kind)
    assert refused.error_kind is ErrorKind.INTERNAL
    assert refused.evidence is not None
    assert refused.evidence.found == (
        "16 earlier checks of the kind scripted, of strange never ended; restart the worker, and tell its authors"
    )
    free.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert await check(answer, kind=kind)


SOON: Any = "soon"
CERTIFICATE = Certificate("s", "i", datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), "ab")
MISFITS: Mapping[str, Any] = {
    "latency_us": [1.5, -1, 2**31, "1", None, float("nan"), True],
    "phases": [None, {"body_us": 1}, PhaseTimes(body_us="1"), PhaseTimes(tls_us=2**40)],  # type: ignore[arg-type]
    "status": [70_000, 1000, "200", -1],
    "headers": [None, [("a", "b")], (("a",),), (("a", b"b"),), (("a", "b"),) * 10_001],
    "body": ["text", bytearray(b"x"), bytes(MAX_BYTES + 1)],
    "body_size": [-1, None, 2**60],
    "charset": [None, "x" * (MAX_TEXT_CHARS + 1)],
    "address": [None, b"127.0.0.1"],
    "certificate": [
        {},
        replace(CERTIFICATE, not_after=SOON),
        replace(CERTIFICATE, not_after=NOW.replace(tzinfo=None)),
    ],
    "redirects": [(1,), None, "http://x/"],
    "protocol": [None, 1],
    "dns": [()],
    "read_chain": [1],
    "echoes": [3],
}


@pytest.mark.parametrize("name", MISFITS)
async def test_observation_of_other_types_is_no_data(name: str) -> None:
    assert set(MISFITS) == set(Observation.__dataclass_fields__)

    def make(value: Any) -> Ask:
        async def ask(session: CheckSession) -> Observation:
            return replace(OK, **{name: value})

        return ask

    outcomes = await check(*[make(value) for value in MISFITS[name]])
    assert {outcome.error_kind for outcome in outcomes} == {ErrorKind.INTERNAL}


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "timeout"},
        {"phase": "body"},
        {"found": b"bytes"},
        {"found": "x" * (MAX_TEXT_CHARS + 1)},
        {"expected": None},
        {"certificate": "none"},
        {"chain": [CERTIFICATE]},
    ],
)
async def test_failure_of_other_types_is_no_data(changed: dict[str, Any]) -> None:
    async def ask(session: CheckSession) -> Observation:
        failure = ProbeFailure(ErrorKind.REFUSED, Phase.CONNECT, "no")
        for name, value in changed.items():
            setattr(failure, name, value)
        raise failure

    [outcome] = await check(ask)
    assert outcome.error_kind is ErrorKind.INTERNAL


async def test_chain_of_other_types_is_no_data() -> None:
    async def ask(session: CheckSession) -> Observation:
        return replace(OK, status=500, read_chain=lambda: ("none",))  # type: ignore[arg-type,return-value]

    [outcome] = await check(ask)
    assert outcome.error_kind is ErrorKind.INTERNAL


async def test_what_it_did_to_the_session_is_put_right_for_the_evidence() -> None:
    async def ask(session: CheckSession) -> Observation:
        session.address = b"192.0.2.1"  # type: ignore[assignment]
        session.redirects += ["http://a/", 1]  # type: ignore[list-item]
        session.stopwatch.phase = "body"  # type: ignore[assignment]
        await asyncio.Event().wait()
        return OK

    [outcome] = await check(ask, seconds=0.1)
    assert outcome.evidence is not None
    assert (outcome.phase, outcome.evidence.address, outcome.evidence.redirects) == (Phase.REQUEST, "", ("http://a/",))


def test_all_that_parse_raises_is_one_bounded_sentence() -> None:
    def exit_process() -> None:
        raise SystemExit(2)

    def talk() -> None:
        raise ConfigurationError("x" * 100_000, field=3)  # type: ignore[arg-type]

    with pytest.raises(ConfigurationError, match=r"failed while reading this \(SystemExit\)"):
        make_kind(exit_process).parse("", {})
    with pytest.raises(ConfigurationError) as caught:
        make_kind(talk).parse("", {})
    assert (len(caught.value.sentence), caught.value.field) == (MAX_SENTENCE_CHARS, "3")
