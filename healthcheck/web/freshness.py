"""How far a page may be believed: evidence that has expired, a checker that is behind. Pure; `now` is handed in."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from healthcheck.engine.freshness import is_expired
from healthcheck.engine.types import State


class Lag(enum.StrEnum):
    """Why the checker is behind; the most fundamental first."""

    NEVER_TICKED = "never_ticked"
    SILENT = "silent"
    OVERDUE = "overdue"
    WAITING = "waiting"
    NO_RESULTS = "no_results"


@dataclass(frozen=True, slots=True)
class CheckerFault:
    """One sign that the checker is behind, and since when; None where it never worked."""

    lag: Lag
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known about the checker: the newest tick of any scheduler, the longest overdue slot, the oldest slot
    that no worker took, and when the last evidence expired, where all of it has."""

    newest_tick_at: datetime | None = None
    oldest_due_at: datetime | None = None
    oldest_untaken_at: datetime | None = None
    all_expired_at: datetime | None = None


def effective_state(state: State, valid_until: datetime | None, now: datetime) -> State:
    """Return the state as it may be shown: unknown once its evidence has expired, whoever was to write that down."""
    return State.UNKNOWN if is_expired(valid_until, now) else state


def find_checker_faults(progress: Progress, *, now: datetime, stale_after_seconds: float) -> tuple[CheckerFault, ...]:
    """Return the signs that the checker is behind, the most fundamental first; empty when it keeps up."""
    limit = now - timedelta(seconds=stale_after_seconds)
    faults: list[CheckerFault] = []
    is_overdue = progress.oldest_due_at is not None and progress.oldest_due_at < limit
    if progress.newest_tick_at is not None and progress.newest_tick_at < limit:
        faults.append(CheckerFault(Lag.SILENT, progress.newest_tick_at))
    elif progress.newest_tick_at is None and is_overdue:
        # Before that, a deployment is just starting.
        faults.append(CheckerFault(Lag.NEVER_TICKED))
    if is_overdue:
        faults.append(CheckerFault(Lag.OVERDUE, progress.oldest_due_at))
    if progress.oldest_untaken_at is not None and progress.oldest_untaken_at < limit:
        faults.append(CheckerFault(Lag.WAITING, progress.oldest_untaken_at))
    if progress.all_expired_at is not None:
        faults.append(CheckerFault(Lag.NO_RESULTS, progress.all_expired_at))
    return tuple(faults)
