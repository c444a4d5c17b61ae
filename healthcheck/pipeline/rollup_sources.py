"""Reads what hours are rolled up from: results, as tallies per endpoint and hour, and what was rolled up before."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.db import connection

from healthcheck.engine.latencies import CorruptedLatenciesError, Latencies
from healthcheck.engine.types import State
from healthcheck.engine.uptime import HOUR_MS, from_ms
from healthcheck.models import CheckResult, CheckRun, EndpointGroup, Resolution, Rollup
from healthcheck.models.result import Judgement
from healthcheck.models.rollup import RollupQuerySet
from healthcheck.pipeline.retention import HOURS_OF_DAY
from healthcheck.pipeline.statements import fetch, write_instant

logger = logging.getLogger(__name__)

_RESULT, _RUN, _GROUP = CheckResult._meta.db_table, CheckRun._meta.db_table, EndpointGroup._meta.db_table
_IDS = {
    "postgresql": "(SELECT value::int AS id FROM json_array_elements_text(%s::json))",
    "sqlite": "(SELECT value AS id FROM json_each(%s))",
}
_HOUR = {
    "postgresql": "FLOOR(EXTRACT(EPOCH FROM c.scheduled_for) / 3600)::int",
    # Up to the hour only: SQLite rounds what it reads to milliseconds, and so the end of an hour to the next.
    "sqlite": "(CAST(strftime('%%s', substr(c.scheduled_for, 1, 13) || ':00') AS INTEGER) / 3600)",
}
# Each half has its index: the constraint of the slots, and the one of what people and jobs asked for. The triggers
# stand as literals, or SQLite would use neither.
_SELECT_BOUNDS = f"""
    SELECT min(id), max(id) FROM (
        SELECT c.id FROM {_GROUP} g JOIN {_RUN} c ON c.group_id = g.id
        WHERE c."trigger" = 1 AND c.location_id = %s AND c.scheduled_for >= %s AND c.scheduled_for < %s
        UNION ALL
        SELECT c.id FROM {_RUN} c
        WHERE c."trigger" IN (2, 3) AND c.scheduled_for >= %s AND c.scheduled_for < %s
    ) ids
"""  # noqa: S608  # our own names
# By endpoint, whatever group ran it: one that was moved in mid-hour loses nothing. A range of the one index for each.
_SELECT_RESULTS = """
    SELECT r.endpoint_id, {hour}, r.judgement,
           r.latency_us, r.resolve_us, r.connect_us, r.tls_us, r.headers_us, r.body_us
    FROM {ids} e JOIN {result} r ON r.endpoint_id = e.id AND r.run_id >= %s AND r.run_id <= %s
    JOIN {run} c ON c.id = r.run_id
    WHERE c.location_id = %s AND c.scheduled_for >= %s AND c.scheduled_for < %s ORDER BY 1, 2
"""
_ANSWERED = frozenset({State.UP, State.DEGRADED})


class Place(NamedTuple):
    """A bucket of an endpoint: an hour or a day since 1970 in UTC."""

    endpoint_id: int
    number: int


class RunBounds(NamedTuple):
    """The first and the last id of the runs of an interval."""

    first_id: int
    last_id: int


@dataclass(slots=True)
class Tally:
    """What the results of a bucket came to."""

    count: int = 0
    unknown_count: int = 0
    error_counts: Counter[int] = field(default_factory=Counter)
    latencies: Latencies = field(default_factory=Latencies)

    def merge(self, other: Tally) -> None:
        self.count += other.count
        self.unknown_count += other.unknown_count
        self.error_counts.update(other.error_counts)
        self.latencies.merge(other.latencies)


def find_run_bounds(location_id: int, first: int, until: int) -> RunBounds | None:
    """Return the bounds of the runs of hours [first, until); None where there are none."""
    interval = _write_hours(first, until)
    [(first_id, last_id)] = fetch(_SELECT_BOUNDS, location_id, *interval, *interval)
    return None if first_id is None else RunBounds(first_id, last_id)


def read_tallies(
    endpoint_ids: Sequence[int], location_id: int, bounds: RunBounds, *, first: int, until: int
) -> dict[Place, Tally]:
    """Return the tallies of the results of hours [first, until), from runs within `bounds`."""
    vendor = connection.vendor
    statement = _SELECT_RESULTS.format(hour=_HOUR[vendor], ids=_IDS[vendor], result=_RESULT, run=_RUN)
    interval = _write_hours(first, until)
    rows = fetch(statement, json.dumps(endpoint_ids), *bounds, location_id, *interval)
    return {Place(*key): _tally([row[2:] for row in results]) for key, results in groupby(rows, key=itemgetter(0, 1))}


def _tally(results: Sequence[tuple[int, ...]]) -> Tally:
    tally = Tally(count=len(results))
    answered: set[int] = set()
    for packed, count in Counter(map(itemgetter(0), results)).items():
        judged = Judgement.unpack(packed)
        tally.unknown_count += count if judged.verdict == State.UNKNOWN else 0
        if judged.error_kind:
            tally.error_counts[judged.error_kind] += count
        if judged.verdict in _ANSWERED:
            answered.add(packed)
    _packed, *columns = zip(*(row for row in results if row[0] in answered), strict=True) if answered else ((),)
    tally.latencies.add_all(columns)
    return tally


def read_rollups(
    resolution: Resolution, endpoint_ids: Sequence[int], location_id: int, *, first: int, until: int
) -> dict[Place, Tally]:
    """Return the tallies that the rollups of buckets [first, until) hold."""
    rollups = _select(resolution, endpoint_ids, location_id, first=first, until=until)
    rows = rollups.values_list("endpoint_id", "number", "count", "unknown_count", "error_counts", "latencies")
    return {Place(row[0], row[1]): _read_tally(*row[2:]) for row in rows}


def read_counts(endpoint_ids: Sequence[int], location_id: int, *, first: int, until: int) -> dict[Place, int]:
    """Return how many results the rollups of hours [first, until) hold, of those that hold any."""
    rollups = _select(Resolution.HOUR, endpoint_ids, location_id, first=first, until=until).filter(count__gt=0)
    return {Place(pk, number): count for pk, number, count in rollups.values_list("endpoint_id", "number", "count")}


def _select(
    resolution: Resolution, endpoint_ids: Iterable[int], location_id: int, *, first: int, until: int
) -> RollupQuerySet:
    return Rollup.objects.filter(
        resolution=resolution, endpoint_id__in=endpoint_ids, location_id=location_id,
        number__gte=first, number__lt=until,
    )  # fmt: skip


def _read_tally(count: int, unknown_count: int, error_counts: Mapping[str, int], packed: Any) -> Tally:
    kinds = Counter({int(kind): number for kind, number in error_counts.items()})
    return Tally(count, unknown_count, kinds, _unpack(bytes(packed)))


def _unpack(packed: bytes) -> Latencies:
    try:
        return Latencies.unpack(packed)
    except CorruptedLatenciesError:
        # What cannot be read is lost; the counts and the time beside it are not.
        logger.exception("latencies of a rollup cannot be read")
        return Latencies()


def find_missing(resolution: Resolution, endpoint_ids: Iterable[int], location_id: int, number: int) -> set[int]:
    """Return the endpoints that have no rollup of that bucket."""
    ids = set(endpoint_ids)
    rows = Rollup.objects.filter(resolution=resolution, location_id=location_id, number=number, endpoint_id__in=ids)
    return ids - set(rows.values_list("endpoint_id", flat=True))


def find_days(first: int, until: int) -> range:
    """Return the days that hours [first, until) lie in."""
    return range(first // HOURS_OF_DAY, -(-until // HOURS_OF_DAY))


def read_hour_start(hour: int) -> datetime:
    return from_ms(hour * HOUR_MS)


def _write_hours(first: int, until: int) -> tuple[Any, Any]:
    return write_instant(read_hour_start(first)), write_instant(read_hour_start(until))
