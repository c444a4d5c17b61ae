"""What opens an incident, who joins it and what ends it. On both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.incidents import Severity, Stage
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Endpoint, EndpointGroup, Incident, IncidentMember, IncidentUpdate, IncidentUpdateKind
from healthcheck.pipeline.execute import TakenRun
from tests.factories import NOW, make_endpoint, make_group, make_span
from tests.pipeline.conftest import outcome, record_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MINUTE = timedelta(minutes=1)
UP, DEGRADED, DOWN, UNKNOWN = State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN
KINDS = {DOWN: ErrorKind.STATUS, DEGRADED: ErrorKind.ASSERTION}


@pytest.fixture
def group(location: object) -> EndpointGroup:
    return make_group()


def add(group: EndpointGroup, *names: str, **columns: object) -> list[Endpoint]:
    """Store endpoints that one verdict changes, each on a host of its own unless told otherwise."""
    return [
        make_endpoint(group, name, **({"address": f"http://{name}.test/", "failure_threshold": 1} | columns))
        for name in names
    ]


def take(group: EndpointGroup, *, at: datetime) -> TakenRun:
    """Take a run of this group, whichever others are due."""
    EndpointGroup.objects.exclude(pk=group.pk).update(next_run_at=at + MINUTE)
    return take_one(group, at=at)


def see(group: EndpointGroup, *verdicts: State | ErrorKind, minute: int = 0) -> None:
    """Record a run in which the endpoints were seen like this; an ErrorKind is down for that reason."""
    at = NOW + minute * MINUTE
    seen = [(DOWN, each) if isinstance(each, ErrorKind) else (each, KINDS.get(each)) for each in verdicts]
    record_one(take(group, at=at), *(outcome(verdict, at=at, kind=kind) for verdict, kind in seen))


def list_members(incident: Incident) -> list[str]:
    ids = incident.members.filter(left_at=None).values("endpoint_id")
    return list(Endpoint.objects.filter(pk__in=ids).order_by("name").values_list("name", flat=True))


def test_failing_run_opens_an_incident_with_its_cause(group: EndpointGroup) -> None:
    [site] = add(group, "site")
    see(group, ErrorKind.DNS)
    incident = Incident.objects.get()
    cause = (incident.group_id, incident.location_id, incident.error_kind, incident.cause_host)
    assert cause == (group.pk, IncidentMember.objects.get().location_id, ErrorKind.DNS, "site.test")
    assert (incident.started_at, incident.resolved_at, incident.severity) == (NOW, None, Severity.DOWN)
    assert (incident.open_count, incident.peak_count, incident.checked_count) == (1, 1, 1)
    assert list(IncidentMember.objects.values_list("endpoint_id", "state", "error_kind", "joined_at", "left_at")) == [
        (site.pk, DOWN, ErrorKind.DNS, NOW, None)
    ]


def test_recovery_resolves_it_as_of_the_first_evidence(group: EndpointGroup) -> None:
    add(group, "site", recovery_threshold=2)
    for minute, verdict in enumerate((DOWN, UP, UP)):
        see(group, verdict, minute=minute)
    incident = Incident.objects.get()
    assert (incident.resolved_at, incident.stage, incident.open_count) == (NOW + MINUTE, Stage.RESOLVED, 0)
    assert (incident.peak_count, incident.severity) == (1, Severity.DOWN)
    assert IncidentMember.objects.get().left_at == NOW + MINUTE


def test_timeline_says_when_it_opened_and_when_it_was_resolved(group: EndpointGroup) -> None:
    add(group, "site")
    see(group, DOWN)
    see(group, UP, minute=1)
    entries = list(IncidentUpdate.objects.order_by("at").values_list("at", "kind"))
    assert entries == [(NOW, IncidentUpdateKind.OPENED), (NOW + MINUTE, IncidentUpdateKind.RESOLVED)]


def test_failure_below_the_threshold_opens_nothing(group: EndpointGroup) -> None:
    add(group, "site", failure_threshold=2)
    see(group, UP)
    see(group, DOWN, minute=1)
    assert not Incident.objects.exists()
    see(group, DOWN, minute=2)
    assert Incident.objects.get().started_at == NOW + MINUTE


def test_second_failure_after_a_recovery_is_another_incident(group: EndpointGroup) -> None:
    add(group, "site")
    for minute, verdict in enumerate((DOWN, UP, DOWN)):
        see(group, verdict, minute=minute)
    assert list(Incident.objects.order_by("pk").values_list("started_at", "resolved_at")) == [
        (NOW, NOW + MINUTE),
        (NOW + 2 * MINUTE, None),
    ]


def test_unknown_neither_opens_nor_resolves(group: EndpointGroup) -> None:
    add(group, "a", "b")
    see(group, UNKNOWN, DOWN)
    see(group, UNKNOWN, UNKNOWN, minute=1)
    incident = Incident.objects.get()
    assert (incident.resolved_at, list_members(incident)) == (None, ["b"])


def test_failures_of_one_kind_are_one_incident_however_many(group: EndpointGroup) -> None:
    add(group, "a", "b", "c", "d")
    see(group, ErrorKind.DNS, ErrorKind.DNS, UP, ErrorKind.DNS)
    incident = Incident.objects.get()
    assert list_members(incident) == ["a", "b", "d"]
    assert (incident.error_kind, incident.cause_host) == (ErrorKind.DNS, "")
    assert (incident.open_count, incident.peak_count, incident.checked_count) == (3, 3, 4)


def test_failures_with_nothing_in_common_are_incidents_of_their_own(group: EndpointGroup) -> None:
    add(group, "a", "b")
    see(group, ErrorKind.DNS, ErrorKind.TLS)
    assert [list_members(each) for each in Incident.objects.order_by("pk")] == [["a"], ["b"]]


def test_later_failure_joins_the_open_incident_that_it_shares_something_with(group: EndpointGroup) -> None:
    add(group, "a", "b")
    add(group, "c", address="http://a.test/other")
    see(group, ErrorKind.DNS, UP, UP)
    see(group, ErrorKind.DNS, ErrorKind.TLS, ErrorKind.TIMEOUT, minute=1)
    first, second = Incident.objects.order_by("pk")
    assert (list_members(first), list_members(second)) == (["a", "c"], ["b"])
    assert (first.open_count, first.peak_count, first.checked_count) == (2, 2, 3)


def test_incident_shrinks_and_ends_with_its_last_member(group: EndpointGroup) -> None:
    add(group, "a", "b")
    see(group, DOWN, DOWN)
    see(group, UP, DOWN, minute=1)
    incident = Incident.objects.get()
    assert (incident.resolved_at, incident.open_count, incident.peak_count) == (None, 1, 2)
    see(group, UP, UP, minute=2)
    assert Incident.objects.get().resolved_at == NOW + 2 * MINUTE


def test_member_that_failed_again_is_one_row(group: EndpointGroup) -> None:
    add(group, "a", "b")
    for minute, verdicts in enumerate([(DOWN, DOWN), (UP, DOWN), (DOWN, DOWN)]):
        see(group, *verdicts, minute=minute)
    assert list(IncidentMember.objects.values_list("joined_at", "left_at")) == [(NOW, None), (NOW, None)]


def test_severity_is_that_of_the_worst_member_now(group: EndpointGroup) -> None:
    add(group, "a", "b", address="http://same.test/")
    see(group, DEGRADED, DEGRADED)
    assert Incident.objects.get().severity == Severity.DEGRADED
    see(group, DOWN, DEGRADED, minute=1)
    assert Incident.objects.get().severity == Severity.DOWN
    see(group, DEGRADED, DEGRADED, minute=2)
    assert Incident.objects.get().severity == Severity.DEGRADED


def test_failure_in_maintenance_opens_nothing(group: EndpointGroup) -> None:
    quiet, _loud = add(group, "quiet", "loud")
    make_span(quiet, at=NOW - MINUTE)
    see(group, DOWN, DOWN)
    assert list_members(Incident.objects.get()) == ["loud"]


def test_groups_have_incidents_of_their_own(group: EndpointGroup) -> None:
    other = make_group("other")
    for each in (group, other):
        add(each, "site")
        see(each, ErrorKind.DNS)
    assert set(Incident.objects.values_list("group_id", flat=True)) == {group.pk, other.pk}


def test_endpoint_that_moved_to_another_group_leaves_its_incident(group: EndpointGroup) -> None:
    [site] = add(group, "site")
    see(group, DOWN)
    other = make_group("other")
    Endpoint.objects.filter(pk=site.pk).update(group=other)
    see(other, UP, minute=1)
    assert Incident.objects.get().resolved_at == NOW + MINUTE


def count_statements(group: EndpointGroup, *verdicts: State | ErrorKind, at: datetime) -> int:
    taken = take(group, at=at)
    seen = [(DOWN, each) if isinstance(each, ErrorKind) else (each, KINDS.get(each)) for each in verdicts]
    with CaptureQueriesContext(connection) as captured:
        record_one(taken, *(outcome(verdict, at=at, kind=kind) for verdict, kind in seen))
    ignored = ("SAVEPOINT", "RELEASE")
    return len([query for query in captured.captured_queries if not query["sql"].startswith(ignored)])


@pytest.mark.parametrize("members", [1, 30])
def test_statements_are_constant_and_none_without_a_change(group: EndpointGroup, members: int) -> None:
    add(group, *(f"e{number}" for number in range(members)))
    see(group, *[UP] * members)
    verdicts: tuple[State | ErrorKind, ...] = (UP, ErrorKind.DNS, ErrorKind.DNS, ErrorKind.TLS, UP)
    counts = [
        count_statements(group, *[each] * members, at=NOW + minute * MINUTE)
        for minute, each in enumerate(verdicts, start=1)
    ]
    # Close, states read, results, states written; with evidence that is one more, with transitions another. Then:
    # opened: incidents, maintenance, hosts, dependencies, incident, its id, members, update; whom to tell; resolved:
    # incidents, members, failures before, three that write, and whom to tell.
    assert counts == [4, 6 + 8 + 3, 5, 5, 5 + 6 + 4]
