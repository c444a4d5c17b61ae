"""Loads what is known of the members of endpoints that are made of others: one query, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db.models import FilteredRelation, Q

from healthcheck.engine.freshness import is_expired
from healthcheck.engine.probes.group import Member
from healthcheck.engine.types import ErrorKind, State, Target
from healthcheck.models import EndpointMember

_COLUMNS = (
    "parent_id",
    "weight",
    "member__group__slug",
    "member__name",
    "member__is_paused",
    "member__group__is_paused",
    "member__deleted_at",
    "member__group__deleted_at",
    "seen__state",
    "seen__valid_until",
    "seen__last_error_kind",
)


def load_members(targets: Sequence[Target], location_id: int, now: datetime) -> Mapping[int, Sequence[Member]]:
    """Return the members of each target, by name, as they stand at this location at `now`."""
    seen = FilteredRelation("member__states", condition=Q(member__states__location_id=location_id))
    rows = EndpointMember.objects.annotate(seen=seen).filter(parent_id__in=[each.endpoint_id for each in targets])
    found: dict[int, list[Member]] = defaultdict(list)
    for parent_id, *row in rows.order_by().values_list(*_COLUMNS):
        found[parent_id].append(_read_member(*row, now=now))
    return {parent_id: sorted(members, key=attrgetter("name")) for parent_id, members in found.items()}


def _read_member(weight: int, slug: str, name: str, *row: Any, now: datetime) -> Member:
    is_paused, group_is_paused, deleted_at, group_deleted_at, state, valid_until, error_kind = row
    is_known = state is not None and not is_expired(valid_until, now)
    return Member(
        name=f"{slug}/{name}",
        state=State(state) if is_known else State.UNKNOWN,
        weight=weight,
        error_kind=ErrorKind(error_kind) if error_kind else None,
        is_paused=is_paused or group_is_paused,
        is_gone=deleted_at is not None or group_deleted_at is not None,
    )
