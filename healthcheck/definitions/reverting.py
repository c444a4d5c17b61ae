"""The way back: an old version becomes the newest one, or a sentence says why it cannot and nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from healthcheck.definitions.credential_use import refuse_exposures
from healthcheck.definitions.documents import Document, read_documents
from healthcheck.definitions.drafts import DefinitionError, Draft, refuse_first
from healthcheck.definitions.endpoint_drafts import check_endpoints, save_endpoints
from healthcheck.definitions.group_drafts import check_groups, save_groups
from healthcheck.definitions.kind_use import refuse_kinds
from healthcheck.definitions.plain_writing import write_plain
from healthcheck.definitions.versions import (
    Change,
    Due,
    load_numbers,
    lock_groups,
    lock_rows,
    record_versions,
    settle,
)
from healthcheck.models import (
    Credential,
    Endpoint,
    EndpointGroup,
    Location,
    MaintenanceWindow,
    StatusPage,
    Version,
    VersionAction,
)
from healthcheck.pipeline.prune import DELETED_GRACE

# What a step back leaves alone: a version knows of it only that it is there, or where it stood.
_KEPT: Mapping[type[Model], Sequence[str]] = {
    Credential: ("secrets", "secrets_changed_at"),
    Endpoint: ("group",),
    Location: ("slug",),
    MaintenanceWindow: ("ended_at",),
    StatusPage: ("password", "logo"),
}


def foresee(model: type[Model], version: Version) -> tuple[Document, Document]:
    """Return the definition of now and what `version` would make of it; both empty for what is removed by now."""
    before = read_documents(model, [version.object_id]).get(version.object_id, {})
    return before, _complete(before, version.definition) | {key: before[key] for key in _KEPT.get(model, ()) if before}


def revert(  # noqa: PLR0913  # what is reverted, and what the person may do
    model: type[Model],
    version: Version,
    change: Due,
    *,
    may_use_credentials: bool,
    may_use_any_kind: bool = False,
    seen: int | None = None,
) -> None:
    """Define the object as `version` says, as its newest version; one marked as deleted comes back.

    Which credential is sent where is decided only by people who may see them. Raises DefinitionError with a sentence
    that names the cure, and then nothing is written; so it does when there is a version newer than `seen`.
    """
    with transaction.atomic():
        if model is Endpoint:
            lock_groups([version.object_id])
        lock_rows(model, [version.object_id])
        before = read_documents(model, [version.object_id]).get(version.object_id)
        if before is None:
            raise DefinitionError(_("It has been removed for good meanwhile; add it again by hand."))
        if seen is not None and load_numbers(model, [version.object_id])[version.object_id] != seen:
            raise DefinitionError(
                _("Somebody changed it after you had seen what would become of it; look at it again, nothing was done.")
            )
        used = version.definition.get("credential")
        if not may_use_credentials and used and used != before.get("credential"):
            raise DefinitionError(_("That version uses a credential; somebody who may see credentials has to revert."))
        step = replace(settle(change), action=VersionAction.REVERTED)
        draft = Draft(_complete(before, version.definition), before=before)
        if not may_use_credentials:
            refuse_exposures([draft])
        drafts = [draft, *_draft_returning(model, version.object_id)]
        if not may_use_any_kind:
            refuse_kinds(drafts)
        refuse_first(drafts)
        _WRITERS.get(model, _revert_plain)(model, version, before, step)


def _draft_returning(model: type[Model], pk: int) -> list[Draft]:
    """Return, of a group that is deleted, the endpoints that come back with it."""
    group = EndpointGroup.objects.filter(pk=pk, deleted_at__isnull=False).first() if model is EndpointGroup else None
    if group is None:
        return []
    ids = Endpoint.objects.filter(group=group, deleted_at=group.deleted_at).values_list("pk", flat=True)
    return [Draft(after, pk=pk, before=after) for pk, after in read_documents(Endpoint, list(ids)).items()]


def _revert_endpoint(model: type[Model], version: Version, before: Document, change: Change) -> None:
    endpoint = Endpoint.objects.select_related("group").get(pk=version.object_id)
    _refuse_removal(endpoint.deleted_at, change)
    if endpoint.group.deleted_at is not None:
        sentence = _("The group “%(name)s” of this endpoint is deleted; restore the group from its history first.")
        raise DefinitionError(sentence % {"name": endpoint.group.name})
    # It stays in its group: what it was measured as hangs on it.
    after = _complete(before, version.definition) | {"group": before["group"]}
    draft = Draft(after, pk=endpoint.pk, before=before, restores=endpoint.deleted_at is not None)
    _save(Endpoint, draft, change)


def _revert_group(model: type[Model], version: Version, before: Document, change: Change) -> None:
    group = EndpointGroup.objects.get(pk=version.object_id)
    deleted_at = group.deleted_at
    _refuse_removal(deleted_at, change)
    draft = Draft(_complete(before, version.definition), pk=group.pk, before=before, restores=deleted_at is not None)
    members = Endpoint.objects.filter(group=group, deleted_at=deleted_at) if deleted_at else Endpoint.objects.none()
    ids = list(members.values_list("pk", flat=True))
    found = read_documents(Endpoint, ids)
    _save(EndpointGroup, draft, change)
    # Those that were deleted together with it come back together with it.
    Endpoint.objects.filter(pk__in=ids).update(deleted_at=None)
    record_versions(Endpoint, found, read_documents(Endpoint, ids), change)


def _refuse_removal(deleted_at: datetime | None, change: Change) -> None:
    """What has been deleted for so long is the pruner's: its rows may be going at this moment."""
    if deleted_at is not None and deleted_at < change.at - DELETED_GRACE:
        raise DefinitionError(
            _("It was deleted more than %(minutes)s minutes ago and is being removed; add it again by hand.")
            % {"minutes": int(DELETED_GRACE.total_seconds()) // 60}
        )


def _revert_plain(model: type[Model], version: Version, before: Document, change: Change) -> None:
    obj = model._default_manager.get(pk=version.object_id)
    write_plain(obj, before, _complete(before, version.definition))
    record_versions(model, {obj.pk: before}, read_documents(model, [obj.pk]), change)


def _save(model: type[Model], draft: Draft, change: Change) -> None:
    check, save = (check_endpoints, save_endpoints) if model is Endpoint else (check_groups, save_groups)
    check([draft])
    refuse_first([draft])
    save([draft], change)


def _complete(before: Document, definition: Document) -> Document:
    # A version from before a column existed says nothing of it, and what nothing is known of stays as it is.
    return before | {key: value for key, value in definition.items() if key in before}


_WRITERS: Mapping[type[Model], Callable[[type[Model], Version, Document, Change], None]] = {
    Endpoint: _revert_endpoint,
    EndpointGroup: _revert_group,
}
