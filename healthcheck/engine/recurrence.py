"""When a maintenance window holds: its starts by a clock on the wall, its duration in time that passes. Pure.

- A start in an hour that the clocks leave out comes as much later as they leave out: 02:30 is 03:30 that day. RFC 5545
  reads such a time so (3.3.5), and would leave it out of a recurrence (3.3.10); but maintenance that is left out wakes
  people.
- A start in an hour that comes twice is the first of them.
- Dates that are skipped (EXDATE) or added (RDATE) are read by the same clock, unless they name a zone of their own.
- The duration is exact: four hours over a change of the clocks are four hours, so the end on the wall moves.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.rrule import DAILY, HOURLY, MONTHLY, WEEKLY, YEARLY, rrule

from healthcheck.engine.recurrence_rule import Rule, refuse
from healthcheck.engine.recurrence_text import FIRST_YEAR, LAST_YEAR, Moment, Recurrence, parse_recurrence
from healthcheck.engine.types import ConfigurationError

MAX_DURATION = timedelta(days=366)
# Periods that are looked at for the next start. The calendar repeats itself after 400 years; of days it is forty years,
# as long as a Friday of 29 February may take.
MAX_STEPS = {YEARLY: 400, MONTHLY: 4_800, WEEKLY: 20_000, DAILY: 15_000, HOURLY: 15_000}
# Starts that are compared with the duration.
MAX_COMPARED = 100
# The longest that clocks ever left out is the day that Samoa skipped; in the order of the wall a later start may come
# earlier by that much.
_LONGEST_SHIFT = timedelta(days=1)
_STEPS = {WEEKLY: timedelta(days=7), DAILY: timedelta(days=1), HOURLY: timedelta(hours=1)}


@dataclass(frozen=True, slots=True, order=True)
class Occurrence:
    """[starts_at, ends_at), in UTC."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Starts that do not take place: as instants, by the wall of the window's zone, and the rule's of whole days of it.

    A time of that zone is both: in an hour that the clocks leave out the wall of its start is another, and where an
    hour comes twice the start may be the second of two instants.
    """

    instants: frozenset[datetime] = frozenset()
    walls: frozenset[datetime] = frozenset()
    days: frozenset[date] = frozenset()


_NOTHING = Exceptions()


@dataclass(frozen=True, slots=True)
class Timetable:
    """`first_at` is when it begins, or from when on `rule` counts, whose times are of a clock in `zone`.

    `added` are starts beside those of the rule, in order.
    """

    first_at: datetime
    duration: timedelta
    zone: ZoneInfo
    rule: Rule | None = None
    added: tuple[datetime, ...] = ()
    skipped: Exceptions = _NOTHING

    def iterate(self, after: datetime) -> Iterator[Occurrence]:
        """Yield the occurrences that start after `after`, in order, up to one that is too far to be found."""
        last: datetime | None = None
        for starts_at in heapq.merge(self._iterate_ruled(after), self.added):
            is_new = starts_at > after and starts_at >= self.first_at and starts_at != last
            if is_new and not self._is_skipped(starts_at):
                last = starts_at
                yield Occurrence(starts_at, starts_at + self.duration)

    def find_next(self, after: datetime) -> Occurrence | None:
        return next(self.iterate(after), None)

    def find_open(self, instant: datetime) -> list[Occurrence]:
        """Return the occurrences that hold at `instant`: one, or two where the clocks were put forward between them."""
        found = []
        for each in self.iterate(instant - self.duration):
            if each.starts_at > instant:
                break
            found.append(each)
        return found

    def _is_skipped(self, starts_at: datetime) -> bool:
        if self.skipped == _NOTHING:
            return False
        start = starts_at.replace(microsecond=0)
        return start in self.skipped.instants or self._read_wall(start) in self.skipped.walls

    def _iterate_ruled(self, after: datetime) -> Iterator[datetime]:
        until = self._read_until()
        for starts_at in self._iterate_starts(after):
            if until is not None and starts_at > until:
                return
            if not self.skipped.days or self._read_wall(starts_at).date() not in self.skipped.days:
                yield starts_at

    def _iterate_starts(self, after: datetime) -> Iterator[datetime]:
        if self.rule is None:
            yield self.first_at
            return
        first = self._read_wall(self.first_at).replace(microsecond=0)
        waiting: list[datetime] = []
        for wall in _iterate_walls(self.rule, first, self._read_wall(after) - 2 * _LONGEST_SHIFT):
            instant = self._read_instant(wall)
            # The first one was given as an instant: it may be the second of an hour that comes twice.
            heapq.heappush(waiting, self.first_at if wall == first else instant)
            yield from _pop_until(waiting, instant - _LONGEST_SHIFT)
        yield from _pop_until(waiting, None)

    def _read_wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def _read_instant(self, wall: datetime) -> datetime:
        return _read_clock(wall, self.zone)

    def _read_until(self) -> datetime | None:
        until = self.rule.until if self.rule is not None else None
        if until is None:
            return None
        return until.wall.replace(tzinfo=UTC) if until.is_utc else self._read_instant(until.wall)


def parse_timetable(first_at: datetime, duration: timedelta, *, recurrence: str, timezone: str) -> Timetable:
    """Return the timetable of what a person entered, unless it can never be or is too much.

    Raises ConfigurationError for one of the fields timezone, starts_at, duration_seconds and recurrence.
    """
    timetable = read_timetable(first_at, duration, recurrence=recurrence, timezone=timezone)
    if not FIRST_YEAR <= first_at.year < LAST_YEAR:
        years = f"{FIRST_YEAR} to {LAST_YEAR - 1}"
        sentence = f"A maintenance window must start in one of the years {years}; check the year."
        raise ConfigurationError(sentence, field="starts_at")
    if duration <= timedelta():
        sentence = "A maintenance window must end after it starts; set a later end."
        raise ConfigurationError(sentence, field="duration_seconds")
    if duration > MAX_DURATION:
        sentence = f"A maintenance window may last {MAX_DURATION.days} days at most; pause what is away for longer."
        raise ConfigurationError(sentence, field="duration_seconds")
    if any(each < first_at for each in timetable.added):
        raise refuse("An RDATE lies before the start of the window; make the start earlier, or leave that date away.")
    if recurrence.strip():
        _refuse_endless(timetable)
    return timetable


def read_timetable(first_at: datetime, duration: timedelta, *, recurrence: str, timezone: str) -> Timetable:
    """Return the timetable of what was refused or not when it was entered. Raises ConfigurationError."""
    zone, read = find_zone(timezone), parse_recurrence(recurrence)
    # A day that is added begins when the first one does.
    clock = first_at.astimezone(zone).time().replace(microsecond=0)
    moments = (replace(each, wall=datetime.combine(each.wall, clock)) if each.is_day else each for each in read.added)
    added = tuple(sorted(_read_moment(each, zone) for each in moments))
    return Timetable(first_at, duration, zone, read.rule, added=added, skipped=_find_skipped(read, zone))


def _find_skipped(read: Recurrence, zone: ZoneInfo) -> Exceptions:
    times = [each for each in read.skipped if not each.is_day]
    return Exceptions(
        instants=frozenset(_read_moment(each, zone) for each in times),
        walls=frozenset(each.wall for each in times if each.zone is None),
        days=frozenset(each.wall.date() for each in read.skipped if each.is_day),
    )


def _read_moment(moment: Moment, zone: ZoneInfo) -> datetime:
    return _read_clock(moment.wall, zone if moment.zone is None else _find_own_zone(moment.zone))


def _read_clock(wall: datetime, zone: ZoneInfo) -> datetime:
    # Without a fold: the first of an hour that comes twice, and of one that is left out what the clock was before.
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _find_own_zone(timezone: str) -> ZoneInfo:
    try:
        return find_zone(timezone)
    except ConfigurationError as error:
        raise refuse(error.sentence) from None


def find_zone(timezone: str) -> ZoneInfo:
    """Return the zone of a name such as Europe/Berlin. Raises ConfigurationError."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        sentence = f"There is no time zone “{timezone[:64]}”; use a name such as Europe/Berlin or UTC."
        raise ConfigurationError(sentence, field="timezone") from None


def _refuse_endless(timetable: Timetable) -> None:
    """Refuse what never begins, and what would begin again before it is over: that is one window, always open."""
    starts = [each.starts_at for each in islice(timetable.iterate(_BEFORE), MAX_COMPARED)]
    if not starts:
        sentence = "This recurrence never begins; choose days that exist, and an UNTIL after the start."
        raise ConfigurationError(sentence, field="recurrence")
    # By the wall: twenty-four hours each day are fine, although one day of the year has twenty-three.
    walls = [timetable.zone.fromutc(each.replace(tzinfo=timetable.zone)).replace(tzinfo=None) for each in starts]
    if any(later - earlier < timetable.duration for earlier, later in pairwise(walls)):
        sentence = "It would begin again before it is over; make it shorter, or let it recur less often."
        raise ConfigurationError(sentence, field="recurrence")


_BEFORE = datetime(FIRST_YEAR - 1, 1, 1, tzinfo=UTC)


def _pop_until(waiting: list[datetime], safe_at: datetime | None) -> Iterator[datetime]:
    """Take off the instants up to `safe_at`, each once: two times of the wall may be one where an hour is left out."""
    while waiting and (safe_at is None or waiting[0] <= safe_at):
        instant = heapq.heappop(waiting)
        while waiting and waiting[0] == instant:
            heapq.heappop(waiting)
        yield instant


class _TooFarError(Exception):
    """Nothing begins for so long that nobody waits for it."""


class _Interval(int):
    """An interval that gives up. dateutil adds it to get to the next period, and where none fires it does so for ever:
    11 s for FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30, up to the year 9999.
    """

    steps = 0

    def __radd__(self, other: Any) -> Any:
        self._step()
        return int(other) + int(self)

    def __mul__(self, other: Any) -> Any:
        self._step()
        return int(self) * int(other)

    def _step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise _TooFarError


def _iterate_walls(rule: Rule, first: datetime, after: datetime) -> Iterator[datetime]:
    """Yield the starts on the wall, in order; some before `after` may be left out."""
    interval = _Interval(rule.interval)
    parts: dict[str, Any] = {name.lower(): numbers for name, numbers in rule.numbers}
    try:
        recurrence = rrule(
            rule.frequency,
            dtstart=_leap(rule, first, after),
            interval=interval,
            count=rule.count,
            wkst=rule.week_start,
            byweekday=rule.days or None,
            **parts,
        )
    except ValueError:
        # No hour that it steps on is among its BYHOUR.
        return
    walls = iter(recurrence)
    while True:
        interval.steps = MAX_STEPS[rule.frequency]
        try:
            wall = next(walls, None)
        except _TooFarError:
            return
        if wall is None or wall.year >= LAST_YEAR:
            return
        yield wall


def _leap(rule: Rule, first: datetime, after: datetime) -> datetime:
    """Return a start of the rule close to `after`, so that a window of ten years is read as fast as a new one."""
    step = _STEPS.get(rule.frequency)
    if step is None or rule.count is not None or after <= first:
        return first
    pace = step * rule.interval
    return first + (after - first) // pace * pace
