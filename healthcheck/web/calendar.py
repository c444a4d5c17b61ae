"""A year as a calendar: a column for each week, a row for each weekday. No style attribute, no script.

Days are drawn as bars are, so that a kind has the same shape everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from html import escape
from itertools import groupby

from django.utils.dates import MONTHS_3, WEEKDAYS_ABBR
from django.utils.safestring import SafeString

from healthcheck.engine.uptime import DAY_MS, from_ms
from healthcheck.web.bars import choose_lines

WEEKS = 53
_CELL, _ROW, _LEFT, _TOP = 20, 26, 46, 22
# Every other one is named.
_NAMED_WEEKDAYS = (0, 2, 4)
# Narrower than this there is no room for a month's name.
_MIN_WEEKS = 3


def find_first_day(today: date) -> date:
    """Return the Monday with which the calendar begins."""
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def draw_calendar(marks: Mapping[int, int], now: datetime, *, title: str) -> SafeString:
    """Return the days up to today; `marks` are those of `engine.strips`, by the number of the day since 1970."""
    today = now.astimezone(UTC).date()
    first = find_first_day(today)
    lines: dict[str, str] = {}
    for weekday in range(7):
        days = [first + timedelta(weeks=week, days=weekday) for week in range(WEEKS)]
        _draw_row(lines, [marks.get(number_day(day), 0) for day in days if day <= today], _TOP + weekday * _ROW)
    paths = "".join(f'<path class="hc-bar-{name}" d="{line}"/>' for name, line in lines.items())
    size = f"0 0 {_LEFT + WEEKS * _CELL} {_TOP + 7 * _ROW}"
    return SafeString(
        f'<svg class="hc-calendar" viewBox="{size}" role="img"><title>{escape(title)}</title>'
        f"{_draw_months(first)}{_draw_weekdays()}{paths}</svg>"
    )


def number_day(day: date) -> int:
    return (day - from_ms(0).date()).days


def find_day(number: int) -> date:
    return from_ms(number * DAY_MS).date()


def _draw_row(lines: dict[str, str], marks: Sequence[int], top: int) -> None:
    place = 0
    for mark, run in groupby(marks):
        length = len(list(run))
        for name, height in choose_lines(mark):
            line = f"M{_LEFT + place * _CELL} {top + float(height):g}h{length * _CELL}"
            lines[name] = lines.get(name, "") + line
        place += length


def _draw_months(first: date) -> str:
    weeks = [first + timedelta(weeks=week, days=6) for week in range(WEEKS)]
    names, place = [], 0
    for (_year, month), run in groupby(weeks, key=lambda day: (day.year, day.month)):
        length = len(list(run))
        if length >= _MIN_WEEKS:
            names.append(f'<text x="{_LEFT + place * _CELL}" y="14">{escape(str(MONTHS_3[month]).capitalize())}</text>')
        place += length
    return "".join(names)


def _draw_weekdays() -> str:
    return "".join(
        f'<text x="0" y="{_TOP + weekday * _ROW + 17}">{escape(str(WEEKDAYS_ABBR[weekday]))}</text>'
        for weekday in _NAMED_WEEKDAYS
    )
