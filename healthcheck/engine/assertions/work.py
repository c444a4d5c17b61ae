"""The work that all assertions of one judgement may do together, counted where it is done.

Each of them is bounded by itself; fifty of them at their bounds would hold a thread for a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# As estimated by what is slowest in each kind of work; what comes last may pass it by its own bound, 1.4 s at the most.
MAX_JUDGEMENT_NS = 5_000_000_000
TOO_MUCH_TOGETHER = (
    "not looked at: all assertions together take too long on this answer; remove some, or write narrower paths and "
    "shorter expressions"
)

# Of the judgement under way in this thread or task; none where something else is compared, such as a dialogue's line.
_LEFT: ContextVar[list[int] | None] = ContextVar("work_left", default=None)


class TooMuchTogetherError(Exception):
    """The assertions before this one have used up what all of them may do."""


@contextmanager
def limit_work(nanoseconds: int = MAX_JUDGEMENT_NS) -> Iterator[None]:
    """Count what is done inside the block."""
    token = _LEFT.set([nanoseconds])
    try:
        yield
    finally:
        _LEFT.reset(token)


def refuse_more() -> None:
    """Raises TooMuchTogetherError when nothing is left."""
    left = _LEFT.get()
    if left is not None and left[0] <= 0:
        raise TooMuchTogetherError


def count_work(nanoseconds: int) -> None:
    """Take so much off what is left."""
    left = _LEFT.get()
    if left is not None:
        left[0] -= nanoseconds
