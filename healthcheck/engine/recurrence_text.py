"""Reads the text of a recurrence by RFC 5545: one RRULE, and lines of dates to skip (EXDATE) or to add (RDATE).

Several rules are windows of their own here, and DTSTART is the start of the window.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from healthcheck.engine.recurrence_rule import Rule, parse_rule, read_written, refuse

# The rule and as many dates as may be.
MAX_RECURRENCE_LENGTH = 2000
# All of them are compared with each start.
MAX_DATES = 100
FIRST_YEAR, LAST_YEAR = 2000, 2200
_LINE_END = re.compile(r"\r\n|\r|\n")
# A long line goes on in the next one, after a space (3.1).
_FOLD = re.compile(r"(?:\r\n|\r|\n)[ \t]")
_DATES = ("EXDATE", "RDATE")
# What else stands beside a rule in a calendar.
_OF_THE_WINDOW = {"DTSTART": "start", "DTEND": "end", "DURATION": "end"}


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of a clock on the wall: in `zone`, or in the window's where that is None. A day is all of it."""

    wall: datetime
    zone: str | None = None
    is_day: bool = False


@dataclass(frozen=True, slots=True)
class Recurrence:
    """What a window does beside its first time. What is `skipped` is so if it was `added`, too, but for whole days."""

    rule: Rule | None = None
    skipped: tuple[Moment, ...] = ()
    added: tuple[Moment, ...] = ()


def parse_recurrence(text: str) -> Recurrence:
    """Return what the text says; nothing for an empty one. Raises ConfigurationError for the field `recurrence`."""
    if len(text) > MAX_RECURRENCE_LENGTH:
        sentence = f"A recurrence may have {MAX_RECURRENCE_LENGTH} characters at most; leave away dates that are over."
        raise refuse(sentence)
    rules: list[str] = []
    moments: dict[str, list[Moment]] = {name: [] for name in _DATES}
    for line in filter(None, map(str.strip, _LINE_END.split(_FOLD.sub("", text)))):
        head, value = _split_line(line)
        name, *parameters = head.split(";")
        if name.upper() in moments:
            moments[name.upper()] += _read_moments(name.upper(), parameters, value)
        else:
            rules.append(_read_rule_line(head.upper(), value))
    if len(rules) > 1:
        raise refuse("A window has one RRULE; make two windows of it.")
    count = sum(map(len, moments.values()))
    if count > MAX_DATES:
        raise refuse(f"There are {count} dates, and {MAX_DATES} are the limit; leave away those that are over.")
    skipped, added = (tuple(moments[name]) for name in _DATES)
    return Recurrence(parse_rule(rules[0]) if rules else None, skipped, added)


def _split_line(line: str) -> tuple[str, str]:
    """Return what stands before the colon and what follows it; a rule may stand alone."""
    head, colon, value = line.partition(":")
    is_bare = not colon or "=" in head.split(";", maxsplit=1)[0]
    return ("RRULE", line) if is_bare else (head.strip(), value)


def _read_rule_line(head: str, value: str) -> str:
    if head == "RRULE":
        return value
    name = head.split(";", maxsplit=1)[0]
    if name in _OF_THE_WINDOW:
        raise refuse(f"{name} is the window's own {_OF_THE_WINDOW[name]}; enter it there and leave that line away.")
    raise refuse(f"“{name[:40]}” is no line of a recurrence; write RRULE, EXDATE and RDATE, each on a line of its own.")


def _read_moments(name: str, parameters: Sequence[str], value: str) -> list[Moment]:
    zone = _read_zone(name, parameters)
    return [_read_moment(name, each.strip().upper(), zone) for each in value.split(",")]


def _read_zone(name: str, parameters: Sequence[str]) -> str | None:
    zone = None
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        # The form of each date says which of the two it is.
        if (key.upper(), value.upper()) in {("VALUE", "DATE"), ("VALUE", "DATE-TIME")}:
            continue
        if key.upper() != "TZID":
            raise refuse(f"“{parameter[:40]}” is not read in {name}; write TZID=Europe/Berlin, or leave it away.")
        zone = value.strip('"')
    return zone


def _read_moment(name: str, value: str, zone: str | None) -> Moment:
    written = read_written(value)
    if written is None:
        sentence = (
            f"“{value[:40]}” is no date of {name}; write 20261224T220000, 20261224T210000Z, or 20261224 for that day."
        )
        raise refuse(sentence)
    if not FIRST_YEAR <= written.wall.year < LAST_YEAR:
        raise refuse(f"“{value}” is not in the years {FIRST_YEAR} to {LAST_YEAR - 1}; check the year.")
    if not written.has_time and zone is not None:
        raise refuse(f"“{value}” is a whole day by the window's clock; leave the TZID away, or write a time of day.")
    if written.is_utc and zone is not None:
        raise refuse(f"“{value}” is of UTC already; leave the TZID away, or the Z.")
    return Moment(written.wall, "UTC" if written.is_utc else zone, is_day=not written.has_time)
