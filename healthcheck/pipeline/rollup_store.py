"""Stores a piece of rollups, if nobody else has written of its groups since they were read. Both databases alike.

1. The groups' progress still has the serial that was read: the condition that keeps two roll-ups of one group apart,
   wherever they run. The reading before it holds no lock, so that on SQLite nobody waits for it.
2. Endpoints that were moved, removed or are being edited meanwhile are left out, and marked.
3. The marks that had been read go, unless they were left once more since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F

from healthcheck.engine.uptime import Totals
from healthcheck.models import Endpoint, Resolution, Rollup, RollupMark, RollupProgress
from healthcheck.pipeline.marks import insert_marks
from healthcheck.pipeline.rollup_rows import Row
from healthcheck.pipeline.rollup_tallies import Piece
from healthcheck.pipeline.statements import fetch
from healthcheck.pipeline.strips import Owner, keep_strips

_KEY = ("resolution", "endpoint_id", "location_id", "number")
_VALUES = (
    "up_ms", "degraded_ms", "down_ms", "unknown_ms", "maintenance_ms", "excluded_ms",
    "count", "unknown_count", "error_counts", "latencies",
)  # fmt: skip
_UPSERT = f"""
    INSERT INTO {Rollup._meta.db_table} ({", ".join(_KEY + _VALUES)})
    VALUES ({", ".join(["%s"] * len(_KEY + _VALUES))}) ON CONFLICT ({", ".join(_KEY)})
    DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in _VALUES)}
"""  # noqa: S608  # our own names
# Shared, so that they are neither moved nor removed before this is committed; nobody is waited for, so that no deadlock
# can come of it, whatever order others lock them in.
_SELECT_MEMBERS = f"""
    SELECT id FROM {Endpoint._meta.db_table}
    WHERE group_id IN (SELECT {{group_ids}}) AND id IN (SELECT {{endpoint_ids}}) ORDER BY id {{lock}}
"""  # noqa: S608  # our own names
_NUMBERS = {
    "postgresql": "value::int FROM json_array_elements_text(%s::json)",
    "sqlite": "value FROM json_each(%s)",
}


class Mark(NamedTuple):
    """A mark as it was read, before anything else."""

    id: int
    endpoint_id: int
    hour: int
    hours: int
    serial: int

    @property
    def until(self) -> int:
        return self.hour + self.hours


@dataclass(slots=True)
class Claim:
    """Groups at a location, with the serials that their progress had when it was read."""

    location_id: int
    serials: dict[int, int]


def store_piece(  # noqa: PLR0913  # all of one piece, on its way into one transaction
    claim: Claim,
    piece: Piece,
    rows: Sequence[Row],
    *,
    marks: Iterable[Mark] = (),
    gaps: Sequence[tuple[int, int, int, int]] = (),
    next_hour: int | None = None,
) -> bool:
    """Store the rows, move the groups on to `next_hour` where there is one, remove the marks and leave those of gaps.

    False when somebody else has written of the groups meanwhile: then nothing is stored.
    """
    with transaction.atomic():
        if not _move_on(claim, next_hour):
            return False
        members = _hold_members(claim, piece) if piece.endpoint_ids else set()
        _write(piece.location_id, [row for row in rows if row.place.endpoint_id in members])
        _remove_marks(piece, [mark for mark in marks if mark.endpoint_id in members])
        _mark_left_out(piece, set(piece.endpoint_ids) - members)
        insert_marks(gaps)
    claim.serials = {group_id: serial + 1 for group_id, serial in claim.serials.items()}
    return True


def _move_on(claim: Claim, next_hour: int | None) -> bool:
    progress = RollupProgress.objects.filter(location_id=claim.location_id, group_id__in=claim.serials)
    held = progress.select_for_update().order_by("group_id").values_list("group_id", "serial")
    if dict(held) != claim.serials:
        return False
    moved = {} if next_hour is None else {"next_hour": next_hour}
    progress.update(serial=F("serial") + 1, **moved)
    return True


def _hold_members(claim: Claim, piece: Piece) -> set[int]:
    numbers = _NUMBERS[connection.vendor]
    lock = "FOR SHARE SKIP LOCKED" if connection.features.has_select_for_update else ""
    statement = _SELECT_MEMBERS.format(group_ids=numbers, endpoint_ids=numbers, lock=lock)
    return {row[0] for row in fetch(statement, json.dumps([*claim.serials]), json.dumps(piece.endpoint_ids))}


def _write(location_id: int, rows: Sequence[Row]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, [row.list_values(location_id) for row in rows])
    for resolution in Resolution:
        buckets: dict[Owner, dict[int, Totals]] = {}
        for row in rows:
            if row.resolution == resolution:
                owner = Owner(row.place.endpoint_id, location_id)
                buckets.setdefault(owner, {})[row.place.number] = row.totals
        keep_strips(resolution, buckets)


def _remove_marks(piece: Piece, marks: Sequence[Mark]) -> None:
    if not marks:
        return
    read = {mark.id: mark for mark in marks}
    # Whoever leaves one of them once more at this moment is not waited for: that mark stays.
    held = RollupMark.objects.filter(pk__in=read).select_for_update(skip_locked=True).values_list("pk", "serial")
    done = [read[pk] for pk, serial in held if serial == read[pk].serial]
    RollupMark.objects.filter(pk__in=[mark.id for mark in done]).delete()
    rest = [mark for mark in done if mark.until > piece.until]
    insert_marks((each.endpoint_id, piece.location_id, piece.until, each.until - piece.until) for each in rest)


def _mark_left_out(piece: Piece, endpoint_ids: set[int]) -> None:
    there = Endpoint.objects.filter(pk__in=endpoint_ids).values_list("pk", flat=True) if endpoint_ids else ()
    hours = piece.until - piece.first
    insert_marks((endpoint_id, piece.location_id, piece.first, hours) for endpoint_id in there)
