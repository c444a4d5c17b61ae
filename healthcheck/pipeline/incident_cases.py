"""The open incidents of one group at one location, as they are held in memory. Two statements load them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection
from django.db.models import Q

from healthcheck.engine.causes import Cause, Failure, find_host, find_severity
from healthcheck.engine.incidents import Event, Happening, Severity, Stage
from healthcheck.models import Endpoint, Incident, IncidentMember


@dataclass(frozen=True, slots=True)
class Ground:
    """Where incidents are followed: a group at a location, and how many endpoints it checks there."""

    group_id: int
    location_id: int
    checked_count: int


@dataclass(eq=False, slots=True)
class Case:
    """An open incident with all its members, those that left included, by endpoint."""

    row: Incident
    members: dict[int, IncidentMember] = field(default_factory=dict)
    events: set[Event] = field(default_factory=set)
    # What people read of the event.
    text: str = ""
    # Why the last one left, where that was no recovery.
    parting: str = ""
    # Its worst member is worse than it was.
    is_worse: bool = False

    @property
    def open_members(self) -> dict[int, IncidentMember]:
        return {pk: member for pk, member in self.members.items() if member.left_at is None}

    @property
    def last_leave_at(self) -> datetime | None:
        return max((each.left_at for each in self.members.values() if each.left_at is not None), default=None)

    def join(self, failure: Failure, location_id: int) -> IncidentMember:
        """Take the endpoint in, again where it has been a member before, and return its row."""
        member = self.members.get(failure.endpoint_id)
        if member is None:
            member = IncidentMember(endpoint_id=failure.endpoint_id, location_id=location_id, joined_at=failure.at)
            self.members[failure.endpoint_id] = member
            self.events.add(Event.GREW)
        else:
            # Whoever is told of the incident has heard of this one.
            self.row.flap_count += 1
        member.state, member.error_kind, member.left_at = failure.state, failure.error_kind, None
        return member

    def count(self, checked_count: int) -> None:
        """Bring the columns that sum up the members up to date."""
        states = {member.state for member in self.open_members.values()}
        self.row.open_count = len(self.open_members)
        if self.row.open_count >= self.row.peak_count:
            self.row.peak_count, self.row.checked_count = self.row.open_count, max(checked_count, self.row.open_count)
        if states:
            severity = find_severity(states)
            self.is_worse = severity > self.row.severity
            self.row.severity = severity

    def resolve(self, at: datetime) -> None:
        self.row.resolved_at, self.row.stage = max(at, self.row.started_at), Stage.RESOLVED.value
        self.events, self.text = {Event.RESOLVED}, self.parting

    def is_told(self, event: Event) -> bool:
        """Return whether anybody is to hear of the event. Of what was told before it was muted, the end is, too."""
        return self.row.muted_at is None or event is Event.RESOLVED

    def tell(self, event: Event) -> Happening:
        concerned = tuple(sorted(self.open_members or self.members))
        return Happening(event, self.row.pk, Severity(self.row.severity), concerned, self.text)


def open_case(ground: Ground, cause: Cause, started_at: datetime) -> Case:
    """Return a new incident that is not stored yet, and has no members."""
    row = Incident(
        started_at=started_at,
        cause_key=f"{ground.group_id}:{ground.location_id}:{cause.name}",
        group_id=ground.group_id,
        location_id=ground.location_id,
        error_kind=cause.error_kind,
        cause_host=cause.host,
    )
    return Case(row)


def load_cases(ground: Ground) -> list[Case]:
    """Load what is open and hold its rows; an endpoint that came from another group brings its incident along."""
    mine = Endpoint.objects.filter(group_id=ground.group_id).values("pk")
    members = IncidentMember.objects.filter(left_at=None, location_id=ground.location_id, endpoint_id__in=mine)
    here = Q(group_id=ground.group_id, location_id=ground.location_id)
    incidents = Incident.objects.open().filter(here | Q(pk__in=members.order_by().values("incident_id")))
    if connection.features.has_select_for_update:
        incidents = incidents.select_for_update(of=("self",), no_key=True)
    cases = {row.pk: Case(row) for row in incidents.filter(is_manual=False).order_by("pk")}
    if cases:
        for member in IncidentMember.objects.filter(incident_id__in=cases, location_id=ground.location_id):
            cases[member.incident_id].members[member.endpoint_id] = member
    return list(cases.values())


def load_hosts(endpoint_ids: Collection[int]) -> dict[int, str]:
    """Return the host of each endpoint that is checked; others are left out."""
    rows = Endpoint.objects.checked().filter(pk__in=endpoint_ids, group__is_paused=False, group__deleted_at=None)
    return {pk: find_host(address) for pk, address in rows.order_by().values_list("pk", "address")}


def find_incidents(endpoint_ids: Collection[int], location_id: int) -> dict[int, int]:
    """Return the open incidents that the endpoints are members of at this location."""
    rows = IncidentMember.objects.filter(endpoint_id__in=endpoint_ids, location_id=location_id, left_at=None)
    return dict(rows.values_list("endpoint_id", "incident_id"))
