"""What is open in one group at one location, and what of it has changed: written in a constant number of statements.

Whoever has a board holds its incidents' rows, and has locked the states of the endpoints before: two who see the same
endpoint change wait for each other there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from healthcheck.engine.causes import Cause, Failure
from healthcheck.engine.incidents import Event, Happening
from healthcheck.models import Incident, IncidentMember, IncidentUpdate, IncidentUpdateKind
from healthcheck.pipeline.bulk import insert_rows, update_rows
from healthcheck.pipeline.flaps import settle_flapping
from healthcheck.pipeline.incident_cases import Case, Ground, load_cases, open_case

_INCIDENT_COLUMNS = (
    "title", "is_manual", "severity", "stage", "is_public", "started_at", "cause_key", "group_id", "location_id",
    "error_kind", "cause_host", "open_count", "peak_count", "checked_count", "flap_count", "parent_id",
    "muted_at", "acknowledged_by_name", "post_mortem",
)  # fmt: skip
_CHANGED_COLUMNS = (
    "id", "severity", "stage", "resolved_at", "open_count", "peak_count", "checked_count", "flap_count",
)  # fmt: skip
_MEMBER_COLUMNS = ("incident_id", "endpoint_id", "location_id", "state", "error_kind", "joined_at", "left_at")
_MEMBER_CHANGED_COLUMNS = ("id", "state", "error_kind", "left_at")
_UPDATE_COLUMNS = ("incident_id", "at", "kind", "stage", "text", "is_public", "author_name")
_UPDATE_KINDS = {
    Event.OPENED: IncidentUpdateKind.OPENED,
    Event.RESOLVED: IncidentUpdateKind.RESOLVED,
    # Nobody but the board says this, of an incident that it holds.
    Event.UPDATED: IncidentUpdateKind.FLAPPING,
}


class Board:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.cases = load_cases(ground)
        self._case_of = {pk: case for case in self.cases for pk in case.open_members}
        self._changed: dict[int, Case] = {}
        self._changed_members: dict[int, IncidentMember] = {}
        self._opened: list[Case] = []
        self._joined: list[tuple[Case, IncidentMember]] = []

    def find_case(self, endpoint_id: int) -> Case | None:
        """Return the incident that the endpoint is a member of now."""
        return self._case_of.get(endpoint_id)

    def list_members(self) -> set[int]:
        return set(self._case_of)

    def see(self, endpoint_id: int, state: int, error_kind: int) -> None:
        """Note that a member is still not up, and how."""
        case = self._case_of[endpoint_id]
        member = case.members[endpoint_id]
        if (member.state, member.error_kind) != (state, error_kind):
            member.state, member.error_kind = state, error_kind
            self._note(case, member)

    def leave(self, endpoint_id: int, at: datetime, *, reason: str = "") -> None:
        case = self._case_of.pop(endpoint_id)
        case.parting = reason
        member = case.members[endpoint_id]
        member.left_at = max(at, member.joined_at)
        self._note(case, member)

    def join(self, case: Case, failures: Sequence[Failure]) -> None:
        for failure in failures:
            self._case_of[failure.endpoint_id] = case
            self._note(case, case.join(failure, self.ground.location_id))

    def open(self, cause: Cause, failures: Sequence[Failure]) -> Case:
        """Open an incident for the failures; where there is one of the same name, they join that."""
        case = open_case(self.ground, cause, min(failure.at for failure in failures))
        known = next((each for each in self.cases if each.row.cause_key == case.row.cause_key), None)
        if known is None:
            self.cases.append(case)
            self._opened.append(case)
        self.join(known or case, failures)
        return known or case

    def mute(self, case: Case, parent_id: int | None, now: datetime) -> None:
        """Tell nobody of a case that has just been opened: another explains it."""
        case.row.muted_at, case.row.parent_id = now, parent_id

    def release(self) -> None:
        """Look again at the incidents that nobody is a member of."""
        for case in self.cases:
            if case.row.pk is not None and not case.open_members:
                self._changed[case.row.pk] = case

    def store(self, now: datetime) -> list[Happening]:
        """Write what has changed, and return what has happened by it."""
        changed = list(self._changed.values())
        for case in changed:
            case.count(self.ground.checked_count)
        settle_flapping(changed, self.ground.location_id, now)
        self.insert_opened()
        self._store_members()
        if changed:
            rows = ([getattr(case.row, column) for column in _CHANGED_COLUMNS] for case in changed)
            update_rows(Incident, _CHANGED_COLUMNS, rows)
        happened = [(case, event) for case in (*changed, *self._opened) for event in sorted(case.events)]
        _insert_updates(happened, now)
        return [case.tell(event) for case, event in happened if case.is_told(event)]

    def _note(self, case: Case, member: IncidentMember) -> None:
        if case.row.pk is not None and Event.OPENED not in case.events:
            self._changed[case.row.pk] = case
        if member.pk is not None:
            self._changed_members[member.pk] = member
        else:
            self._joined.append((case, member))

    def insert_opened(self) -> None:
        """Give those their ids that have been opened, as the parents of others need one."""
        new = [case for case in self._opened if case.row.pk is None]
        if not new:
            return
        for case in new:
            case.count(self.ground.checked_count)
        rows = ([getattr(case.row, column) for column in _INCIDENT_COLUMNS] for case in new)
        insert_rows(Incident, _INCIDENT_COLUMNS, rows)
        keys = [case.row.cause_key for case in new]
        ids = dict(Incident.objects.open().filter(cause_key__in=keys).order_by().values_list("cause_key", "pk"))
        for case in new:
            case.row.pk, case.events = ids[case.row.cause_key], {Event.OPENED}

    def _store_members(self) -> None:
        if self._changed_members:
            rows = ([getattr(m, name) for name in _MEMBER_CHANGED_COLUMNS] for m in self._changed_members.values())
            update_rows(IncidentMember, _MEMBER_CHANGED_COLUMNS, rows)
        if self._joined:
            for case, member in self._joined:
                member.incident_id = case.row.pk
            columns = ([getattr(m, name) for name in _MEMBER_COLUMNS] for _, m in self._joined)
            insert_rows(IncidentMember, _MEMBER_COLUMNS, columns)


def _insert_updates(happened: Sequence[tuple[Case, Event]], now: datetime) -> None:
    rows = []
    for case, event in happened:
        at = {Event.OPENED: case.row.started_at, Event.RESOLVED: case.row.resolved_at}.get(event, now)
        if event in _UPDATE_KINDS:
            rows.append((case.row.pk, at, _UPDATE_KINDS[event], 0, case.text, False, ""))
        if event is Event.OPENED and case.row.muted_at is not None:
            rows.append((case.row.pk, now, IncidentUpdateKind.MUTED, 0, "", False, ""))
    if rows:
        insert_rows(IncidentUpdate, _UPDATE_COLUMNS, rows)
