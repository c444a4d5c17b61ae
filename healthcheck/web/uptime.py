"""The periods that a page shows, and what a history came to in one of them. Pure.

A period is a number of whole hours or days of UTC, of which the last is not over yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from healthcheck.engine.strips import Mark
from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals, from_ms, to_ms
from healthcheck.models import Resolution

LENGTHS_MS = {Resolution.HOUR: HOUR_MS, Resolution.DAY: DAY_MS}
KNOWN = (Mark.UP | Mark.DEGRADED | Mark.DOWN).value
# What a bucket says in which an endpoint did not exist: it is in nobody's way.
_ABSENT_AS_UNKNOWN = bytes([Mark.UNKNOWN, *range(1, 256)])


@dataclass(frozen=True, slots=True)
class Period:
    """`key` names it in addresses."""

    key: str
    resolution: Resolution
    count: int

    def find_bounds(self, now: datetime) -> tuple[int, int]:
        """Return the numbers of its first and its last bucket as it stands at `now`."""
        last = to_ms(now) // LENGTHS_MS[self.resolution]
        return last - self.count + 1, last

    def find_start(self, now: datetime) -> datetime:
        return from_ms(self.find_bounds(now)[0] * LENGTHS_MS[self.resolution])


PERIODS = (
    Period("24h", Resolution.HOUR, 24),
    Period("7d", Resolution.DAY, 7),
    Period("30d", Resolution.DAY, 30),
    Period("90d", Resolution.DAY, 90),
)
# Not a period: the last checks, as they came.
NOW_KEY = "now"


@dataclass(frozen=True, slots=True)
class Uptime:
    """What a period came to. `marks` holds a byte of each of its buckets, oldest first; see `engine.strips.Mark`."""

    marks: bytes
    totals: Totals
    # Since when anything in the period is known; None where nothing is. See `find_known_start`.
    known_from_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """A period as a page shows it. `blind` is when nothing that it shows was measured, `known_from_ms` since when
    anything of it was.
    """

    period: Period
    counts_degraded: bool
    blind: tuple[Interval, ...] = ()
    known_from_ms: int | None = None

    def find_start(self, now: datetime) -> datetime:
        """Return since when the period counts: a deployment may be younger than it."""
        start = self.period.find_start(now)
        return start if self.known_from_ms is None else max(start, from_ms(self.known_from_ms))


def find_period(key: str) -> Period | None:
    return next((period for period in PERIODS if period.key == key), None)


def add_up(uptimes: Iterable[Uptime | None]) -> Totals:
    """Return the sum of all of them: each second of each endpoint counts."""
    return sum((each.totals for each in uptimes if each is not None), Totals())


def find_known_start(totals: Totals, end_ms: int) -> int | None:
    """Return since when something of a bucket is known that was measured up to `end_ms`; None where nothing is.

    The first change ever is to something known, and what lies before it is in no total. Later on a bucket that has
    unknown time as well counts from its start.
    """
    return end_ms - totals.total_ms if totals.known_ms else None


def find_earliest(instants_ms: Iterable[int | None]) -> int | None:
    return min((each for each in instants_ms if each is not None), default=None)


def find_blind(marks: Sequence[bytes]) -> list[int]:
    """Return the places of buckets in which nobody knew anything of any of these histories, though one existed."""
    seen = _unite(marks)
    return [place for place, each in enumerate(seen) if each & Mark.UNKNOWN and not each & KNOWN]


def find_dim(marks: Sequence[bytes]) -> list[int]:
    """Return the places of buckets in which something of every history is unknown: where blindness may hide."""
    if not marks:
        return []
    common = -1
    for each in marks:
        common &= int.from_bytes(each.translate(_ABSENT_AS_UNKNOWN), "big")
    shared, seen = common.to_bytes(len(marks[0]), "big"), _unite(marks)
    return [place for place, each in enumerate(shared) if each & Mark.UNKNOWN and seen[place]]


def join_intervals(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Yield the intervals in order, those that touch as one."""
    open_interval: Interval | None = None
    for interval in sorted(intervals, key=lambda each: each.start_ms):
        if open_interval is None:
            open_interval = interval
        elif interval.start_ms <= open_interval.end_ms:
            open_interval = Interval(open_interval.start_ms, max(open_interval.end_ms, interval.end_ms))
        else:
            yield open_interval
            open_interval = interval
    if open_interval is not None:
        yield open_interval


def unite_marks(one: bytes, other: bytes) -> bytes:
    """Return what occurred in either, bucket by bucket; both are of one length."""
    return (int.from_bytes(one, "big") | int.from_bytes(other, "big")).to_bytes(len(one), "big")


def _unite(marks: Sequence[bytes]) -> bytes:
    united = 0
    for each in marks:
        united |= int.from_bytes(each, "big")
    return united.to_bytes(len(marks[0]) if marks else 0, "big")
