"""Hours of the week on a clock on the wall, such as Mon-Fri 08:00-18:00. Pure: time is an argument.

They follow the wall where clocks change: an hour that comes twice is in them twice, one that is left out is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from healthcheck.engine.recurrence import find_zone
from healthcheck.engine.types import ConfigurationError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_SPANS = 30
# What begins in an hour that is left out may not come before the week after: this one, and two more.
_WEEKS, _HORIZON_DAYS = 3, 15
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = 7 * _DAY_MINUTES
_KEPT = 1000

_SPAN = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))?\s+)?(\d\d):(\d\d)-(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class WeekHours:
    """Spans of minutes since Monday 00:00 on the wall; one may end in the week after. Without any it is always."""

    spans: tuple[tuple[int, int], ...]
    zone: ZoneInfo

    def holds(self, instant: datetime) -> bool:
        """Return whether the clock on the wall is within them."""
        wall = instant.astimezone(self.zone)
        minute = wall.weekday() * _DAY_MINUTES + wall.hour * 60 + wall.minute
        return not self.spans or any(
            start <= each < end for start, end in self.spans for each in (minute, minute + _WEEK_MINUTES)
        )

    def find_next(self, instant: datetime) -> datetime:
        """Return `instant` if they hold then, else when they next begin."""
        if self.holds(instant):
            return instant
        found = (each for each in self._iterate_candidates(instant) if each > instant and self.holds(each))
        return min(found, default=instant)

    def _iterate_candidates(self, instant: datetime) -> Iterator[datetime]:
        """Yield when they may begin: the times of the wall, each time they come, and whenever clocks change."""
        first = instant.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        first -= timedelta(days=first.weekday())
        for start, _end in self.spans:
            for week in range(_WEEKS):
                wall = first + timedelta(weeks=week, minutes=start)
                yield from (wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        for day in range(_HORIZON_DAYS):
            yield from self._iterate_changes(instant.astimezone(UTC) + timedelta(days=day))

    def _iterate_changes(self, after: datetime) -> Iterator[datetime]:
        """Yield when clocks change within a day of `after`, to the second."""
        low, high = after.replace(microsecond=0), after.replace(microsecond=0) + timedelta(days=1)
        before = self._find_offset(low)
        if self._find_offset(high) == before:
            return
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
            low, high = (middle, high) if self._find_offset(middle) == before else (low, middle)
        yield high

    def _find_offset(self, instant: datetime) -> timedelta | None:
        return instant.astimezone(self.zone).utcoffset()


@lru_cache(_KEPT)
def parse_week_hours(text: str, timezone: str) -> WeekHours:
    """Return the hours; empty is always. Raises ConfigurationError with a sentence that names the cure."""
    zone = find_zone(timezone)
    parts = [part.strip() for part in text.lower().split(",") if part.strip()]
    if len(parts) > MAX_SPANS:
        raise ConfigurationError(f"These are more than {MAX_SPANS} spans; join some of them.", field="hours")
    return WeekHours(tuple(span for part in parts for span in _parse_part(part)), zone)


def _parse_part(part: str) -> Iterator[tuple[int, int]]:
    match = _SPAN.fullmatch(part)
    days = _find_days(*match.group(1, 2)) if match else []
    if match is None or not days:
        sentence = f"“{part}” is no span of hours; write such as Mon-Fri 08:00-18:00, Sat 10:00-14:00."
        raise ConfigurationError(sentence, field="hours")
    start_hour, start_minute, end_hour, end_minute = map(int, match.group(3, 4, 5, 6))
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if start_minute > 59 or end_minute > 59 or start >= _DAY_MINUTES or end > _DAY_MINUTES or start == end:
        sentence = f"“{part}” holds a time that is none, or no time at all; write from 00:00 to 24:00."
        raise ConfigurationError(sentence, field="hours")
    # Such as 22:00-06:00: until the morning after.
    length = end - start if end > start else end - start + _DAY_MINUTES
    for day in days:
        begin = day * _DAY_MINUTES + start
        yield begin, begin + length


def _find_days(first: str | None, last: str | None) -> list[int]:
    """Return the days by number, from the first to the last, over the week's end too; none for a name that is none."""
    if first is None:
        return list(range(7))
    if first not in DAYS or (last or first) not in DAYS:
        return []
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [(begin + each) % 7 for each in range((end - begin) % 7 + 1)]
