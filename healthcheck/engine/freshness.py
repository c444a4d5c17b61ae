"""How long evidence may be believed: the one rule, for whoever shows a state or writes its end down."""

from __future__ import annotations

from datetime import datetime


def is_expired(valid_until: datetime | None, now: datetime) -> bool:
    """Tell whether evidence may not be believed any more: from the instant `valid_until` on, None without any."""
    return valid_until is None or valid_until <= now
