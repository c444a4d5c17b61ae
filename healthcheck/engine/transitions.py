"""The state machine: one endpoint, one verdict at a time. Pure; the only place that decides when a state changes.

A verdict on the other side of the current state starts or extends a streak. After `failure_threshold` worse verdicts in
a row the state becomes the mildest of them, because that is what all of them confirm; after `recovery_threshold` better
ones it becomes the most severe of them. An unknown verdict is no evidence: it changes nothing, and streaks survive it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from healthcheck.engine.types import State


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Verdicts in a row that change a state."""

    failure: int = 2
    recovery: int = 1


@dataclass(frozen=True, slots=True)
class Standing:
    """What the state machine remembers of an endpoint.

    `known_state` is the state behind an UNKNOWN that came from expired evidence; UNKNOWN itself when nothing was ever
    measured. `candidate` is what the streak would lead to, `candidate_at` its first evidence.
    """

    state: State = State.UNKNOWN
    since: datetime | None = None
    known_state: State = State.UNKNOWN
    candidate: State = State.UNKNOWN
    candidate_streak: int = 0
    candidate_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A state changed: `at` is the first evidence of it, `confirmed_at` when the threshold was reached."""

    from_state: State
    to_state: State
    at: datetime
    confirmed_at: datetime


def advance(standing: Standing, verdict: State, at: datetime, thresholds: Thresholds) -> tuple[Standing, Change | None]:
    """Return the standing after a verdict, and the change where there was one."""
    if verdict is State.UNKNOWN:
        return standing, None
    if standing.known_state is State.UNKNOWN:
        # The first evidence ever: there is nothing that a threshold could protect.
        return _settle(standing, verdict, at, confirmed_at=at)
    streaked = _extend_streak(standing, verdict, at)
    threshold = thresholds.failure if streaked.candidate > standing.known_state else thresholds.recovery
    if streaked.candidate_streak >= threshold:
        first_at = streaked.candidate_at or at
        return _settle(streaked, streaked.candidate, first_at, confirmed_at=at)
    if standing.state is State.UNKNOWN and verdict == standing.known_state:
        # Somebody looks again and sees what was known. A verdict that contradicts it proves neither: it stays unknown
        # until the streak decides.
        return _end_blindness(streaked, at)
    return streaked, None


def expire(standing: Standing, at: datetime) -> tuple[Standing, Change | None]:
    """Return the standing once its evidence has expired at `at`: unknown, with all it remembers."""
    if standing.state is State.UNKNOWN:
        return standing, None
    change = _change(standing, State.UNKNOWN, at, confirmed_at=at)
    return replace(standing, state=State.UNKNOWN, since=change.at), change


def _extend_streak(standing: Standing, verdict: State, at: datetime) -> Standing:
    known, candidate = standing.known_state, standing.candidate
    if verdict == known:
        return replace(standing, candidate=State.UNKNOWN, candidate_streak=0, candidate_at=None)
    is_worse = verdict > known
    continues = standing.candidate_streak > 0 and (candidate > known) == is_worse
    if not continues:
        return replace(standing, candidate=verdict, candidate_streak=1, candidate_at=at)
    mildest_change = min(candidate, verdict) if is_worse else max(candidate, verdict)
    return replace(standing, candidate=mildest_change, candidate_streak=standing.candidate_streak + 1)


def _settle(standing: Standing, state: State, at: datetime, *, confirmed_at: datetime) -> tuple[Standing, Change]:
    # What nobody saw stays unknown: evidence from before the blindness cannot date a change back into it.
    start = confirmed_at if standing.state is State.UNKNOWN else at
    change = _change(standing, state, start, confirmed_at=confirmed_at)
    return Standing(state=state, since=change.at, known_state=state), change


def _end_blindness(standing: Standing, at: datetime) -> tuple[Standing, Change]:
    change = _change(standing, standing.known_state, at, confirmed_at=at)
    return replace(standing, state=standing.known_state, since=change.at), change


def _change(standing: Standing, state: State, at: datetime, *, confirmed_at: datetime) -> Change:
    # No change begins before the one before it, whatever the clocks did or however late a result was stored: the
    # transitions of an endpoint are one chain in the order of time.
    start = max(at, standing.since or at)
    return Change(standing.state, state, start, max(start, confirmed_at))
