"""Points in time as documents and headers write them: ISO 8601, the date of HTTP, or seconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# Longer than every spelling of an instant.
MAX_CHARS = 64
# Seconds since 1970 reach it in the year 5138; what is larger counts milliseconds.
_FIRST_MILLISECONDS = 1e11
_LAST_SECONDS = 253_402_300_799


def read_instant(value: Any) -> datetime | None:
    """Return the aware instant that a text or a number names, or None. Without a time zone it is UTC."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _read_seconds(value)
    if not isinstance(value, str) or len(value) > MAX_CHARS:
        return None
    text = value.strip()
    for read in (_read_iso, _read_http, _read_digits):
        try:
            found = read(text)
            return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found
        except (ValueError, TypeError, OverflowError):
            continue
    return None


def _read_iso(text: str) -> datetime:
    if text.isdigit():
        # `20261124` would be a day; a number counts seconds wherever it stands.
        raise ValueError
    return datetime.fromisoformat(text)


def _read_http(text: str) -> datetime:
    return parsedate_to_datetime(text)


def _read_digits(text: str) -> datetime | None:
    return _read_seconds(float(text)) if text.replace(".", "", 1).isdecimal() and text.isascii() else None


def _read_seconds(value: float) -> datetime | None:
    # Compared first: a whole number of any length is no float.
    if not 0 <= value <= _LAST_SECONDS * 1000:
        return None
    seconds = value / 1000 if value >= _FIRST_MILLISECONDS else value
    return datetime.fromtimestamp(seconds, UTC) if 0 <= seconds <= _LAST_SECONDS else None
