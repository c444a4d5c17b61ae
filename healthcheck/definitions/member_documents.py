"""The members of endpoints as documents hold them: references by name, with what they weigh."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from healthcheck.definitions.member_lines import Entry, Reference, sort_members
from healthcheck.models import EndpointMember


def read_members(ids: Sequence[int]) -> dict[int, list[Entry]]:
    """Return the members of each endpoint that has any, by name; without those that are deleted."""
    rows = EndpointMember.objects.filter(
        parent_id__in=ids, member__deleted_at__isnull=True, member__group__deleted_at__isnull=True
    )
    found: dict[int, list[Entry]] = defaultdict(list)
    for pk, slug, name, weight in rows.values_list("parent_id", "member__group__slug", "member__name", "weight"):
        found[pk].append([str(Reference(slug, name)), weight])
    return {pk: sort_members(entries) for pk, entries in found.items()}
