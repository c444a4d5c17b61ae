"""The one sanitiser in front of the database: what a target said becomes text that every database stores and every page
shows safely. It caps, and replaces what cannot be stored, cannot be seen, or turns text around.
"""

from __future__ import annotations

import unicodedata

# Control, format (bidi marks, zero width), surrogate and private characters; NUL ends a text on PostgreSQL, a lone
# surrogate ends a batch on every database.
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_ELLIPSIS = "…"


def sanitise(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text` that are safe to store and to show."""
    capped = text if len(text) <= limit else text[: limit - 1] + _ELLIPSIS
    if capped.isprintable():
        return capped
    return "".join(_safe(character) for character in capped)


def _safe(character: str) -> str:
    if character in "\n\t":
        return character
    return REPLACEMENT if unicodedata.category(character) in _UNSAFE_CATEGORIES else character
