"""Computes the rollups of some hours and of the days that they lie in. Reads, and writes nothing.

Time comes from transitions and overlays, which are kept as long as their endpoint: it is the same whenever it is
computed, and a day is its hours by the arithmetic itself. For what was counted see `rollup_tallies`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from healthcheck.engine.uptime import HOUR_MS, Overlay, Step, Totals, measure_buckets
from healthcheck.models import Resolution
from healthcheck.models.history import load_overlays, load_steps
from healthcheck.pipeline.retention import HOURS_OF_DAY
from healthcheck.pipeline.rollup_sources import (
    Place,
    RunBounds,
    Tally,
    read_hour_start,
)
from healthcheck.pipeline.rollup_tallies import Piece, compute_tallies


@dataclass(frozen=True, slots=True)
class Row:
    """A rollup as it is to be stored."""

    resolution: Resolution
    place: Place
    totals: Totals
    tally: Tally

    def list_values(self, location_id: int) -> tuple[Any, ...]:
        """Return the values in the order of the columns that `rollup_store` writes."""
        totals, tally = self.totals, self.tally
        kinds = {str(kind): count for kind, count in sorted(tally.error_counts.items())}
        return (
            int(self.resolution), self.place.endpoint_id, location_id, self.place.number,
            totals.up_ms, totals.degraded_ms, totals.down_ms,
            totals.unknown_ms, totals.maintenance_ms, totals.excluded_ms,
            tally.count, tally.unknown_count, json.dumps(kinds), tally.latencies.pack(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class History:
    """What time is computed from, by endpoint."""

    steps: Mapping[int, Sequence[Step]]
    overlays: Mapping[int, Sequence[Overlay]]


def load_history(piece: Piece) -> History:
    start, end = map(read_hour_start, piece.day_hours)
    steps = load_steps(piece.endpoint_ids, piece.location_id, start=start, end=end)
    return History(steps, load_overlays(piece.endpoint_ids, start=start, end=end))


def compute_rows(piece: Piece, history: History, bounds: RunBounds | None) -> list[Row]:
    """Return the rollups of a piece, hours and days, in the order of their key."""
    hours, days = compute_tallies(piece, bounds)
    starts = _list_bounds(piece)
    rows: list[Row] = []
    for endpoint_id in piece.endpoint_ids:
        steps, overlays = history.steps.get(endpoint_id, ()), history.overlays.get(endpoint_id, ())
        spans = measure_buckets(steps, overlays, [hour * HOUR_MS for hour in starts])
        by_hour = dict(zip(starts, spans, strict=False))
        rows += _build_hours(piece, endpoint_id, by_hour, hours)
        rows += _build_days(piece, endpoint_id, by_hour, days)
    return sorted(rows, key=lambda row: (row.resolution, row.place))


def _list_bounds(piece: Piece) -> list[int]:
    first, until = piece.day_hours
    return sorted({*range(first, until, HOURS_OF_DAY), *range(piece.first, piece.until + 1), until})


def _build_hours(
    piece: Piece, endpoint_id: int, spans: Mapping[int, Totals], tallies: Mapping[Place, Tally]
) -> Iterator[Row]:
    for hour in range(piece.first, piece.until):
        place = Place(endpoint_id, hour)
        tally = tallies.get(place, Tally())
        if tally.count or (spans[hour].total_ms and hour >= piece.hours_from):
            yield Row(Resolution.HOUR, place, spans[hour], tally)


def _build_days(
    piece: Piece, endpoint_id: int, spans: Mapping[int, Totals], tallies: Mapping[Place, Tally]
) -> Iterator[Row]:
    for day in piece.days:
        place = Place(endpoint_id, day)
        hours = range(day * HOURS_OF_DAY, (day + 1) * HOURS_OF_DAY)
        totals = _sum(spans[hour] for hour in hours if hour in spans)
        tally = tallies.get(place, Tally())
        if tally.count or totals.total_ms:
            yield Row(Resolution.DAY, place, totals, tally)


def _sum(spans: Iterable[Totals]) -> Totals:
    return sum(spans, Totals())
