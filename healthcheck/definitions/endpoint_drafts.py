"""Checks and stores drafts of endpoints: the model's own validation, and what it asks of other rows in few queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from healthcheck.definitions.documents import read_documents, split_batches
from healthcheck.definitions.drafts import Draft, refuse, refuse_unstorable, write_tags
from healthcheck.definitions.endpoint_documents import ENDPOINT_COLUMNS
from healthcheck.definitions.members import check_members, store_members
from healthcheck.definitions.tagging import normalise_tags
from healthcheck.definitions.versions import Change, record_versions
from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.probes import is_judged
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Assertion, Credential, Endpoint, EndpointGroup
from healthcheck.models.endpoint import find_default_timeout
from healthcheck.pipeline.bulk import insert_rows, update_rows
from healthcheck.pipeline.clock import restart_clocks

# A change of these is a reason to check at once: what is shown until then was measured otherwise. Forms ask it, too.
RESTARTING_KEYS = ("kind", "address", "options", "credential", "assertions", "members")
_MAX_ASSERTION_LENGTH = Assertion._meta.get_field("text").max_length or 0
_STORED = ("group_id", "credential_id", *ENDPOINT_COLUMNS)


@dataclass(slots=True)
class _Surroundings:
    """The rows that drafts refer to or could collide with."""

    groups: dict[str, EndpointGroup] = field(default_factory=dict)
    credentials: dict[str, Credential] = field(default_factory=dict)
    # Who has a name in a group; None for a new one.
    owners: dict[tuple[int, str], int | None] = field(default_factory=dict)


def check_endpoints(drafts: Sequence[Draft]) -> None:
    """Validate the drafts together and fill in their refusals and instances; a fixed number of queries per batch."""
    surroundings = _load_surroundings(drafts)
    for draft in drafts:
        if not refuse_unstorable(draft):
            _check(draft, surroundings)
    check_members(drafts)


def save_endpoints(drafts: Sequence[Draft], change: Change) -> list[int]:
    """Store checked drafts and their versions and restart the clocks of what is to be checked at once.

    The caller holds the transaction and the locks. Returns the ids in the order of the drafts.
    """
    saved: list[tuple[int, Draft]] = []
    for batch in split_batches(drafts):
        numbered = list(zip(_write_rows(batch), batch, strict=True))
        _write_assertions(numbered)
        write_tags(Endpoint.tags.through, "endpoint_id", numbered)
        saved += numbered
    # Only now all of those are there that others are made of.
    store_members(saved)
    for numbered_batch in split_batches(saved):
        _record(numbered_batch, change)
    groups = {draft.instance.group_id for draft in drafts if _restarts(draft)}
    restart_clocks(sorted(groups), change.at)
    return [pk for pk, _draft in saved]


def _record(numbered: Sequence[tuple[int, Draft]], change: Change) -> None:
    known = {draft.pk: draft.before for _pk, draft in numbered if draft.pk is not None and draft.before is not None}
    moved = {pk for pk, draft in numbered if draft.moves}
    documents = read_documents(Endpoint, [pk for pk, _draft in numbered])
    record_versions(Endpoint, known, documents, change, moved=moved)


def _check(draft: Draft, surroundings: _Surroundings) -> None:
    document = draft.after
    group = surroundings.groups.get(document["group"])
    if document["timeout_seconds"] is None:
        document["timeout_seconds"] = find_default_timeout(group.deadline_seconds if group else None)
    if group is None:
        sentence = _("There is no group “%(slug)s”; add it or restore it from its history first.")
        draft.refusals.append(sentence % {"slug": document["group"]})
        return
    credential = surroundings.credentials.get(document["credential"] or "")
    if document["credential"] and credential is None:
        sentence = _("There is no credential “%(name)s” any more; add it again or choose another.")
        draft.refusals.append(sentence % {"name": document["credential"]})
    endpoint = Endpoint(
        pk=draft.pk, group=group, credential=credential, **{name: document[name] for name in ENDPOINT_COLUMNS}
    )
    draft.instance = endpoint
    try:
        # The foreign keys were just looked up; the database would be asked again for each of them.
        endpoint.clean_fields(exclude={"group", "credential"})
        endpoint.clean()
        document["tags"] = normalise_tags(document["tags"])
    except ValidationError as error:
        refuse(draft, Endpoint, error)
    draft.refusals += check_assertions(document["assertions"], kind=document["kind"])
    _claim_name(draft, (group.pk, endpoint.name), surroundings)


def check_assertions(lines: Sequence[str], *, kind: str = "http") -> list[str]:
    """Return what is wrong with the assertions of an endpoint as sentences that name their line, not a file's."""
    if lines and is_judged(kind):
        return [refuse_assertions(kind)]
    for number, line in enumerate(lines, start=1):
        if "\n" in line or len(line) > _MAX_ASSERTION_LENGTH:
            sentence = _("Assertions, line %(number)s: It is too long; use at most %(limit)s characters on one line.")
            return [sentence % {"number": number, "limit": _MAX_ASSERTION_LENGTH}]
    text = "\n".join(lines)
    try:
        parse_assertions(text)
    except ConfigurationError as error:
        number = text.count("\n", 0, error.position or 0) + 1
        mistake = error.sentence.removeprefix(f"Line {number}: ")
        return [_("Assertions, line %(number)s: %(mistake)s") % {"number": number, "mistake": mistake}]
    return []


def refuse_assertions(kind: str) -> str:
    """Return the sentence for assertions on an endpoint of a kind that asks nobody."""
    return _("A check of the kind %(kind)s gets no answer to expect something of; remove the assertions.") % {
        "kind": kind
    }


def _claim_name(draft: Draft, name: tuple[int, str], surroundings: _Surroundings) -> None:
    is_taken = name in surroundings.owners and (draft.pk is None or surroundings.owners[name] != draft.pk)
    if is_taken:
        sentence = _("The group already has an endpoint with the name “%(name)s”; rename that one or this.")
        draft.refusals.append(sentence % {"name": name[1]})
    else:
        surroundings.owners[name] = draft.pk


def _load_surroundings(drafts: Sequence[Draft]) -> _Surroundings:
    found = _Surroundings()
    for slugs in split_batches(sorted({str(draft.after["group"]) for draft in drafts})):
        found.groups |= {group.slug: group for group in EndpointGroup.objects.existing().filter(slug__in=slugs)}
    for names in split_batches(sorted({str(draft.after["credential"]) for draft in drafts})):
        found.credentials |= {each.name: each for each in Credential.objects.filter(name__in=names).defer("sealed")}
    for ids in split_batches(sorted(group.pk for group in found.groups.values())):
        rows = Endpoint.objects.existing().filter(group_id__in=ids).order_by()
        found.owners |= {(group, name): pk for pk, group, name in rows.values_list("pk", "group_id", "name")}
    return found


def _write_rows(batch: Sequence[Draft]) -> list[int]:
    """Insert the new ones, update the others, and return the ids of all in order."""
    new = [draft for draft in batch if draft.pk is None]
    old = [draft for draft in batch if draft.pk is not None]
    if old:
        rows = [(draft.pk, *(getattr(draft.instance, name) for name in _STORED)) for draft in old]
        update_rows(Endpoint, ("id", *_STORED), rows)
    if restored := [draft.pk for draft in old if draft.pk is not None and draft.restores]:
        Endpoint.objects.filter(pk__in=restored).update(deleted_at=None)
    if new:
        insert_rows(Endpoint, _STORED, [[getattr(draft.instance, name) for name in _STORED] for draft in new])
    ids = _find_ids(new)
    return [draft.pk or ids[draft.instance.group_id, draft.instance.name] for draft in batch]


def _find_ids(new: Sequence[Draft]) -> dict[tuple[int, str], int]:
    groups, names = {draft.instance.group_id for draft in new}, {draft.instance.name for draft in new}
    if not new:
        return {}
    rows = Endpoint.objects.existing().filter(group_id__in=groups, name__in=names).order_by()
    return {(group, name): pk for pk, group, name in rows.values_list("pk", "group_id", "name")}


def _write_assertions(numbered: Iterable[tuple[int, Draft]]) -> None:
    changed = [(pk, draft.after["assertions"]) for pk, draft in numbered if draft.changes("assertions")]
    if not changed:
        return
    Assertion.objects.filter(endpoint_id__in=[pk for pk, _lines in changed]).delete()
    rows = [(pk, index, line) for pk, lines in changed for index, line in enumerate(lines)]
    if rows:
        insert_rows(Assertion, ("endpoint_id", "position", "text"), rows)


def _restarts(draft: Draft) -> bool:
    if draft.after["is_paused"]:
        return False
    return draft.restores or draft.moves or draft.changes("is_paused", *RESTARTING_KEYS)
