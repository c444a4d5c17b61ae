"""Rolls up what is over: hours that nobody has rolled up yet, oldest first, and hours that have changed since.

Every piece is read, computed and then stored in one short transaction with its progress, so that it can be killed at
any moment and goes on where it was. In any number of places at once: one of them wins each piece, see `rollup_store`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import groupby

from django.db import DataError, IntegrityError
from django.db.models import F

from healthcheck.engine.uptime import HOUR_MS
from healthcheck.models import Endpoint, EndpointGroup, Resolution, RollupMark, RollupProgress
from healthcheck.pipeline.marks import find_hour
from healthcheck.pipeline.retention import HOURS_OF_DAY, Retention, read_retention
from healthcheck.pipeline.rollup_rows import History, compute_rows, load_history
from healthcheck.pipeline.rollup_sources import RunBounds, find_missing, find_run_bounds
from healthcheck.pipeline.rollup_start import begin_histories, find_first_changes, forget_orphans
from healthcheck.pipeline.rollup_store import Claim, Mark, store_piece
from healthcheck.pipeline.rollup_tallies import Piece

logger = logging.getLogger(__name__)

# An hour is begun so long after its end: what came without a mark (see `CLOSED_AFTER`) has long been committed then.
GRACE = timedelta(minutes=5)
# Endpoints times hours of a piece, and the results to be read for it: bounds memory, and the time that its transaction
# holds the lock of SQLite.
PIECE_ROWS = 250
PIECE_RESULTS = 60_000
# Groups, and marks, that are looked at in one go.
BATCH = 200


@dataclass(slots=True)
class RolledUp:
    """Rows written. `is_complete` is False when the time was over first; the next roll-up goes on."""

    rows: int = 0
    is_complete: bool = True


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is left to do: hours, summed over groups and locations, and marks. `oldest_hour` is the first of them."""

    hours: int
    marks: int
    oldest_hour: int | None


@dataclass(slots=True)
class _Pass:
    """One call of `roll_up`: its instant, its budget, and what it must not try again."""

    now: datetime
    until: float
    retention: Retention
    rest_share: float
    rolled_up: RolledUp = field(default_factory=RolledUp)
    refused_groups: set[int] = field(default_factory=set)
    tried_marks: set[int] = field(default_factory=set)
    find_bounds: Callable[[int, int, int], RunBounds | None] = field(
        default_factory=lambda: lru_cache(4)(find_run_bounds)
    )

    @property
    def due_hour(self) -> int:
        """Return the first hour that is not to be rolled up yet."""
        return find_hour(self.now - GRACE)

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until


def roll_up(now: datetime, *, budget_seconds: float, rest_share: float = 0.0) -> RolledUp:
    """Roll up until nothing is left or the time is over, which is looked at between pieces of work.

    After each piece it rests for this share of the time that the piece took: where checks run in the same process.
    """
    started = time.monotonic()
    each = _Pass(now, started + budget_seconds / 2, read_retention(), rest_share)
    begin_histories(now)
    forget_orphans()
    # A clock that was ahead and went back: what was rolled up before its time is rolled up again.
    this_hour = find_hour(now)
    RollupProgress.objects.filter(next_hour__gt=this_hour).update(next_hour=this_hour, serial=F("serial") + 1)
    # Half of the time at most is for what has changed, so that neither waits for the other for ever.
    _roll_up_marked(each)
    each.until = started + budget_seconds
    _roll_up_due(each)
    _roll_up_marked(each)
    each.rolled_up.is_complete = not each.is_over
    return each.rolled_up


def find_backlog(now: datetime) -> Backlog:
    due = find_hour(now - GRACE)
    hours = list(RollupProgress.objects.filter(next_hour__lt=due).values_list("next_hour", flat=True))
    return Backlog(sum(due - hour for hour in hours), RollupMark.objects.count(), min(hours, default=None))


@dataclass(frozen=True, slots=True)
class _Group:
    """A group with its endpoints. `rate` is how many results an endpoint has in an hour."""

    id: int
    endpoint_ids: tuple[int, ...]
    rate: int
    first_hour: int


def _roll_up_due(each: _Pass) -> None:
    while not each.is_over:
        waiting = RollupProgress.objects.filter(next_hour__lt=each.due_hour).exclude(group_id__in=each.refused_groups)
        progress = list(waiting.order_by("next_hour", "location_id", "group_id")[:BATCH])
        if not progress:
            return
        for (hour, location_id), together in groupby(progress, key=lambda row: (row.next_hour, row.location_id)):
            serials = {row.group_id: row.serial for row in together}
            for groups in _gather(_load_groups(each, serials)):
                if each.is_over:
                    return
                claim = Claim(location_id, {group.id: serials[group.id] for group in groups})
                _roll_up_groups(each, claim, groups, hour)


def _roll_up_groups(each: _Pass, claim: Claim, groups: Sequence[_Group], first: int) -> None:
    """Roll up as many hours of these groups as make a piece, at least one, in as many pieces as that takes."""
    rate = max(group.rate for group in groups)
    endpoint_ids = sorted(endpoint_id for group in groups for endpoint_id in group.endpoint_ids)
    until = min(each.due_hour, first + _count_hours(len(endpoint_ids), rate))
    if not endpoint_ids:
        until = each.due_hour
    size = max(1, min(PIECE_ROWS, PIECE_RESULTS // rate))
    chunks = [tuple(endpoint_ids[start : start + size]) for start in range(0, len(endpoint_ids), size)] or [()]
    hours_from = min(group.first_hour for group in groups)
    for chunk in chunks:
        piece = Piece(claim.location_id, chunk, first, until, rolled_until=until, hours_from=hours_from)
        next_hour = until if chunk is chunks[-1] else None
        if not _attempt(each, claim, partial(_roll_up_new, each, claim, piece, next_hour)):
            return


def _count_hours(endpoints: int, rate: int) -> int:
    rows = max(1, endpoints)
    return max(1, min(PIECE_ROWS // rows, PIECE_RESULTS // (rows * rate)))


def _roll_up_new(each: _Pass, claim: Claim, piece: Piece, next_hour: int | None) -> bool:
    if not piece.endpoint_ids:
        return store_piece(claim, piece, [], next_hour=next_hour)
    marks = [mark for mark in _read_marks(piece) if piece.first <= mark.hour and mark.until <= piece.until]
    # What a mark stands for may be of a run that is not within the bounds that were read before it.
    find_bounds = find_run_bounds if marks else each.find_bounds
    history = load_history(piece)
    rows = compute_rows(piece, history, find_bounds(piece.location_id, piece.first, piece.until))
    gaps = _find_gaps(piece, history)
    each.rolled_up.rows += len(rows)
    return store_piece(claim, piece, rows, marks=marks, gaps=gaps, next_hour=next_hour)


def _roll_up_marked(each: _Pass) -> None:
    while not each.is_over:
        found = list(_find_marks(each))
        if not found:
            return
        for (group_id, location_id, _hour), together in groupby(found, key=lambda row: row[:3]):
            if each.is_over:
                return
            marks = [row[3] for row in together]
            each.tried_marks.update(mark.id for mark in marks)
            _roll_up_again(each, group_id, location_id, marks=marks)


def _find_marks(each: _Pass) -> Iterator[tuple[int, int, int, Mark]]:
    """Yield marks of hours that were rolled up, with their group, location and hour, and those alike together."""
    marks = RollupMark.objects.exclude(pk__in=each.tried_marks).order_by("hour", "location_id", "endpoint_id")
    found = list(marks[:BATCH])
    groups = dict(Endpoint.objects.filter(pk__in={mark.endpoint_id for mark in found}).values_list("pk", "group_id"))
    keyed = [(groups[m.endpoint_id], m.location_id, m.hour, _freeze(m)) for m in found if m.endpoint_id in groups]
    each.tried_marks.update(mark.pk for mark in found if mark.endpoint_id not in groups)
    yield from sorted(keyed)


def _roll_up_again(each: _Pass, group_id: int, location_id: int, *, marks: Sequence[Mark]) -> None:
    progress = RollupProgress.objects.filter(group_id=group_id, location_id=location_id).first()
    first = marks[0].hour
    if progress is None or first >= progress.next_hour:
        # It waits for the hour to be rolled up at all, which may take it along.
        return
    [group] = _load_groups(each, {group_id: 0})
    size = max(1, min(PIECE_ROWS, PIECE_RESULTS // group.rate))
    claim = Claim(location_id, {group_id: progress.serial})
    for start in range(0, len(marks), size):
        chunk = marks[start : start + size]
        piece = _cut_marked(chunk, location_id, group=group, rolled_until=progress.next_hour)
        if not _attempt(each, claim, partial(_redo, each, claim, piece, chunk)):
            return


def _cut_marked(marks: Sequence[Mark], location_id: int, *, group: _Group, rolled_until: int) -> Piece:
    ids = tuple(mark.endpoint_id for mark in marks)
    first, until = marks[0].hour, min(max(mark.until for mark in marks), rolled_until)
    if until - first > HOURS_OF_DAY:
        # Somebody's interval, which may begin long before there was anything to be measured.
        changes = find_first_changes(ids, location_id).values()
        first = max(first, min(until, *changes)) if changes else until
    until = min(until, first + _count_hours(len(ids), group.rate))
    return Piece(location_id, ids, first, until, rolled_until=rolled_until, hours_from=group.first_hour)


def _redo(each: _Pass, claim: Claim, piece: Piece, marks: Sequence[Mark]) -> bool:
    bounds = find_run_bounds(piece.location_id, piece.first, piece.until)
    rows = compute_rows(piece, load_history(piece), bounds) if piece.first < piece.until else []
    each.rolled_up.rows += len(rows)
    return store_piece(claim, piece, rows, marks=marks)


def _attempt(each: _Pass, claim: Claim, act: Callable[[], bool]) -> bool:
    """Act, and rest; False when the groups are to be left alone for now."""
    started = time.monotonic()
    try:
        is_done = act()
    except (DataError, IntegrityError) as error:
        # One group that the database refuses must not keep the others from being rolled up.
        logger.error("cannot be rolled up", extra={"groups": [*claim.serials], "error": type(error).__name__})
        is_done = False
    if not is_done:
        each.refused_groups.update(claim.serials)
    if each.rest_share:
        time.sleep(each.rest_share * (time.monotonic() - started))
    return is_done


def _load_groups(each: _Pass, group_ids: dict[int, int]) -> list[_Group]:
    members: dict[int, list[int]] = {group_id: [] for group_id in group_ids}
    for endpoint_id, group_id in Endpoint.objects.filter(group_id__in=members).values_list("pk", "group_id"):
        members[group_id].append(endpoint_id)
    rows = EndpointGroup.objects.filter(pk__in=members).order_by("pk")
    columns = rows.values_list("pk", "interval_seconds", "retention_days", "hour_retention_days")
    return [
        _Group(
            group_id,
            tuple(members[group_id]),
            max(1, 3600 // (interval or 60)),
            each.retention.override(raw_days, hour_days).find_first_hour(each.now),
        )
        for group_id, interval, raw_days, hour_days in columns
    ]


def _gather(groups: Sequence[_Group]) -> Iterator[list[_Group]]:
    """Yield groups that make a piece together: many small ones, or one large one."""
    gathered: list[_Group] = []
    rows = results = 0
    for group in groups:
        rows += len(group.endpoint_ids)
        results += len(group.endpoint_ids) * group.rate
        if gathered and (rows > PIECE_ROWS or results > PIECE_RESULTS):
            yield gathered
            gathered, rows, results = [], len(group.endpoint_ids), len(group.endpoint_ids) * group.rate
        gathered.append(group)
    if gathered:
        yield gathered


def _read_marks(piece: Piece) -> list[Mark]:
    rows = RollupMark.objects.filter(location_id=piece.location_id, endpoint_id__in=piece.endpoint_ids)
    return [_freeze(row) for row in rows.filter(hour__lt=piece.until)]


def _freeze(mark: RollupMark) -> Mark:
    return Mark(mark.pk, mark.endpoint_id, mark.hour, mark.hours, mark.serial)


def _find_gaps(piece: Piece, history: History) -> list[tuple[int, int, int, int]]:
    """Return marks for what is missing before a piece: of an endpoint that came from a group that lagged behind."""
    before, start_ms = piece.first - 1, piece.first * HOUR_MS
    old = [pk for pk, steps in history.steps.items() if any(step.at_ms < start_ms for step in steps)]
    if before >= piece.hours_from:
        missing = find_missing(Resolution.HOUR, old, piece.location_id, before)
    else:
        missing = find_missing(Resolution.DAY, old, piece.location_id, before // HOURS_OF_DAY)
    changes = find_first_changes(missing, piece.location_id) if missing else {}
    return [(pk, piece.location_id, hour, piece.first - hour) for pk, hour in changes.items() if hour < piece.first]
