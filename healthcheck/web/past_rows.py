"""Reads the past of one endpoint from its rollups, and what is not rolled up yet from its changes of state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import BinaryField, Case, F, Value, When

from healthcheck.engine.latencies import CorruptedLatenciesError, Latencies
from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals, to_ms
from healthcheck.models import Endpoint, Resolution, Rollup
from healthcheck.web.past import CALENDAR_DAYS, Bucket, Past
from healthcheck.web.uptime import Period, find_earliest, find_known_start
from healthcheck.web.uptime_rows import MAX_OPEN_HOURS, Open, Owner, load_standings, measure_open

_SPENT = ("up_ms", "degraded_ms", "down_ms", "unknown_ms", "maintenance_ms", "excluded_ms")
_COLUMNS = ("number", "location_id", *_SPENT, "count", "unknown_count", "error_counts")
_HOURS_OF_DAY = DAY_MS // HOUR_MS


def load_past(endpoint_id: int, period: Period, now: datetime) -> Past:
    """Return a year of days and the last hours; latencies are read of the period alone. Five queries at most.

    One more for each further location whose state has changed since its last roll-up.
    """
    hour, today = to_ms(now) // HOUR_MS, to_ms(now) // DAY_MS
    rolled: dict[Owner, int] = {}
    hours: dict[int, Bucket] = defaultdict(Bucket)
    days: dict[int, Bucket] = defaultdict(Bucket)
    for number, location_id, *facts in _read(endpoint_id, Resolution.HOUR, hour - MAX_OPEN_HOURS, period, now):
        owner = Owner(endpoint_id, location_id)
        rolled[owner] = max(number + 1, rolled.get(owner, 0))
        _add(hours[number], facts, (number + 1) * HOUR_MS)
    for number, location_id, *facts in _read(endpoint_id, Resolution.DAY, today - CALENDAR_DAYS, period, now):
        end, rolled_hour = (number + 1) * DAY_MS, rolled.get(Owner(endpoint_id, location_id))
        _add(days[number], facts, end if rolled_hour is None else min(end, rolled_hour * HOUR_MS))
    standings = load_standings(Endpoint.objects.filter(pk=endpoint_id).values("pk"), now)
    opens = measure_open(standings, rolled, oldest=hour - MAX_OPEN_HOURS, length_ms=HOUR_MS, now=now)
    _lay_on(opens.values(), hours, days)
    return Past(hours, days)


def _read(
    endpoint_id: int, resolution: Resolution, after: int, period: Period, now: datetime
) -> Iterable[tuple[Any, ...]]:
    rows = Rollup.objects.filter(resolution=resolution, endpoint_id=endpoint_id, number__gt=after).order_by("number")
    first = period.find_bounds(now)[0]
    if resolution is not period.resolution:
        return rows.values_list(*_COLUMNS, Value(b"", output_field=BinaryField()))
    shown = When(number__gte=first, then=F("latencies"))
    return rows.values_list(*_COLUMNS, Case(shown, default=Value(b""), output_field=BinaryField()))


def _add(bucket: Bucket, facts: list[Any], end_ms: int) -> None:
    *spent, count, unknown_count, errors, packed = facts
    totals = Totals(*spent)
    bucket.totals += totals
    bucket.known_from_ms = find_earliest([bucket.known_from_ms, find_known_start(totals, end_ms)])
    bucket.count += count
    bucket.unknown_count += unknown_count
    bucket.errors.update({int(kind): number for kind, number in errors.items()})
    if packed:
        latencies = _unpack(bytes(packed))
        if bucket.latencies is None:
            bucket.latencies = latencies
        else:
            bucket.latencies.merge(latencies)


def _unpack(packed: bytes) -> Latencies:
    try:
        return Latencies.unpack(packed)
    except CorruptedLatenciesError:
        # Of a newer release during an upgrade, or damaged: the rest of the page is as good as ever.
        return Latencies()


def _lay_on(opens: Iterable[Open], hours: Mapping[int, Bucket], days: Mapping[int, Bucket]) -> None:
    for part in opens:
        for number, totals in part.buckets.items():
            for bucket in (hours[number], days[number // _HOURS_OF_DAY]):
                bucket.totals += totals
                bucket.known_from_ms = find_earliest([bucket.known_from_ms, part.known_from_ms.get(number)])
