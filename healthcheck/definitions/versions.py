"""Versions of definitions: one row per change, written in the transaction of the change.

The object's row is locked first, so that numbers follow each other; the unique index on them is the net. An object that
nobody has recorded yet, or that a command changed, first gets a version of how it was found: a way back always exists.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, Max, Model, OuterRef, QuerySet

from healthcheck.definitions.documents import Document, differ, kind_of, read_documents, split_batches
from healthcheck.models import Endpoint, EndpointGroup, Version, VersionAction
from healthcheck.pipeline.bulk import insert_rows

AS_FOUND = "as found"
MAX_COMMENT_LENGTH = Version._meta.get_field("comment").max_length or 0
_MAX_NAME_LENGTH = Version._meta.get_field("name").max_length or 0
_COLUMNS = (
    "kind",
    "object_id",
    "number",
    "at",
    "author_id",
    "author_name",
    "action",
    "name",
    "definition",
    "comment",
)


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes something, when, how, and what they say about it."""

    at: datetime
    action: int = VersionAction.CHANGED
    author_id: int | None = None
    author_name: str = ""
    comment: str = ""


# A change, or what makes it once the rows are locked: who waited for a lock must not carry a time from before it, for
# the instants of versions are read in the order of their numbers.
Due = Change | Callable[[], Change]


def settle(change: Due) -> Change:
    """Return the change as of now. To be called with the rows locked."""
    return change() if callable(change) else change


@contextmanager
def recorded(model: type[Model], ids: Iterable[int], change: Due) -> Iterator[None]:
    """Lock the objects, let the caller change them, and record what became of them; one transaction for all of it."""
    chosen = list(ids)
    with transaction.atomic():
        lock_rows(model, chosen)
        with recorded_locked(model, chosen, settle(change)):
            yield


@contextmanager
def recorded_locked(model: type[Model], ids: Iterable[int], change: Change) -> Iterator[None]:
    """Do what `recorded` does, in the transaction of a caller that has locked the rows."""
    chosen = list(ids)
    before = read_documents(model, chosen)
    yield
    after = read_documents(model, chosen)
    if change.action == VersionAction.DELETED:
        # What is really gone was last defined as it was before.
        after = before | after
    record_versions(model, before, after, change)


def lock_rows(model: type[Model], ids: Sequence[int]) -> None:
    """Keep others from changing these rows until the transaction ends. SQLite's transactions do so anyway.

    Everybody locks groups first, then endpoints, each by primary key: see `lock_groups`.
    """
    for batch in split_batches(sorted(set(ids))):
        # In one order, so that two who change the same rows wait for each other instead of deadlocking. Not the key:
        # runs that refer to the row are inserted meanwhile.
        rows = model._default_manager.select_for_update(no_key=True).filter(pk__in=batch).order_by("pk")
        list(rows.values_list("pk", flat=True))


def lock_groups(endpoint_ids: Sequence[int] = (), *, slugs: Iterable[str] = ()) -> None:
    """Lock the groups of these endpoints and those with these slugs, before any endpoint of theirs.

    Who deletes a group or shortens its deadline locks it, too: nothing goes into a group that is being deleted, and no
    timeout is compared with a deadline that is just changing.
    """
    ids: set[int] = set()
    for batch in split_batches(list(endpoint_ids)):
        ids |= set(Endpoint.objects.filter(pk__in=batch).order_by().values_list("group_id", flat=True))
    for names in split_batches(sorted(slugs)):
        ids |= set(EndpointGroup.objects.existing().filter(slug__in=names).order_by().values_list("pk", flat=True))
    lock_rows(EndpointGroup, sorted(ids))


def record_versions(
    model: type[Model],
    before: Mapping[int, Document],
    after: Mapping[int, Document],
    change: Change,
    *,
    moved: Container[int] = (),
) -> int:
    """Record what changed between the two readings and return how many objects that were.

    What is not in `before` is new. That something stands elsewhere is a change only of what was `moved`: the slug of a
    group changes without its endpoints. The rows must be locked, and the transaction be that of the change.
    """
    count = 0
    for batch in split_batches(list(after)):
        latest = load_latest(model, batch)
        rows: list[tuple[Any, ...]] = []
        for pk in batch:
            step = (before.get(pk), after[pk], change)
            built = _build_versions(model, pk, latest.get(pk), step, is_moved=pk in moved)
            count += bool(built)
            rows += built
        if rows:
            insert_rows(Version, _COLUMNS, rows)
    return count


def load_latest(model: type[Model], ids: Sequence[int]) -> dict[int, Version]:
    """Return the newest version of each object that has one, in one query."""
    return {row.object_id: row for row in _find_newest(model).filter(object_id__in=ids)}


def load_numbers(model: type[Model], ids: Iterable[int]) -> dict[int, int]:
    """Return the number of each object's newest version; 0 for one that has none yet."""
    numbers = dict.fromkeys(ids, 0)
    rows = Version.objects.filter(kind=kind_of(model), object_id__in=list(numbers)).order_by().values("object_id")
    return numbers | dict(rows.annotate(last=Max("number")).values_list("object_id", "last"))


def find_versions(model: type[Model], pk: int) -> Any:
    """Return the versions of one object, newest first."""
    return Version.objects.filter(kind=kind_of(model), object_id=pk).order_by(F("number").desc())


def find_deletions(model: type[Model]) -> Any:
    """Return the newest versions of what is deleted, the last first, without their definitions."""
    return _find_newest(model).filter(action=VersionAction.DELETED).defer("definition").order_by("-at", "-pk")


def _find_newest(model: type[Model]) -> QuerySet[Version]:
    newer = Version.objects.filter(
        kind=OuterRef("kind"), object_id=OuterRef("object_id"), number__gt=OuterRef("number")
    )
    return Version.objects.filter(~Exists(newer), kind=kind_of(model))


def find_deleted(model: type[Model], ids: Iterable[int]) -> set[int]:
    """Return those of the ids whose rows are marked as deleted; asks nothing where there are none."""
    chosen = list(ids)
    rows = model._default_manager.filter(pk__in=chosen, deleted_at__isnull=False) if chosen else None
    return set(rows.values_list("pk", flat=True)) if rows is not None else set()


def name_document(document: Document) -> str:
    """Return what people call the object that a document defines."""
    return str(document.get("title") or document.get("name") or "")[:_MAX_NAME_LENGTH]


def _build_versions(
    model: type[Model],
    pk: int,
    last: Version | None,
    step: tuple[Document | None, Document, Change],
    *,
    is_moved: bool,
) -> list[tuple[Any, ...]]:
    before, after, change = step
    number = last.number if last else 0
    if before is None:
        action = VersionAction.CREATED if change.action == VersionAction.CHANGED else change.action
        return [_build(model, pk, number + 1, after, replace(change, action=action))]
    was_deleted = last is not None and last.action == VersionAction.DELETED
    if not (is_moved or differ(before, after) or change.action == VersionAction.DELETED or was_deleted):
        return []
    versions = []
    if last is None or differ(last.definition, before):
        action = VersionAction.CREATED if last is None else VersionAction.CHANGED
        number += 1
        versions.append(_build(model, pk, number, before, Change(change.at, action=action, comment=AS_FOUND)))
    return [*versions, _build(model, pk, number + 1, after, change)]


def _build(model: type[Model], pk: int, number: int, document: Document, change: Change) -> tuple[Any, ...]:
    return (
        kind_of(model),
        pk,
        number,
        change.at,
        change.author_id,
        change.author_name,
        int(change.action),
        name_document(document),
        document,
        change.comment[:MAX_COMMENT_LENGTH],
    )
