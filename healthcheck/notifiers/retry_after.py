"""How long a receiver asks us to wait. What it says is bounded: nobody may silence a channel for a day."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_RETRY_SECONDS = 3600.0


def read_retry_after(value: str, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for (RFC 9110, 10.2.3); None for what is neither form."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        # More digits than this are past the bound, and a number of a million digits is work.
        return MAX_RETRY_SECONDS if len(text) > 9 else limit_seconds(float(text))
    try:
        instant = parsedate_to_datetime(text[:100])
    except (ValueError, TypeError, OverflowError):
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return limit_seconds((instant - now).total_seconds())


def limit_seconds(seconds: float) -> float:
    """Return the seconds within what is waited for."""
    return min(max(seconds, 0.0), MAX_RETRY_SECONDS)
