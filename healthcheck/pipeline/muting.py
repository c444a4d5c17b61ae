"""Mutes incidents that others have come to explain, and tells of those that nothing explains any more.

One whose parent is up again is told of only once it has been looked at since: it may well be up by then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from django.db import connection, transaction
from django.db.models import Q

from healthcheck.engine.dependencies import Link
from healthcheck.engine.incidents import Event, Happening, Severity
from healthcheck.models import (
    Dependency,
    Endpoint,
    EndpointState,
    Incident,
    IncidentMember,
    IncidentUpdate,
    IncidentUpdateKind,
)
from healthcheck.pipeline.dependencies import Explanation, Placed, explain_by_links
from healthcheck.pipeline.incident_cases import find_incidents
from healthcheck.pipeline.notify import queue_notifications

# Incidents that one sweep mutes or lets speak: bounds its time; the next sweep follows within a second.
MUTE_BATCH = 50


@dataclass(frozen=True, slots=True)
class _Aim:
    """What is to become of an incident: muted, by which other one, or not."""

    row: Incident
    is_muted: bool
    parent_id: int | None = None

    @property
    def is_news(self) -> bool:
        return self.is_muted != (self.row.muted_at is not None) or self.parent_id != self.row.parent_id


def mute_incidents(now: datetime) -> frozenset[int]:
    """Bring what is muted in line with what is down, and return the channels that have something due by it."""
    links = Dependency.objects.list_links()
    members = sorted(_load_members(links), key=attrgetter("location_id"))
    channel_ids = frozenset[int]()
    aims: list[_Aim] = []
    for location_id, here in groupby(members, key=attrgetter("location_id")):
        aims += _aim(links, list(here), location_id)
    for aim in [each for each in aims if each.is_news][:MUTE_BATCH]:
        channel_ids |= _apply(aim, now)
    return channel_ids


def _load_members(links: Collection[Link]) -> list[IncidentMember]:
    """Load the open members that something may explain, and those of what is muted."""
    named = {link.child.endpoint_id for link in links} - {None}
    groups = {link.child.group_id for link in links if link.child.endpoint_id is None}
    inheriting = Endpoint.objects.filter(group_id__in=groups).order_by().values("pk")
    asked = Q(endpoint_id__in=named) | Q(endpoint_id__in=inheriting) | Q(incident__muted_at__isnull=False)
    rows = IncidentMember.objects.filter(asked, left_at=None, location_id__isnull=False)
    return list(rows.filter(incident__resolved_at=None).select_related("incident").order_by("incident_id", "pk"))


def _aim(links: Collection[Link], members: Sequence[IncidentMember], location_id: int) -> list[_Aim]:
    ids = [member.endpoint_id for member in members]
    placed = [Placed(*row) for row in Endpoint.objects.filter(pk__in=ids).order_by().values_list("pk", "group_id")]
    explained = explain_by_links(links, placed, location_id)
    parents = find_incidents({pk for each in explained.values() for pk in each.roots}, location_id)
    seen = EndpointState.objects.filter(endpoint_id__in=ids, location_id=location_id)
    evidence = dict(seen.values_list("endpoint_id", "evidence_at"))
    aims = []
    for _, grouped in groupby(members, key=attrgetter("incident_id")):
        mine = list(grouped)
        aims.append(_aim_at(mine[0].incident, [each.endpoint_id for each in mine], explained, parents, evidence))
    return aims


def _aim_at(
    row: Incident,
    endpoint_ids: Sequence[int],
    explained: Mapping[int, Explanation],
    parents: Mapping[int, int],
    evidence: Mapping[int, datetime | None],
) -> _Aim:
    known = {pk: explained.get(pk, Explanation()) for pk in endpoint_ids}
    unexplained = [pk for pk, each in known.items() if not each.roots]
    if not unexplained and len(endpoint_ids) == row.open_count:
        roots = {root for each in known.values() for root in each.roots}
        return _Aim(row, True, min((parents[root] for root in roots if root in parents), default=None))
    if row.muted_at is not None and unexplained and not any(_is_seen(known[p], evidence.get(p)) for p in unexplained):
        return _Aim(row, True, row.parent_id)
    return _Aim(row, False)


def _is_seen(explanation: Explanation, evidence_at: datetime | None) -> bool:
    """Return whether the endpoint was looked at since what it depends on has changed."""
    settled_at = explanation.settled_at
    return settled_at is None or (evidence_at is not None and evidence_at > settled_at)


def _apply(aim: _Aim, now: datetime) -> frozenset[int]:
    with transaction.atomic():
        rows = Incident.objects.open().filter(pk=aim.row.pk, muted_at=aim.row.muted_at)
        if connection.features.has_select_for_update:
            rows = rows.select_for_update(no_key=True)
        row = rows.first()
        if row is None:
            # It has ended, or another scheduler was here.
            return frozenset()
        was_muted = row.muted_at is not None
        row.parent_id = aim.parent_id
        row.muted_at = (row.muted_at or now) if aim.is_muted else None
        # A later one of the same cause is muted where this one is not, or the other way round: two at once, then.
        row.cause_key = f"{row.group_id}:{row.location_id}:incident:{row.pk}"
        row.save(update_fields=["parent", "muted_at", "cause_key"])
        if was_muted is aim.is_muted:
            return frozenset()
        if aim.is_muted:
            IncidentUpdate.objects.create(incident=row, at=now, kind=IncidentUpdateKind.MUTED)
            return frozenset()
        ids = row.members.filter(left_at=None).order_by("endpoint_id").values_list("endpoint_id", flat=True)
        return queue_notifications([Happening(Event.OPENED, row.pk, Severity(row.severity), tuple(ids))], now)
