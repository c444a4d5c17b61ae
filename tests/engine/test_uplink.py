"""An uplink of ours that is dead counts against nobody; a target that is down does, as soon as anything was reached."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from healthcheck.engine.dialer import get_dialer
from healthcheck.engine.faults import VERDICTS
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import (
    AddressMode,
    AddressRules,
    ErrorKind,
    Evidence,
    Limits,
    Outcome,
    State,
    SubResult,
)
from healthcheck.engine.uplink import CONTROL_SECONDS, SUSPECT_KINDS, excuse_lost_uplink
from tests.engine.scripted import hang, load, make_target
from tests.golden.namespace import find_obstacle, run_inside

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECONDS = 60
# Nobody listens on the discard port here, so it refuses at once.
REFUSING = ("127.0.0.1", 9)
DOWN, UP, UNKNOWN = State.DOWN, State.UP, State.UNKNOWN


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    if obstacle := find_obstacle():
        pytest.fail(f"there can be no network of its own here: {obstacle}")
    with run_inside("tests.engine.lost_uplink") as inside:
        output, errors = inside.communicate(timeout=SECONDS)
    assert inside.returncode == 0, errors
    scenarios: dict[str, Any] = json.loads(output)
    return scenarios


@pytest.mark.parametrize(
    ("scenario", "verdicts", "kinds", "asked"),
    [
        ("all silent", ["unknown", "unknown"], ["uplink", "uplink"], 0),
        ("no way", ["unknown", "unknown"], ["uplink", "uplink"], 0),
        ("one endpoint", ["unknown"], ["uplink"], 0),
        ("one control target listens", ["down", "down"], ["timeout", "timeout"], 1),
        ("one control target refuses", ["down"], ["timeout"], 0),
        ("no control target", ["down"], ["timeout"], 0),
        # What was reached answers for the uplink, and nobody else is asked.
        ("one endpoint is reached", ["down", "up"], ["timeout", ""], 0),
        ("one endpoint refuses", ["down", "down"], ["timeout", "refused"], 0),
        ("all is well", ["up"], [""], 0),
    ],
)
def test_run_behind_an_uplink(
    seen: dict[str, Any], scenario: str, verdicts: list[str], *, kinds: list[str], asked: int
) -> None:
    found = seen[scenario]
    assert (found["verdicts"], found["kinds"], found["control targets asked"]) == (verdicts, kinds, asked)


def test_evidence_of_a_lost_uplink_says_what_was_seen_and_whom_was_asked(seen: dict[str, Any]) -> None:
    assert seen["all silent"]["found"] == "no end within 0.5 s; not one of 2 control targets answered"


def make_outcome(kind: ErrorKind | None, *parts: SubResult) -> Outcome:
    verdict = VERDICTS[kind] if kind is not None else UP
    return Outcome(verdict, NOW, error_kind=kind, evidence=Evidence(found="it", parts=parts))


def judge(*outcomes: Outcome, rules: AddressRules | None = None, place: tuple[str, int] = REFUSING) -> list[Outcome]:
    """Judge outcomes with one control target, which unless told otherwise may not be asked, and so proves nothing."""

    async def ask() -> list[Outcome]:
        limits = Limits(5.0, address_rules=rules or AddressRules(AddressMode.PUBLIC), control_targets=(place,))
        return await excuse_lost_uplink(outcomes, limits, get_dialer(limits))

    return asyncio.run(ask())


def test_control_target_that_the_policy_forbids_proves_nothing() -> None:
    silent = make_outcome(ErrorKind.TIMEOUT)
    assert judge(silent) == [silent]


UNRESOLVABLE = ("no_such_name.invalid..", 443)


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind is not ErrorKind.UPLINK])
def test_only_what_a_dead_uplink_looks_like_is_excused(kind: ErrorKind) -> None:
    [outcome] = judge(make_outcome(kind), place=UNRESOLVABLE)
    assert (outcome.error_kind is ErrorKind.UPLINK) is (kind in SUSPECT_KINDS)
    assert outcome.verdict is (UNKNOWN if kind in SUSPECT_KINDS else VERDICTS[kind])


def test_what_was_not_measured_says_nothing_about_the_way() -> None:
    blocked, silent = make_outcome(ErrorKind.BLOCKED), make_outcome(ErrorKind.TIMEOUT)
    kept, excused = judge(blocked, silent, place=UNRESOLVABLE)
    assert (kept, excused.error_kind) == (blocked, ErrorKind.UPLINK)


def test_degraded_answer_and_one_address_of_several_answer_for_the_uplink() -> None:
    silent = make_outcome(ErrorKind.TIMEOUT)
    slow = Outcome(State.DEGRADED, NOW, error_kind=ErrorKind.TIMEOUT)
    half = make_outcome(ErrorKind.TIMEOUT, SubResult("::1", DOWN, ErrorKind.TIMEOUT), SubResult("127.0.0.1", UP))
    assert judge(silent, slow, place=UNRESOLVABLE) == [silent, slow]
    assert judge(silent, half, place=UNRESOLVABLE) == [silent, half]


def run_slow(control: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> list[Any]:
    """Run one silent target beside one control target that does as told; return what was told, and what came of it."""

    async def run() -> list[Any]:
        server = await asyncio.start_server(control, "127.0.0.1", 0)
        place = ("127.0.0.1", server.sockets[0].getsockname()[1])
        rules = AddressRules(AddressMode.EVERYTHING)
        limits = Limits(5.0, address_rules=rules, control_targets=(place,))
        told: list[Any] = []
        target = make_target(hang, timeout=0.1)
        outcomes = await probe_all(
            [target],
            limits,
            now=NOW,
            lag=LagMeter(),
            load=load,
            on_outcome=lambda place, outcome: told.append((place, outcome.error_kind)),
        )
        server.close()
        return [told, [outcome.error_kind for outcome in outcomes]]

    return asyncio.run(run())


def test_control_target_need_not_say_a_word() -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    assert run_slow(stay_silent) == [[(0, ErrorKind.TIMEOUT)], [ErrorKind.TIMEOUT]]


def test_corrected_outcome_is_told_once_more() -> None:
    async def run() -> tuple[list[Any], float]:
        rules = AddressRules(AddressMode.EVERYTHING)
        limits = Limits(5.0, address_rules=rules, control_name="", control_targets=(UNRESOLVABLE,))
        told: list[Any] = []
        started = time.monotonic()
        await probe_all(
            [make_target(hang, timeout=0.1)],
            limits,
            now=NOW,
            lag=LagMeter(),
            load=load,
            on_outcome=lambda place, outcome: told.append((place, outcome.error_kind)),
        )
        return told, time.monotonic() - started

    told, seconds = asyncio.run(run())
    assert told == [(0, ErrorKind.TIMEOUT), (0, ErrorKind.UPLINK)]
    assert seconds < CONTROL_SECONDS


def test_silent_control_targets_cost_no_more_than_their_time_together() -> None:
    """A listener whose queue is full drops what comes: it is as silent as a dead uplink."""

    async def run(place: tuple[str, int]) -> tuple[list[Outcome], float]:
        rules = AddressRules(AddressMode.EVERYTHING)
        limits = Limits(5.0, address_rules=rules, control_targets=(place,) * 5)
        started = time.monotonic()
        judged = await excuse_lost_uplink([make_outcome(ErrorKind.TIMEOUT)], limits, get_dialer(limits))
        return judged, time.monotonic() - started

    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        place = listener.getsockname()
        for _ in range(8):
            held = stack.enter_context(socket.socket())
            held.setblocking(False)
            held.connect_ex(place)
        [outcome], seconds = asyncio.run(run(place))
    assert outcome.error_kind is ErrorKind.UPLINK
    assert CONTROL_SECONDS - 0.1 < seconds < CONTROL_SECONDS + 1
