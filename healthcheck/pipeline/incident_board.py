"""The open incidents of one group at one location, read and written as a whole: a constant number of statements.

Whoever holds a board holds its incidents' rows, and has locked the states of the endpoints before: two who see the same
endpoint change wait for each other there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from healthcheck.engine.causes import Cause, Failure, find_host, find_severity
from healthcheck.engine.incidents import Event, Happening, Severity, Stage
from healthcheck.models import Endpoint, Incident, IncidentMember, IncidentUpdate, IncidentUpdateKind
from healthcheck.pipeline.bulk import insert_rows, update_rows

_INCIDENT_COLUMNS = (
    "title", "is_manual", "severity", "stage", "is_public", "started_at", "cause_key", "group_id", "location_id",
    "error_kind", "cause_host", "open_count", "peak_count", "checked_count", "flap_count", "parent_id",
    "acknowledged_by_name", "post_mortem",
)  # fmt: skip
_CHANGED_COLUMNS = (
    "id", "severity", "stage", "resolved_at", "cause_key", "open_count", "peak_count", "checked_count", "flap_count",
    "parent_id",
)  # fmt: skip
_MEMBER_COLUMNS = ("incident_id", "endpoint_id", "location_id", "state", "error_kind", "joined_at", "left_at")
_MEMBER_CHANGED_COLUMNS = ("id", "state", "error_kind", "left_at")
_UPDATE_COLUMNS = ("incident_id", "at", "kind", "stage", "text", "is_public", "author_name")


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

    @property
    def open_members(self) -> dict[int, IncidentMember]:
        return {pk: member for pk, member in self.members.items() if member.left_at is None}

    def join(self, failure: Failure, location_id: int) -> IncidentMember:
        """Take the endpoint in, again where it has been a member before, and return its row."""
        member = self.members.get(failure.endpoint_id)
        if member is None:
            member = IncidentMember(endpoint_id=failure.endpoint_id, location_id=location_id, joined_at=failure.at)
            self.members[failure.endpoint_id] = member
        member.state, member.error_kind, member.left_at = failure.state, failure.error_kind, None
        return member

    def count(self, checked_count: int) -> None:
        """Bring the columns that sum up the members up to date."""
        members = self.open_members.values()
        before, self.row.open_count = self.row.open_count, len(members)
        if self.row.open_count >= self.row.peak_count:
            self.row.peak_count, self.row.checked_count = self.row.open_count, max(checked_count, self.row.open_count)
        if members:
            severity = find_severity({member.state for member in members})
            if Event.OPENED not in self.events and (severity > self.row.severity or self.row.open_count > before):
                self.events.add(Event.GREW)
            self.row.severity = severity


class Board:
    """What is open, and what of it has changed."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.cases = _load_cases(ground)
        self._member_of = {pk: case for case in self.cases for pk in case.open_members}
        self._changed: dict[int, Case] = {}
        self._changed_members: dict[int, IncidentMember] = {}
        self._new_cases: list[Case] = []

    def find_case(self, endpoint_id: int) -> Case | None:
        """Return the incident that the endpoint is a member of now."""
        return self._member_of.get(endpoint_id)

    def see(self, endpoint_id: int, state: int, error_kind: int) -> None:
        """Note that a member is still not up, and how."""
        case = self._member_of[endpoint_id]
        member = case.members[endpoint_id]
        if (member.state, member.error_kind) != (state, error_kind):
            member.state, member.error_kind = state, error_kind
            self._note(case, member)

    def leave(self, endpoint_id: int, at: datetime) -> None:
        case = self._member_of.pop(endpoint_id)
        member = case.members[endpoint_id]
        member.left_at = max(at, member.joined_at)
        self._note(case, member)

    def join(self, case: Case, failures: Sequence[Failure]) -> None:
        for failure in failures:
            self._member_of[failure.endpoint_id] = case
            self._note(case, case.join(failure, self.ground.location_id))

    def open(self, cause: Cause, failures: Sequence[Failure]) -> Case:
        """Open an incident; it is stored with the board."""
        row = Incident(
            started_at=min(failure.at for failure in failures),
            cause_key=f"{self.ground.group_id}:{self.ground.location_id}:{cause.name}",
            group_id=self.ground.group_id,
            location_id=self.ground.location_id,
            error_kind=cause.error_kind,
            cause_host=cause.host,
        )
        case = Case(row, events={Event.OPENED})
        self.cases.append(case)
        self._new_cases.append(case)
        self.join(case, failures)
        return case

    def store(self, now: datetime) -> list[Happening]:
        """Write what has changed, and return what has happened by it."""
        for case in (*self._changed.values(), *self._new_cases):
            case.count(self.ground.checked_count)
            if not case.row.open_count:
                _resolve(case)
        self._insert_cases()
        self._store_members()
        changed = list(self._changed.values())
        if changed:
            rows = ([getattr(case.row, column) for column in _CHANGED_COLUMNS] for case in changed)
            update_rows(Incident, _CHANGED_COLUMNS, rows)
        happened = [(case, event) for case in (*changed, *self._new_cases) for event in sorted(case.events)]
        _insert_updates(happened)
        return [_tell(case, event) for case, event in happened]

    def _note(self, case: Case, member: IncidentMember) -> None:
        if case.row.pk is not None:
            self._changed[case.row.pk] = case
        if member.pk is not None:
            self._changed_members[member.pk] = member

    def _insert_cases(self) -> None:
        if not self._new_cases:
            return
        rows = ([getattr(case.row, column) for column in _INCIDENT_COLUMNS] for case in self._new_cases)
        insert_rows(Incident, _INCIDENT_COLUMNS, rows)
        keys = [case.row.cause_key for case in self._new_cases]
        ids = dict(Incident.objects.open().filter(cause_key__in=keys).order_by().values_list("cause_key", "pk"))
        for case in self._new_cases:
            case.row.pk = ids[case.row.cause_key]

    def _store_members(self) -> None:
        if self._changed_members:
            rows = ([getattr(m, name) for name in _MEMBER_CHANGED_COLUMNS] for m in self._changed_members.values())
            update_rows(IncidentMember, _MEMBER_CHANGED_COLUMNS, rows)
        new: list[Sequence[Any]] = []
        for case in self.cases:
            for member in case.members.values():
                member.incident_id = case.row.pk
                if member.pk is None:
                    new.append([getattr(member, name) for name in _MEMBER_COLUMNS])
        if new:
            insert_rows(IncidentMember, _MEMBER_COLUMNS, new)


def load_hosts(endpoint_ids: Collection[int]) -> dict[int, str]:
    """Return the host of each endpoint that is checked; others are left out."""
    rows = Endpoint.objects.checked().filter(pk__in=endpoint_ids, group__is_paused=False, group__deleted_at=None)
    return {pk: find_host(address) for pk, address in rows.order_by().values_list("pk", "address")}


def _load_cases(ground: Ground) -> list[Case]:
    """Load in two statements; an endpoint that came from another group brings its incident along."""
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


def _resolve(case: Case) -> None:
    case.row.resolved_at = max(member.left_at for member in case.members.values() if member.left_at is not None)
    case.row.stage = Stage.RESOLVED.value
    case.events = {Event.RESOLVED}


def _insert_updates(happened: Sequence[tuple[Case, Event]]) -> None:
    kinds = {Event.OPENED: IncidentUpdateKind.OPENED, Event.RESOLVED: IncidentUpdateKind.RESOLVED}
    rows = []
    for case, event in happened:
        if event in kinds:
            at = case.row.started_at if event is Event.OPENED else case.row.resolved_at
            rows.append((case.row.pk, at, kinds[event], 0, "", False, ""))
    if rows:
        insert_rows(IncidentUpdate, _UPDATE_COLUMNS, rows)


def _tell(case: Case, event: Event) -> Happening:
    concerned = case.members if event is Event.RESOLVED else case.open_members
    return Happening(event, case.row.pk, Severity(case.row.severity), tuple(sorted(concerned)))
