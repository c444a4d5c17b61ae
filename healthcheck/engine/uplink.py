"""Whether it was our own uplink: asked of a location's control targets when a run fails as it would without one.

A run of which anything was reached asks nobody, and costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dialer import Dialer
from healthcheck.engine.faults import SENTENCES, VERDICTS, ProbeFailure
from healthcheck.engine.types import ErrorKind, Evidence, Limits, Outcome, State

# What a dead uplink looks like from here: nothing comes back, no name is resolved, a router on our side says that there
# is no way. What refuses, answers or presents a certificate was reached.
SUSPECT_KINDS = frozenset({ErrorKind.TIMEOUT, ErrorKind.DNS, ErrorKind.CONNECTION})
# After the run's own deadline and within its lease, which is five seconds longer; the rest of it is for the database.
CONTROL_SECONDS = 2.0

# Whether it was reached; None says neither. Anything else is no answer.
_ANSWERS = {ErrorKind.REFUSED: True, ErrorKind.BLOCKED: None}


async def excuse_lost_uplink(outcomes: Sequence[Outcome], limits: Limits, dialer: Dialer) -> list[Outcome]:
    """Return the outcomes, those of targets that nobody could have reached as UNKNOWN(uplink)."""
    if not limits.control_targets or not _look_unreachable(outcomes):
        return list(outcomes)
    if await _is_any_reached(limits.control_targets, dialer):
        return list(outcomes)
    reason = f"not one of {len(limits.control_targets)} control targets answered"
    return [_excuse(outcome, reason) if _is_suspect(outcome) else outcome for outcome in outcomes]


def _look_unreachable(outcomes: Sequence[Outcome]) -> bool:
    # What was not measured, by the address policy or a lack of ours, says nothing about the way.
    measured = [outcome for outcome in outcomes if outcome.verdict is not State.UNKNOWN]
    return bool(measured) and all(map(_is_suspect, measured))


def _is_suspect(outcome: Outcome) -> bool:
    is_suspect = outcome.verdict is State.DOWN and outcome.error_kind in SUSPECT_KINDS
    parts = outcome.evidence.parts if outcome.evidence is not None else ()
    # Of a check of several addresses one may have answered, and the whole be down.
    return is_suspect and all(part.verdict is State.UNKNOWN or part.error_kind in SUSPECT_KINDS for part in parts)


async def _is_any_reached(places: Sequence[tuple[str, int]], dialer: Dialer) -> bool:
    """Ask all of them at once, until one is reached. True also where none of them could be asked at all."""
    asking = [asyncio.ensure_future(_ask(place, dialer)) for place in places]
    answers: list[bool | None] = []
    try:
        for answer in asyncio.as_completed(asking):
            answers.append(await answer)
            if answers[-1]:
                return True
    finally:
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return all(answer is None for answer in answers)


async def _ask(place: tuple[str, int], dialer: Dialer) -> bool | None:
    hard_deadline = asyncio.get_running_loop().time() + CONTROL_SECONDS
    deadline = asyncio.timeout_at(hard_deadline)
    session = CheckSession(dialer, deadline, hard_deadline)
    try:
        async with deadline:
            connection = await dialer.dial(session, Destination(*place), asyncio.Protocol())
            connection.close()
    except ProbeFailure as failure:
        return _ANSWERS.get(failure.kind, False)
    except TimeoutError:
        # Waiting for a place of ours is no silence of theirs.
        return None if session.is_waiting else False
    return True


def _excuse(outcome: Outcome, reason: str) -> Outcome:
    kind, evidence = ErrorKind.UPLINK, outcome.evidence or Evidence()
    found = f"{evidence.found}; {reason}" if evidence.found else reason
    return replace(
        outcome,
        verdict=VERDICTS[kind],
        error_kind=kind,
        evidence=replace(evidence, sentence=SENTENCES[kind], expected="", found=found),
    )
