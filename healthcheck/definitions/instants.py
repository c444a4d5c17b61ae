"""Instants as people write them: a clock on the wall in the project's time zone, or with an offset from UTC.

A time that a change of the clocks skipped is refused, and one that it brought twice is asked about: half an hour of an
outage at night must not be guessed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

# The last two groups are of the offset.
_WRITTEN = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ]{1,2}(\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?) ?(?:(Z|UTC)|([+-]\d{2}):?(\d{2}))?", re.ASCII
)


def read_instant(text: str) -> datetime:
    """Return the instant in UTC. Raises ValidationError with the cure."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValidationError(_("Write the time as 2026-07-01 14:05, with an offset behind it where that is needed."))
    day, clock, utc, hours, minutes = found.groups()
    offset = "+00:00" if utc else f"{hours}:{minutes}" if hours else ""
    try:
        # Python wants two digits of an hour; people write one.
        at = datetime.fromisoformat(f"{day}T{clock.zfill(len(clock) + (clock.find(':') == 1))}{offset}")
        return at.astimezone(UTC) if offset else _place(at, timezone.get_current_timezone())
    except (ValueError, OverflowError):
        raise ValidationError(_("There is no such time; correct the date or the clock.")) from None


def write_instant(at: datetime) -> str:
    """Return the text that reads as this instant: of the wall, with the offset only where that clock came twice."""
    zone = timezone.get_current_timezone()
    local = at.astimezone(zone)
    written = f"{local:%Y-%m-%d %H:%M:%S}"
    if _find_offsets(local.replace(tzinfo=None), zone)[0] == _find_offsets(local.replace(tzinfo=None), zone)[1]:
        return written
    return written + _write_offset(local.utcoffset())


def _place(at: datetime, zone: tzinfo) -> datetime:
    early, late = (at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early == late:
        return early
    words = {"zone": timezone.get_current_timezone_name()}
    if early > late:
        raise ValidationError(
            _("This time never was in %(zone)s: the clocks went forward over it. Give another."), params=words
        )
    first, second = (_write_offset(offset) for offset in _find_offsets(at, zone))
    raise ValidationError(
        _("This time came twice in %(zone)s; say which by its offset, %(first)s for the earlier or %(second)s."),
        params=words | {"first": first, "second": second},
    )


def _find_offsets(at: datetime, zone: tzinfo) -> tuple[timedelta | None, timedelta | None]:
    first, second = (at.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return first, second


def _write_offset(offset: timedelta | None) -> str:
    minutes = round((offset or timedelta(0)).total_seconds() / 60)
    sign, size = "-" if minutes < 0 else "+", abs(minutes)
    return f"{sign}{size // 60:02}:{size % 60:02}"
