"""Mutes incidents that others have come to explain, and tells of those that nothing explains any more.

One whose parent is up again is told of only once it has been looked at since: it may well be up by then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection, transaction

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
from healthcheck.pipeline.statements import fetch, read_instant

_MEMBER, _INCIDENT = IncidentMember._meta.db_table, Incident._meta.db_table
_ENDPOINT, _STATE = Endpoint._meta.db_table, EndpointState._meta.db_table
_DEPENDENCY = Dependency._meta.db_table
# Incidents that one sweep mutes or lets speak: bounds its time; the next sweep follows within a second.
MUTE_BATCH = 50


# The open members that something may explain, and those of what is muted. As rows: a storm has ten thousand. Only of
# what is muted it matters when it was looked at.
_SELECT_MEMBERS = f"""
    SELECT m.location_id, m.incident_id, m.endpoint_id, e.group_id,
        CASE WHEN i.muted_at IS NOT NULL THEN s.evidence_at END
    FROM {_MEMBER} m JOIN {_INCIDENT} i ON i.id = m.incident_id
    LEFT JOIN {_ENDPOINT} e ON e.id = m.endpoint_id
    LEFT JOIN {_STATE} s ON s.endpoint_id = m.endpoint_id AND s.location_id = m.location_id
    WHERE i.resolved_at IS NULL AND m.left_at IS NULL AND m.location_id IS NOT NULL AND (
        i.muted_at IS NOT NULL
        OR EXISTS (SELECT 1 FROM {_DEPENDENCY} d WHERE d.child_endpoint_id = m.endpoint_id)
        OR EXISTS (SELECT 1 FROM {_DEPENDENCY} d WHERE d.child_group_id = e.group_id)
    )
    ORDER BY m.location_id, m.incident_id, m.id
"""  # noqa: S608  # our own names


_UNEXPLAINED = Explanation()


class _Member(NamedTuple):
    """`group_id` is None of an endpoint that is gone, `evidence_at` as the database holds it."""

    location_id: int
    incident_id: int
    endpoint_id: int
    group_id: int | None
    evidence_at: Any


class _Standing(NamedTuple):
    """How an open incident stands: the columns of its row by which it is judged."""

    pk: int
    muted_at: datetime | None
    parent_id: int | None
    open_count: int


@dataclass(frozen=True, slots=True)
class _Aim:
    """What is to become of an incident: muted, by which other one, or not."""

    row: _Standing
    is_muted: bool
    parent_id: int | None = None

    @property
    def is_news(self) -> bool:
        return self.is_muted != (self.row.muted_at is not None) or self.parent_id != self.row.parent_id


def mute_incidents(now: datetime) -> frozenset[int]:
    """Bring what is muted in line with what is down, and return the channels that have something due by it."""
    links = Dependency.objects.list_links()
    members = [_Member(*row) for row in fetch(_SELECT_MEMBERS)]
    if not members:
        return frozenset()
    incidents = {row.pk: row for row in _load_standings()}
    channel_ids = frozenset[int]()
    aims: list[_Aim] = []
    for location_id, here in groupby(members, key=attrgetter("location_id")):
        aims += _aim(links, list(here), incidents, location_id=location_id)
    for aim in [each for each in aims if each.is_news][:MUTE_BATCH]:
        channel_ids |= _apply(aim, now)
    return channel_ids


def _load_standings() -> Iterator[_Standing]:
    found = Incident.objects.open().filter(group_id__isnull=False).order_by()
    return (_Standing(*row) for row in found.values_list(*_Standing._fields))


def _aim(
    links: Collection[Link], members: Sequence[_Member], incidents: Mapping[int, _Standing], *, location_id: int
) -> list[_Aim]:
    placed = [Placed(each.endpoint_id, each.group_id) for each in members if each.group_id is not None]
    explained = explain_by_links(links, placed, location_id)
    parents = find_incidents({pk for each in explained.values() for pk in each.roots}, location_id)
    aims = []
    for incident_id, grouped in groupby(members, key=attrgetter("incident_id")):
        row = incidents.get(incident_id)
        if row is not None:
            aims.append(_aim_at(row, list(grouped), explained, parents))
    return aims


def _aim_at(
    row: _Standing, members: Sequence[_Member], explained: Mapping[int, Explanation], parents: Mapping[int, int]
) -> _Aim:
    known = [(member, explained.get(member.endpoint_id, _UNEXPLAINED)) for member in members]
    unexplained = [(member, each) for member, each in known if not each.roots]
    if not unexplained and len(members) == row.open_count:
        roots = {root for _, each in known for root in each.roots}
        return _Aim(row, True, min((parents[root] for root in roots if root in parents), default=None))
    if row.muted_at is not None and unexplained and not any(_is_seen(each, member) for member, each in unexplained):
        return _Aim(row, True, row.parent_id)
    return _Aim(row, False)


def _is_seen(explanation: Explanation, member: _Member) -> bool:
    """Return whether the endpoint was looked at since what it depends on has changed."""
    settled_at = explanation.settled_at
    return settled_at is None or (member.evidence_at is not None and read_instant(member.evidence_at) > settled_at)


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
