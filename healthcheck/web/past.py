"""The past of one endpoint in hours and days: what each came to, how long answers took, what failed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from healthcheck.engine.latencies import Latencies
from healthcheck.engine.strips import mark
from healthcheck.engine.uptime import Totals, to_ms
from healthcheck.models import Resolution
from healthcheck.web.uptime import LENGTHS_MS, Interval, Period, Span, Uptime, find_earliest, join_intervals

PERCENTILES = (50, 95, 99)
# A year and the days that fill its first and its last week.
CALENDAR_DAYS = 371


@dataclass(slots=True)
class Bucket:
    """An hour or a day, of all locations together. `latencies` is None where nobody asked for them."""

    totals: Totals = field(default_factory=Totals)
    count: int = 0
    unknown_count: int = 0
    # Results by the number of their ErrorKind.
    errors: Counter[int] = field(default_factory=Counter)
    latencies: Latencies | None = None
    known_from_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """Buckets by number. A day has its rolled up hours, and what was measured of those that are not."""

    hours: Mapping[int, Bucket]
    days: Mapping[int, Bucket]

    def choose(self, resolution: Resolution) -> Mapping[int, Bucket]:
        return self.hours if resolution is Resolution.HOUR else self.days

    def list_buckets(self, period: Period, now: datetime) -> list[tuple[int, Bucket]]:
        """Return all buckets of a period with their numbers, oldest first; empty ones where nothing is known."""
        first, last = period.find_bounds(now)
        held = self.choose(period.resolution)
        return [(number, held.get(number) or Bucket()) for number in range(first, last + 1)]

    def sum_up(self, period: Period, now: datetime) -> Uptime:
        buckets = [bucket for _number, bucket in self.list_buckets(period, now)]
        totals = [bucket.totals for bucket in buckets]
        known_from_ms = find_earliest(bucket.known_from_ms for bucket in buckets)
        return Uptime(bytes(mark(each) for each in totals), sum(totals, Totals()), known_from_ms)


def find_own_span(past: Past, period: Period, now: datetime, *, counts_degraded: bool) -> Span:
    """Return the period as the page of this endpoint alone shows it."""
    blind = find_own_blindness(past, period, now)
    return Span(period, counts_degraded, blind, past.sum_up(period, now).known_from_ms)


def find_own_blindness(past: Past, period: Period, now: datetime) -> tuple[Interval, ...]:
    """Return the buckets of the period of which nothing is known, joined where they touch; oldest first."""
    length_ms, now_ms = LENGTHS_MS[period.resolution], to_ms(now)
    return tuple(
        join_intervals(
            Interval(number * length_ms, min((number + 1) * length_ms, now_ms))
            for number, bucket in past.list_buckets(period, now)
            if bucket.totals.unknown_ms and not bucket.totals.known_ms
        )
    )


@dataclass(frozen=True, slots=True)
class Answers:
    """All results of a period together."""

    latencies: Latencies
    count: int
    unknown_count: int
    errors: Counter[int]


def merge(buckets: Iterable[Bucket]) -> Answers:
    latencies, errors = Latencies(), Counter[int]()
    count = unknown_count = 0
    for bucket in buckets:
        count, unknown_count = count + bucket.count, unknown_count + bucket.unknown_count
        errors.update(bucket.errors)
        if bucket.latencies is not None:
            latencies.merge(bucket.latencies)
    return Answers(latencies, count, unknown_count, errors)
