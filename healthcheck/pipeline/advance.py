"""Advances the states of a run's endpoints in memory: the bridge between the rows and `engine.transitions`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from healthcheck.engine.transitions import Change, Standing, Thresholds, advance, expire
from healthcheck.engine.types import Outcome, State
from healthcheck.models import EndpointState, Trigger
from healthcheck.models.result import MAX_INTEGER
from healthcheck.models.state import STRIP_LENGTH
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.state_rows import StateRow


@dataclass(frozen=True, slots=True)
class StateChange:
    """A change of one endpoint's state, with the ErrorKind of the evidence that confirmed it."""

    endpoint_id: int
    change: Change
    error_kind: int


class Slot(NamedTuple):
    """The run as a state sees it. `interval_seconds` is None where slots are uneven (cron).

    `next_at` is the slot that follows it, None for a run that a person asked for, which is no slot.
    """

    run_id: int
    at: datetime
    next_at: datetime | None
    valid_until: datetime
    interval_seconds: int | None

    @classmethod
    def of(cls, taken: TakenRun) -> Slot:
        next_at = taken.next_slot_at if taken.trigger == Trigger.SCHEDULED else None
        return cls(taken.run_id, taken.slot_at, next_at, taken.valid_until, taken.interval_seconds)


def advance_state(
    row: StateRow, outcome: Outcome, *, slot: Slot, thresholds: Thresholds, now: datetime
) -> list[StateChange]:
    """Change `row` by one outcome and return the changes of state there were: none, one, or two after a blindness.

    A state never advances from evidence older than what it rests on. Evidence from the future does not count as newer:
    the clock has been set back since, and the endpoint must not stand still until it has caught up.
    """
    is_older = row.last_observed_at is not None and outcome.observed_at <= row.last_observed_at <= now
    if is_older:
        return []
    _note_outcome(row, outcome, slot)
    if outcome.verdict is State.UNKNOWN:
        return []
    # First of all the sweeper may have been away as well, or have had more to do than one sweep does.
    lapsed = expire_state(row, outcome.observed_at)
    row.evidence_at, row.valid_until = outcome.observed_at, slot.valid_until
    standing, change = advance(read_standing(row), outcome.verdict, outcome.observed_at, thresholds)
    write_standing(row, standing)
    advanced = StateChange(row.endpoint_id, change, int(outcome.error_kind or 0)) if change is not None else None
    return [each for each in (lapsed, advanced) if each is not None]


def expire_state(row: StateRow | EndpointState, now: datetime) -> StateChange | None:
    """Make `row` unknown as of the instant its evidence expired, if it has by `now`, and return the change."""
    if row.valid_until is None or row.valid_until > now:
        return None
    standing, change = expire(read_standing(row), row.valid_until)
    write_standing(row, standing)
    return StateChange(row.endpoint_id, change, 0) if change is not None else None


def read_standing(row: StateRow | EndpointState) -> Standing:
    return Standing(
        state=State(row.state),
        since=row.since,
        known_state=State(row.known_state),
        candidate=State(row.candidate),
        candidate_streak=row.candidate_streak,
        candidate_at=row.candidate_at,
    )


def write_standing(row: StateRow | EndpointState, standing: Standing) -> None:
    row.state, row.since, row.known_state = standing.state, standing.since, standing.known_state
    row.candidate, row.candidate_streak = standing.candidate, standing.candidate_streak
    row.candidate_at = standing.candidate_at


def _note_outcome(row: StateRow, outcome: Outcome, slot: Slot) -> None:
    unseen = _count_unseen_slots(row, slot)
    verdicts = row.strip + str(int(State.UNKNOWN)) * unseen + str(int(outcome.verdict))
    row.strip = verdicts[-STRIP_LENGTH:]
    row.last_run_id, row.last_observed_at = slot.run_id, outcome.observed_at
    row.next_slot_at = slot.next_at or row.next_slot_at
    row.last_verdict, row.last_error_kind = outcome.verdict, int(outcome.error_kind or 0)
    row.last_phase, row.last_latency_us = int(outcome.phase or 0), min(outcome.latency_us, MAX_INTEGER)
    row.last_http_status = outcome.http_status


def _count_unseen_slots(row: StateRow, slot: Slot) -> int:
    if slot.next_at is None or row.next_slot_at is None or slot.at <= row.next_slot_at:
        return 0
    if slot.interval_seconds is None:
        return 1
    return min(STRIP_LENGTH, math.ceil((slot.at - row.next_slot_at).total_seconds() / slot.interval_seconds))
