"""Copies of definitions: under a free name, with everything but the past, paused until somebody has looked at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from healthcheck.definitions.documents import Document, read_documents
from healthcheck.definitions.drafts import DefinitionError, Draft, refuse_first
from healthcheck.definitions.endpoint_drafts import check_endpoints, save_endpoints
from healthcheck.definitions.group_drafts import check_groups, save_groups
from healthcheck.definitions.member_lines import Reference, sort_members
from healthcheck.definitions.plans import MAX_ROWS
from healthcheck.definitions.versions import Change, lock_groups, lock_rows
from healthcheck.models import Endpoint, EndpointGroup

_MAX_NAME_LENGTH = Endpoint._meta.get_field("name").max_length or 0
_MAX_SLUG_LENGTH = EndpointGroup._meta.get_field("slug").max_length or 0


def clone_endpoints(ids: Sequence[int], change: Change) -> list[int]:
    """Copy endpoints within their groups, paused. Returns the ids of the copies. Raises DefinitionError."""
    with transaction.atomic():
        lock_groups(ids)
        documents = read_documents(Endpoint, ids)
        groups = Endpoint.objects.filter(pk__in=ids).values("group_id")
        taken = set(Endpoint.objects.existing().filter(group__in=groups).values_list("group__slug", "name"))
        drafts = [Draft(_copy_endpoint(document, taken)) for document in documents.values()]
        check_endpoints(drafts)
        refuse_first(drafts)
        return save_endpoints(drafts, change)


def clone_groups(ids: Sequence[int], change: Change) -> list[int]:
    """Copy groups with their endpoints, the groups paused. Returns the ids of the copies. Raises DefinitionError."""
    with transaction.atomic():
        lock_rows(EndpointGroup, ids)
        _refuse_too_many(ids)
        taken = set(EndpointGroup.objects.existing().values_list("slug", flat=True))
        found = read_documents(EndpointGroup, ids)
        drafts = [Draft(_copy_group(document, taken)) for document in found.values()]
        check_groups(drafts)
        refuse_first(drafts)
        copies = save_groups(drafts, change)
        slugs = {document["slug"]: draft.after["slug"] for document, draft in zip(found.values(), drafts, strict=True)}
        members = Endpoint.objects.existing().filter(group__in=ids).order_by("pk").values_list("pk", flat=True)
        documents = read_documents(Endpoint, members).values()
        endpoints = [Draft(_copy_inside(document, slugs)) for document in documents]
        check_endpoints(endpoints)
        refuse_first(endpoints)
        save_endpoints(endpoints, change)
        return copies


def _refuse_too_many(group_ids: Sequence[int]) -> None:
    if Endpoint.objects.existing().filter(group__in=group_ids).count() > MAX_ROWS:
        sentence = _(
            "The copies would have more than %(limit)s endpoints; select fewer groups, or export and import them."
        )
        raise DefinitionError(sentence % {"limit": MAX_ROWS})


def _copy_endpoint(document: Document, taken: set[tuple[str, str]]) -> Document:
    name = _free_name(document["name"], {each for group, each in taken if group == document["group"]})
    taken.add((document["group"], name))
    return document | {"name": name, "is_paused": True}


def _copy_inside(document: Document, slugs: Mapping[str, str]) -> Document:
    """Return the copy of an endpoint of a copied group: made of the copies where what it is made of was copied, too."""
    references = [(Reference.split(ref), weight) for ref, weight in document["members"]]
    members = [[str(Reference(slugs.get(ref.slug, ref.slug), ref.name)), weight] for ref, weight in references]
    return document | {"group": slugs[document["group"]], "members": sort_members(members)}


def _copy_group(document: Document, taken: set[str]) -> Document:
    number = 1
    while (slug := _end(document["slug"], f"-copy-{number}" if number > 1 else "-copy", _MAX_SLUG_LENGTH)) in taken:
        number += 1
    taken.add(slug)
    name = _end(document["name"], f" (copy {number})" if number > 1 else " (copy)", _MAX_NAME_LENGTH)
    return document | {"name": name, "slug": slug, "is_paused": True}


def _free_name(name: str, taken: set[str]) -> str:
    number = 1
    while (free := _end(name, f" (copy {number})" if number > 1 else " (copy)", _MAX_NAME_LENGTH)) in taken:
        number += 1
    return free


def _end(text: str, ending: str, limit: int) -> str:
    return text[: limit - len(ending)] + ending
