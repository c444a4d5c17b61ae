"""Makes a message fit what a service takes: whole items are left off and counted, texts end with an ellipsis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from healthcheck.notifiers.message import Message

Written = TypeVar("Written")
_ELLIPSIS = "…"


def fit(
    message: Message, write: Callable[[Message], Written], *, measure: Callable[[Written], int], limit: int
) -> Written:
    """Return the message as it is written with as many of its items as the limit has room for, at least the first.

    A service's limits for each text make one item fit.
    """
    for count in range(len(message.items), 1, -1):
        left_off = message.left_off + len(message.items) - count
        written = write(replace(message, items=message.items[:count], left_off=left_off))
        if measure(written) <= limit:
            return written
    left_off = message.left_off + max(0, len(message.items) - 1)
    return write(replace(message, items=message.items[:1], left_off=left_off))


def escape_within(text: str, escape: Callable[[str], str], limit: int) -> str:
    """Return the text escaped character by character, of at most `limit` characters and cut between two of them."""
    escaped = [escape(character) for character in text]
    if sum(map(len, escaped)) <= limit:
        return "".join(escaped)
    kept, length = [], len(_ELLIPSIS)
    for each in escaped:
        length += len(each)
        if length > limit:
            break
        kept.append(each)
    return "".join(kept) + _ELLIPSIS


def count_utf16(text: str) -> int:
    """Return the length as chat services count it."""
    return len(text.encode("utf-16-le", "replace")) // 2
