"""Records a run: results, evidence, states, transitions and incidents in one transaction, guarded by the run's token.

1. The run is closed only by the token's holder; an abandoned run still accepts its own late results, a zombie's writes
   change nothing.
2. Endpoints that were deleted meanwhile drop out.
3. Everything else is a constant number of statements, whatever the number of endpoints.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import DataError, transaction

from healthcheck.engine.incidents import Happening
from healthcheck.engine.types import ErrorKind, Outcome, State
from healthcheck.models import CheckResult, RunStatus, Transition
from healthcheck.models import Evidence as EvidenceRow
from healthcheck.models.result import MAX_INTEGER, Judgement
from healthcheck.pipeline.advance import Slot, StateChange, advance_state
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.facts import write_evidence
from healthcheck.pipeline.incident_cases import Ground
from healthcheck.pipeline.incidents import follow_changes
from healthcheck.pipeline.marks import STALLED_AFTER, is_closed, mark_hours
from healthcheck.pipeline.notify import queue_notifications
from healthcheck.pipeline.state_rows import LoadedState, load_states, store_states
from healthcheck.pipeline.statements import CLOSE_RUN, change, write_instant

logger = logging.getLogger(__name__)

_RESULT_COLUMNS = (
    "run_id", "endpoint_id", "latency_us", "resolve_us", "connect_us", "tls_us", "headers_us", "body_us", "judgement",
    "http_status",
)  # fmt: skip
_TRANSITION_COLUMNS = ("endpoint_id", "location_id", "from_state", "to_state", "at", "confirmed_at", "error_kind")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a run brought. `changes` are the states that changed with it, `channel_ids` channels to be told of that."""

    counts: dict[State, int]
    wall_us: int
    work_us: int
    changes: tuple[StateChange, ...] = ()
    channel_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """One endpoint's outcome in a run. `facts` are those of its evidence where they were written before, in a spool."""

    endpoint_id: int
    outcome: Outcome
    facts: Mapping[str, Any] | None = None

    @property
    def address(self) -> str:
        """What was connected to, of a failure; empty where that is not known."""
        if self.facts is not None:
            return str(self.facts.get("address", ""))
        return self.outcome.evidence.address if self.outcome.evidence is not None else ""

    def write_facts(self) -> Mapping[str, Any] | None:
        """Return what is stored of the evidence: that of failures only."""
        evidence = self.outcome.evidence
        if self.facts is not None or evidence is None or self.outcome.error_kind is None:
            return self.facts
        return write_evidence(evidence)


def pair_findings(taken: TakenRun, outcomes: Sequence[Outcome], now: datetime) -> list[Finding]:
    """Return the findings in the targets' order, then those of endpoints whose configuration cannot be read."""
    measured = [Finding(t.endpoint_id, outcome) for t, outcome in zip(taken.targets, outcomes, strict=True)]
    unreadable = Outcome(State.UNKNOWN, now, error_kind=ErrorKind.INTERNAL, attempts=0)
    return [*measured, *(Finding(endpoint_id, unreadable) for endpoint_id in taken.unreadable)]


def record_run(
    taken: TakenRun,
    findings: Sequence[Finding],
    *,
    now: datetime,
    wall_us: int,
    clock: Callable[[], float] = time.monotonic,
) -> Recorded | None:
    """Store the findings of a run. None when the token is not valid any more: somebody else has the run."""
    began = clock()
    with transaction.atomic():
        ids = (finding.endpoint_id for finding in findings)
        states = load_states(ids, group_id=taken.group_id, location_id=taken.location_id)
        existing = [finding for finding in findings if finding.endpoint_id in states]
        recorded = _sum_up(existing, wall_us=wall_us)
        if not _close_run(taken, recorded, now=now):
            transaction.set_rollback(True)
            return None
        insert_rows(CheckResult, _RESULT_COLUMNS, [_result_row(taken, f) for f in existing], conflict=_RESULT_KEY)
        # Its hour may have been rolled up without it.
        _mark_slot(taken, existing, now)
        _insert_evidence(taken, existing)
        changes = _advance_states(taken, existing, states, now=now)
        channel_ids = queue_notifications(_follow_changes(taken, existing, changes, now=now), now)
    stalled = timedelta(seconds=clock() - began)
    if stalled >= STALLED_AFTER:
        _mark_slot(taken, existing, now + stalled)
        mark_changes(taken.location_id, changes, now + stalled)
    return replace(recorded, changes=tuple(changes), channel_ids=channel_ids)


def _mark_slot(taken: TakenRun, findings: Sequence[Finding], now: datetime) -> None:
    ids = (finding.endpoint_id for finding in findings)
    mark_hours(ids, [taken.location_id], start=taken.slot_at, end=taken.slot_at, now=now)


def _sum_up(findings: Sequence[Finding], *, wall_us: int) -> Recorded:
    counts = {state: sum(finding.outcome.verdict is state for finding in findings) for state in State}
    return Recorded(counts, wall_us, sum(finding.outcome.latency_us for finding in findings))


_RESULT_KEY = ("endpoint_id", "run_id")


def _close_run(taken: TakenRun, recorded: Recorded, *, now: datetime) -> bool:
    by_state = (recorded.counts[state] for state in (State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN))
    finished = RunStatus.FINISHED
    columns = (finished, write_instant(now), recorded.wall_us, recorded.work_us, *by_state)
    return change(CLOSE_RUN, *columns, taken.run_id, taken.token, finished) == 1


def _result_row(taken: TakenRun, finding: Finding) -> tuple[int, ...]:
    outcome = finding.outcome
    times = outcome.phases
    judgement = Judgement(
        int(outcome.verdict),
        outcome.error_kind or 0,
        outcome.phase or 0,
        outcome.attempts,
        in_maintenance=finding.endpoint_id in taken.in_maintenance,
    )
    micros = (outcome.latency_us, times.resolve_us, times.connect_us, times.tls_us, times.headers_us, times.body_us)
    return (
        taken.run_id,
        finding.endpoint_id,
        *(min(micro, MAX_INTEGER) for micro in micros),
        judgement.pack(),
        outcome.http_status,
    )


def _insert_evidence(taken: TakenRun, findings: Sequence[Finding]) -> None:
    rows = [
        (taken.run_id, finding.endpoint_id, facts)
        for finding in findings
        if (facts := finding.write_facts()) is not None
    ]
    if not rows:
        return
    columns = ("run_id", "endpoint_id", "facts")
    try:
        with transaction.atomic():
            insert_rows(EvidenceRow, columns, rows, conflict=_RESULT_KEY)
    except DataError as error:
        # One text that the database refuses must not cost the others theirs, nor anybody the result.
        # The type only: the database's own words quote what the target said.
        logger.error("evidence refused by the database", extra={"run": taken.run_id, "error": type(error).__name__})
        stubs = [(run_id, endpoint_id, {"sentence": "It could not be stored."}) for run_id, endpoint_id, _ in rows]
        insert_rows(EvidenceRow, columns, stubs, conflict=_RESULT_KEY)


def _advance_states(
    taken: TakenRun, findings: Sequence[Finding], states: dict[int, LoadedState], *, now: datetime
) -> list[StateChange]:
    slot, changes = Slot.of(taken), list[StateChange]()
    for finding in findings:
        state = states[finding.endpoint_id]
        changes += advance_state(state.row, finding.outcome, slot=slot, thresholds=state.thresholds, now=now)
    store_states([states[finding.endpoint_id].row for finding in findings])
    store_transitions(taken.location_id, changes, now=now)
    return changes


def _follow_changes(
    taken: TakenRun, findings: Sequence[Finding], changes: Sequence[StateChange], *, now: datetime
) -> list[Happening]:
    changed = {change.endpoint_id for change in changes}
    addresses = {each.endpoint_id: each.address for each in findings if each.endpoint_id in changed}
    return follow_changes(Ground(taken.group_id, taken.location_id, len(findings)), changes, addresses, now)


def store_transitions(location_id: int, changes: Sequence[StateChange], *, now: datetime) -> None:
    """Insert one transition per change, and mark the hours before `now` that it changes."""
    rows = [
        (
            c.endpoint_id,
            location_id,
            c.change.from_state,
            c.change.to_state,
            c.change.at,
            c.change.confirmed_at,
            c.error_kind,
        )
        for c in changes
    ]
    if rows:
        insert_rows(Transition, _TRANSITION_COLUMNS, rows)
    mark_changes(location_id, changes, now)


def mark_changes(location_id: int, changes: Iterable[StateChange], now: datetime) -> None:
    """Mark the hours before `now` that changes of state concern."""
    late = [c for c in changes if is_closed(c.change.at, now)]
    if late:
        start = min(c.change.at for c in late)
        mark_hours((c.endpoint_id for c in late), [location_id], start=start, end=now, now=now)
