"""Which endpoints another one is made of: checked as drafts, and stored.

A circle is refused, whoever saves it: whoever changes members holds one lock from the check to the end of their
transaction, so that two who would close a circle together see each other. Everybody takes it last, after the rows of
groups and endpoints.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from healthcheck.definitions.circles import find_circling, follow_circle, measure_levels
from healthcheck.definitions.documents import split_batches
from healthcheck.definitions.drafts import Draft
from healthcheck.definitions.member_lines import Entry, Reference
from healthcheck.engine.probes.group import MAX_DEPTH, MAX_MEMBERS, MAX_WEIGHT
from healthcheck.models import Endpoint, EndpointMember
from healthcheck.pipeline.bulk import insert_rows

KIND = "group"
# The endpoint's id, or where one that does not exist yet will be found.
Node = int | Reference
# Of a circle that is told; a file may close one over thousands of endpoints.
_MAX_WAY = 10
# The advisory lock of PostgreSQL; any number that nobody else in the database uses. SQLite's writers wait anyway.
_LOCK = 0x68636D65


def check_members(drafts: Sequence[Draft]) -> None:
    """Refuse members that do not exist, and circles; a fixed number of queries per batch.

    Inside a transaction what was checked holds until its end. The good drafts know from now on whom they mean.
    """
    changed = [draft for draft in drafts if draft.changes("members") or (draft.after["members"] and draft.restores)]
    for draft in [each for each in drafts if each.after["members"] and each.after["kind"] != KIND]:
        sentence = _("A check of the kind %(kind)s has no members; remove them, or choose the kind group.")
        draft.refusals.append(sentence % {"kind": draft.after["kind"]})
    if not any(draft.after["members"] for draft in changed):
        return
    _lock()
    coming: dict[Reference, Node] = {_refer(draft): draft.pk or _refer(draft) for draft in drafts}
    found = _find_endpoints({Reference.split(ref) for draft in changed for ref, _weight in draft.after["members"]})
    nodes = found | coming
    for draft in changed:
        _resolve(draft, nodes)
    _refuse_circles(changed)


def store_members(numbered: Iterable[tuple[int, Draft]]) -> None:
    """Store the members of checked drafts whose members change, in two statements; `numbered` says who has which id."""
    pairs = list(numbered)
    ids = {_refer(draft): pk for pk, draft in pairs}
    changed = [(pk, draft) for pk, draft in pairs if draft.changes("members")]
    stored = [pk for pk, draft in changed if draft.pk is not None]
    for batch in split_batches(stored):
        EndpointMember.objects.filter(parent_id__in=batch).delete()
    rows = [
        (pk, ids[node] if isinstance(node, Reference) else node, weight)
        for pk, draft in changed
        for node, weight in draft.members
    ]
    if rows:
        insert_rows(EndpointMember, ("parent_id", "member_id", "weight"), rows)


def find_parents(member_ids: Sequence[int] | QuerySet[Any], limit: int) -> list[str]:
    """Return which existing endpoints are made of these, as references by name; at most `limit` and one more."""
    rows = EndpointMember.objects.filter(
        member_id__in=member_ids, parent__deleted_at__isnull=True, parent__group__deleted_at__isnull=True
    ).exclude(parent_id__in=member_ids)
    names = rows.order_by("parent__group__slug", "parent__name").values_list("parent__group__slug", "parent__name")
    return [str(Reference(*each)) for each in names.distinct()[: limit + 1]]


def _lock() -> None:
    if connection.vendor == "postgresql" and connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _refer(draft: Draft) -> Reference:
    return Reference(str(draft.after["group"]), str(draft.after["name"]))


def _find_endpoints(references: Iterable[Reference]) -> dict[Reference, Node]:
    found: dict[Reference, Node] = {}
    existing = Endpoint.objects.existing().filter(group__deleted_at__isnull=True).order_by()
    for batch in split_batches(sorted(references)):
        slugs, names = {each.slug for each in batch}, {each.name for each in batch}
        rows = existing.filter(group__slug__in=slugs, name__in=names).values_list("group__slug", "name", "pk")
        found |= {Reference(slug, name): pk for slug, name, pk in rows}
    return found


def _resolve(draft: Draft, nodes: dict[Reference, Node]) -> None:
    entries: list[Entry] = draft.after["members"]
    draft.members = ()
    members: dict[Node, int] = {}
    if len(entries) > MAX_MEMBERS:
        sentence = _("It has more than %(limit)s members; make groups of them, and members of those.")
        draft.refusals.append(sentence % {"limit": MAX_MEMBERS})
        return
    for ref, weight in entries:
        node = nodes.get(Reference.split(ref))
        if mistake := _find_mistake(draft, Reference.split(ref), node, weight=weight, members=members):
            draft.refusals.append(_("Members, “%(ref)s”: %(mistake)s") % {"ref": ref, "mistake": mistake})
        elif node is not None:
            members[node] = int(weight)
    draft.members = tuple(members.items())


def _find_mistake(draft: Draft, ref: Reference, node: Node | None, *, weight: object, members: dict[Node, int]) -> str:
    if node is None:
        sentence = _("There is no endpoint “%(name)s” in a group “%(slug)s”; copy both from its page.")
        return sentence % {"name": ref.name, "slug": ref.slug}
    if node in (draft.pk, _refer(draft)):
        return _("An endpoint cannot be a member of itself; remove the line.")
    if node in members:
        return _("It stands there twice; keep one of the two lines.")
    if not isinstance(weight, int) or not 1 <= weight <= MAX_WEIGHT:
        return _("The weight must be a whole number from 1 to %(limit)s; correct it.") % {"limit": MAX_WEIGHT}
    return ""


def _refuse_circles(drafts: Sequence[Draft]) -> None:
    """Refuse drafts that lie on a circle, or in a tower that is too high, as the graph will be with all of them."""
    nodes: dict[Node, Draft] = {draft.pk or _refer(draft): draft for draft in drafts}
    children = _load_graph([draft.pk for draft in drafts if draft.pk is not None])
    for node, draft in nodes.items():
        children.pop(node, None)
        if draft.members:
            children[node] = [each for each, _weight in draft.members]
    circling = find_circling(children)
    for node in nodes.keys() & circling:
        way = follow_circle(node, children, circling, limit=_MAX_WAY)
        sentence = _("Its members lead back to itself: %(way)s. Leave one of them out.")
        nodes[node].refusals.append(sentence % {"way": " → ".join(_name(each) for each in way)})
    levels = measure_levels(children)
    for node, draft in nodes.items():
        if levels.get(node, 0) > MAX_DEPTH:
            sentence = _("With these members, endpoints would be made of others over more than %(limit)s levels.")
            draft.refusals.append(f"{sentence % {'limit': MAX_DEPTH}} {_('Name the endpoints at the bottom instead.')}")


def _load_graph(changing: Sequence[int]) -> dict[Node, list[Node]]:
    """Return which parents every parent is made of, deleted ones included: they may come back."""
    children: dict[Node, list[Node]] = defaultdict(list)
    edges = EndpointMember.objects.order_by().values_list("parent_id", "member_id")
    rows = set(edges.filter(member__in=EndpointMember.objects.values("parent")))
    children |= {member: [] for _parent, member in rows}
    for batch in split_batches(changing):
        # What becomes a parent only now.
        rows |= set(edges.filter(member_id__in=batch))
    for parent, member in sorted(rows):
        children[parent].append(member)
    return children


def _name(node: Node) -> str:
    if isinstance(node, Reference):
        return str(node)
    found = Endpoint.objects.filter(pk=node).values_list("group__slug", "name").first()
    return str(Reference(*found)) if found else f"#{node}"
