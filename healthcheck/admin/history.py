"""Histories by keyset: pages are found by a run's id, so page one and page one hundred thousand cost the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

PAGE_SIZE = 50
_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page lies: right before or right after a run; neither is the newest page."""

    before: int | None = None
    after: int | None = None

    @classmethod
    def parse(cls, before: str, after: str) -> Cursor:
        """Read the query string; what is not a number is left out."""
        return cls(before=_parse_id(before), after=_parse_id(after))


@dataclass(frozen=True, slots=True)
class HistoryPage(Generic[_Row]):
    """Rows, newest first. `older` and `newer` are run ids to put into the next cursor, None where there is no more."""

    rows: list[_Row]
    older: int | None = None
    newer: int | None = None


def page_history(rows: QuerySet[_Row], column: str, cursor: Cursor) -> HistoryPage[_Row]:
    """Return one page in one query; `column` holds the run's id, and an index must end in it."""
    if cursor.after is not None:
        found = list(rows.filter(**{f"{column}__gt": cursor.after}).order_by(column)[: PAGE_SIZE + 1])
        shown = found[:PAGE_SIZE][::-1]
        return _build_page(shown, column, has_older=True, has_newer=len(found) > PAGE_SIZE)
    if cursor.before is not None:
        rows = rows.filter(**{f"{column}__lt": cursor.before})
    found = list(rows.order_by(f"-{column}")[: PAGE_SIZE + 1])
    return _build_page(found[:PAGE_SIZE], column, has_older=len(found) > PAGE_SIZE, has_newer=cursor.before is not None)


def _build_page(rows: list[Any], column: str, *, has_older: bool, has_newer: bool) -> HistoryPage[Any]:
    if not rows:
        return HistoryPage([])
    older, newer = getattr(rows[-1], column), getattr(rows[0], column)
    return HistoryPage(rows, older=older if has_older else None, newer=newer if has_newer else None)


def _parse_id(text: str) -> int | None:
    # Eighteen digits fit every database's big integer.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
