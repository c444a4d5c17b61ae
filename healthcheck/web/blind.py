"""When the checker itself saw nothing: hours in which nothing that a page shows was measured. Two queries at most."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import product

from django.db.models import F

from healthcheck.engine.uptime import DAY_MS, HOUR_MS, to_ms
from healthcheck.models import Resolution, Rollup
from healthcheck.web.uptime import LENGTHS_MS, Interval, Period, find_blind, find_dim, join_intervals
from healthcheck.web.uptime_rows import Open, Reading

# The newest hours of days that were blind in part; so many endpoints times this are looked up in the worst case.
MAX_HOURS = 336
HOURS_OF_DAY = DAY_MS // HOUR_MS


def find_blindness(
    watched: Collection[int], reading: Reading, *, period: Period, now: datetime
) -> tuple[Interval, ...]:
    """Return when nothing was known of any of the endpoints with these ids, whole hours but at the end, oldest first.

    They are those that are being checked: of a paused one nobody expects to know anything.
    """
    marks = [uptime.marks for pk, uptime in reading.uptimes.items() if pk in watched]
    first, length_ms, now_ms = period.find_bounds(now)[0], LENGTHS_MS[period.resolution], to_ms(now)
    places = find_blind(marks)
    found = [Interval((first + place) * length_ms, min((first + place + 1) * length_ms, now_ms)) for place in places]
    if period.resolution is Resolution.DAY and (dim := set(find_dim(marks)) - set(places)):
        hours = _find_hours([pk for pk in watched if pk in reading.uptimes], reading, {first + each for each in dim})
        found += [Interval(hour * HOUR_MS, (hour + 1) * HOUR_MS) for hour in hours]
        found += _find_open([part for pk in watched for part in reading.opens.get(pk, ())], now_ms)
    return tuple(join_intervals(found))


def _find_hours(ids: Sequence[int], reading: Reading, days: Collection[int]) -> Iterator[int]:
    """Yield the hours of these days in which nothing was known of any endpoint."""
    hours = Rollup.objects.hours()
    # The best known one rules out most of them.
    sample = min(ids, key=lambda pk: reading.uptimes[pk].totals.unknown_ms)
    unseen = {"up_ms": 0, "degraded_ms": 0, "down_ms": 0, "unknown_ms__gt": 0}
    numbers = [day * HOURS_OF_DAY + hour for day, hour in product(days, range(HOURS_OF_DAY))]
    suspects = set(
        hours.filter(endpoint_id=sample, number__in=numbers, **unseen)
        .order_by("-number")
        .values_list("number", flat=True)[:MAX_HOURS]
    )
    if suspects:
        known = hours.filter(endpoint_id__in=ids, number__in=suspects, up_ms__gt=-F("degraded_ms") - F("down_ms"))
        suspects -= set(known.values_list("number", flat=True).distinct())
    yield from suspects


def _find_open(parts: Sequence[Open], now_ms: int) -> Iterator[Interval]:
    """Yield the time that is not rolled up yet, where nothing is known of anything in it."""
    totals = [spent for part in parts for spent in part.buckets.values()]
    if any(spent.unknown_ms for spent in totals) and not any(spent.known_ms for spent in totals):
        yield Interval(max(part.start_ms for part in parts), now_ms)
