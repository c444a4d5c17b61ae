"""Reads an RRULE of RFC 5545. Refuses what would begin too often or search too long, in a sentence that names the cure.

Only the rule itself: the lines around it are those of `recurrence_text`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from math import prod
from typing import Literal, NamedTuple

from dateutil.rrule import DAILY, HOURLY, MONTHLY, WEEKLY, YEARLY, weekday, weekdays

from healthcheck.engine.types import ConfigurationError

MAX_RULE_LENGTH = 500
# Beyond it a window has better ways to say when it stops: UNTIL, or an end by hand.
MAX_COUNT = 1000
MAX_INTERVAL = 1000
# A span is written for each endpoint and each time: 24 a day are one an hour.
MAX_STARTS_PER_DAY = 24
Frequency = Literal[0, 1, 2, 3, 4]
FREQUENCIES: dict[str, Frequency] = {
    "YEARLY": YEARLY,
    "MONTHLY": MONTHLY,
    "WEEKLY": WEEKLY,
    "DAILY": DAILY,
    "HOURLY": HOURLY,
}

_WEEKDAYS = {str(each): each for each in weekdays}
_WEEKDAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_WRITTEN = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?")
# Lowest and highest; those of which the negative counts from the end.
_RANGES = {
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 59, False),
    "BYSETPOS": (1, 366, True),
}
_NAMES = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_RANGES}


class Written(NamedTuple):
    """A date, with or without a time of day, as it was written."""

    wall: datetime
    has_time: bool
    is_utc: bool


@dataclass(frozen=True, slots=True)
class Until:
    """The last start, of a clock on the wall unless `is_utc`."""

    wall: datetime
    is_utc: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it was written. `numbers` are the BY parts but BYDAY, in the order of their names."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: Until | None = None
    week_start: int = 0
    days: tuple[weekday, ...] = ()
    numbers: tuple[tuple[str, tuple[int, ...]], ...] = ()


def parse_rule(text: str) -> Rule:
    """Return the rule. Raises ConfigurationError for the field `recurrence`."""
    if len(text) > MAX_RULE_LENGTH:
        raise refuse(f"A recurrence may have {MAX_RULE_LENGTH} characters at most; make two windows of it.")
    parts = _split(text.strip().upper().removeprefix("RRULE:"))
    numbers = tuple((name, _read_numbers(name, parts[name])) for name in sorted(_RANGES.keys() & parts.keys()))
    if "COUNT" in parts and "UNTIL" in parts:
        raise refuse("Give either COUNT or UNTIL, not both.")
    rule = Rule(
        frequency=_read_frequency(parts.get("FREQ", "")),
        interval=_read_number("INTERVAL", parts.get("INTERVAL", "1"), MAX_INTERVAL),
        count=_read_number("COUNT", parts["COUNT"], MAX_COUNT) if "COUNT" in parts else None,
        until=_read_until(parts["UNTIL"]) if "UNTIL" in parts else None,
        week_start=_read_week_start(parts.get("WKST", "MO")),
        days=_read_days(parts["BYDAY"]) if "BYDAY" in parts else (),
        numbers=numbers,
    )
    _refuse_misfits(rule)
    return rule


def _split(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.removesuffix(";").split(";"):
        name, _, value = part.partition("=")
        if name not in _NAMES:
            sentence = f"“{name[:40]}” is no part of a recurrence; write one such as FREQ=WEEKLY;BYDAY=SU."
            raise refuse(sentence)
        if name in parts:
            raise refuse(f"{name} stands twice; leave one away.")
        parts[name] = value
    return parts


def _read_frequency(value: str) -> Frequency:
    if value in {"SECONDLY", "MINUTELY"}:
        raise refuse(f"FREQ={value} is too often for maintenance; the most often is FREQ=HOURLY.")
    if value not in FREQUENCIES:
        raise refuse("FREQ must be one of YEARLY, MONTHLY, WEEKLY, DAILY or HOURLY.")
    return FREQUENCIES[value]


def _read_number(name: str, value: str, highest: int) -> int:
    number = _read_integer(value)
    if number is None or not 1 <= number <= highest:
        raise refuse(f"{name} must be a number from 1 to {highest}.")
    return number


def _read_numbers(name: str, value: str) -> tuple[int, ...]:
    lowest, highest, counts_back = _RANGES[name]
    numbers = [_read_integer(each) for each in value.split(",")]
    for number in numbers:
        if number is None or not lowest <= (abs(number) if counts_back else number) <= highest:
            from_the_end = f", or -{highest} to -1 from the end" if counts_back else ""
            raise refuse(f"{name} takes numbers from {lowest} to {highest}{from_the_end}, with commas between them.")
    return tuple(sorted({number for number in numbers if number is not None}))


def _read_integer(value: str) -> int | None:
    # `int` also reads spaces, underscores and the digits of other scripts.
    return int(value) if re.fullmatch(r"[+-]?[0-9]{1,10}", value) else None


def _read_week_start(value: str) -> int:
    if value not in _WEEKDAYS:
        raise refuse("WKST must be one of MO, TU, WE, TH, FR, SA, SU.")
    return _WEEKDAYS[value].weekday


def _read_days(value: str) -> tuple[weekday, ...]:
    found = [_WEEKDAY.fullmatch(each) for each in value.split(",")]
    days = []
    for match in found:
        place = int(match[1]) if match and match[1] else None
        if match is None or place == 0 or abs(place or 0) > 53:
            raise refuse("BYDAY takes MO, TU, WE, TH, FR, SA, SU, as in BYDAY=MO,TH, or a place such as 1MO or -1FR.")
        days.append(_WEEKDAYS[match[2]](place) if place else _WEEKDAYS[match[2]])
    return tuple(days)


def read_written(value: str) -> Written | None:
    """Return a date such as 20261231 or 20261231T220000Z; None for what is none."""
    match = _WRITTEN.fullmatch(value)
    if match is None:
        return None
    try:
        wall = datetime.strptime(match[1] + (match[2] or "000000"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Written(wall.replace(tzinfo=None), has_time=bool(match[2]), is_utc=bool(match[3]))


def _read_until(value: str) -> Until:
    written = read_written(value)
    if written is None:
        raise refuse("UNTIL must be a day such as 20261231, or an instant such as 20261231T220000Z.")
    # A day is meant with all of it.
    wall = written.wall if written.has_time else datetime.combine(written.wall, time.max)
    return Until(wall, is_utc=written.is_utc)


def _refuse_misfits(rule: Rule) -> None:
    numbers = dict(rule.numbers)
    hours = 24 if rule.frequency == HOURLY and "BYHOUR" not in numbers else len(numbers.get("BYHOUR", (0,)))
    starts = hours * prod(len(numbers.get(name, (0,))) for name in ("BYMINUTE", "BYSECOND"))
    if starts > MAX_STARTS_PER_DAY:
        sentence = (
            f"It would begin {starts} times a day, and {MAX_STARTS_PER_DAY} are the limit; make it one longer time."
        )
        raise refuse(sentence)
    if any(day.n for day in rule.days) and rule.frequency not in (YEARLY, MONTHLY):
        raise refuse("A place in BYDAY, such as 1MO, needs FREQ=MONTHLY or FREQ=YEARLY; leave the number away.")
    if "BYSETPOS" in numbers and not (rule.days or len(numbers) > 1):
        raise refuse("BYSETPOS chooses among other parts; add one such as BYDAY=MO,TU,WE,TH,FR, or leave it away.")
    if "BYWEEKNO" in numbers and rule.frequency != YEARLY:
        raise refuse("BYWEEKNO needs FREQ=YEARLY.")


def refuse(sentence: str) -> ConfigurationError:
    return ConfigurationError(sentence, field="recurrence")
