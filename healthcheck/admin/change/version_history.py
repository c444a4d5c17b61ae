"""The history of a definition: who changed what and when, any two versions compared, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet

from healthcheck.admin.history import PAGE_SIZE, Cursor, HistoryPage, page_history
from healthcheck.admin.look.field_words import describe_differences
from healthcheck.admin.look.words import describe_instant
from healthcheck.definitions.comparing import Difference, compare_documents, describe_document
from healthcheck.definitions.documents import Document
from healthcheck.definitions.versions import find_deletions
from healthcheck.models import Version


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One version as the page shows it, with its changes against the one before."""

    number: int
    at: str
    author: str
    action: str
    comment: str
    changes: Sequence[Difference]
    is_newest: bool


@dataclass(frozen=True, slots=True)
class DeletedRow:
    """One object that is deleted. `is_left` says that its row is there and can be restored."""

    pk: int
    name: str
    at: str
    author: str
    version_count: int
    is_left: bool


def load_history(
    model: type[Model], rows: QuerySet[Version], cursor: Cursor, *, shows_hidden: bool
) -> tuple[HistoryPage[Version], list[HistoryRow]]:
    """Return one page of versions, newest first, in three queries."""
    page = page_history(rows, "number", cursor)
    if not page.rows:
        return page, []
    newest = rows.values_list("number", flat=True).first()
    # What the oldest one on the page is compared with stands on the next page.
    before = rows.filter(number=page.rows[-1].number - 1).first()
    older: list[Version | None] = [*page.rows[1:], before]
    return page, [
        _describe(model, version, previous, is_newest=version.number == newest, shows_hidden=shows_hidden)
        for version, previous in zip(page.rows, older, strict=True)
    ]


def load_deleted(model: type[Model], page_number: str) -> tuple[Page[Version], list[DeletedRow]]:
    """Return one page of what was deleted, in three queries."""
    page = Paginator(find_deletions(model), PAGE_SIZE).get_page(page_number)
    # Until it is removed, it can be restored.
    left = set(model._default_manager.filter(pk__in=[each.object_id for each in page]).values_list("pk", flat=True))
    return page, [
        DeletedRow(
            pk=version.object_id,
            name=version.name,
            at=describe_instant(version.at),
            author=version.author_name,
            version_count=version.number,
            is_left=version.object_id in left,
        )
        for version in page
    ]


def compare_versions(
    model: type[Model], rows: QuerySet[Version], numbers: tuple[str, str], *, shows_hidden: bool
) -> Any:
    """Return what the page shows of two chosen versions, or None when they are not two versions of this object."""
    if not all(each.isascii() and each.isdigit() and len(each) <= 9 for each in numbers):
        return None
    low, high = sorted(map(int, numbers))
    found = {version.number: version.definition for version in rows.filter(number__in=(low, high))}
    if low not in found or high not in found:
        return None
    changes = compare_documents(found[low], found[high], shows_hidden=shows_hidden)
    return {"low": low, "high": high, "changes": describe_differences(model, changes)}


def _describe(
    model: type[Model], version: Version, previous: Version | None, *, is_newest: bool, shows_hidden: bool
) -> HistoryRow:
    definition: Document = version.definition
    changes = (
        compare_documents(previous.definition, definition, shows_hidden=shows_hidden)
        if previous
        else describe_document(definition, shows_hidden=shows_hidden)
    )
    return HistoryRow(
        number=version.number,
        at=describe_instant(version.at),
        author=version.author_name,
        action=version.get_action_display(),
        comment=version.comment,
        changes=describe_differences(model, changes),
        is_newest=is_newest,
    )
