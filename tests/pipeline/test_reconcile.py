"""Incidents follow what no run sees: maintenance, pauses, deletions, upgrades, and what comes to rest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.incidents import Event
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import (
    Endpoint,
    EndpointGroup,
    EndpointState,
    Incident,
    IncidentUpdate,
    IncidentUpdateKind,
    MaintenanceSpan,
    Notification,
)
from healthcheck.pipeline.reconcile import IN_MAINTENANCE, NOT_CHECKED, reconcile_incidents
from healthcheck.pipeline.sweep import expire_evidence
from healthcheck.pipeline.tick import tick
from tests.factories import NOW, make_channel, make_endpoint, make_group, make_policy, make_span, make_state
from tests.pipeline.test_incidents import MINUTE, add, list_members, see

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND = timedelta(seconds=1)
UP, DOWN = State.UP, State.DOWN


@pytest.fixture
def group(location: object) -> EndpointGroup:
    return make_group()


def list_open() -> list[list[str]]:
    return [list_members(incident) for incident in Incident.objects.open().order_by("pk")]


def test_what_is_down_when_a_database_is_upgraded_is_one_incident_since_then(group: EndpointGroup) -> None:
    for endpoint in add(group, "a", "b"):
        make_state(endpoint, DOWN, last_error_kind=ErrorKind.DNS)
    make_state(add(group, "c")[0], UP)
    reconcile_incidents(NOW)
    incident = Incident.objects.get()
    assert (list_members(incident), incident.started_at) == (["a", "b"], NOW - timedelta(hours=1))
    assert (incident.error_kind, incident.checked_count) == (ErrorKind.DNS, 3)


def test_what_is_still_down_when_maintenance_ends_opens_one_and_is_told(group: EndpointGroup) -> None:
    channel = make_channel()
    make_policy(steps={0: [channel]})
    make_span(*add(group, "site"), at=NOW - MINUTE, minutes=10)
    see(group, DOWN)
    assert reconcile_incidents(NOW + 8 * MINUTE) == frozenset()
    assert list_open() == []
    assert reconcile_incidents(NOW + 9 * MINUTE) == {channel.pk}
    assert list_open() == [["site"]]


def test_member_that_comes_into_maintenance_leaves_and_that_is_said(group: EndpointGroup) -> None:
    make_policy(steps={0: [make_channel()]})
    [site] = add(group, "site")
    see(group, DOWN)
    make_span(site, at=NOW + MINUTE)
    reconcile_incidents(NOW + MINUTE - SECOND)
    assert list_open() == [["site"]]
    reconcile_incidents(NOW + MINUTE)
    assert Incident.objects.get().resolved_at == NOW + MINUTE
    assert Notification.objects.get(event=Event.RESOLVED).text == IN_MAINTENANCE
    assert IncidentUpdate.objects.latest("pk").text == IN_MAINTENANCE


@pytest.mark.parametrize("columns", [{"is_paused": True}, {"deleted_at": NOW}])
@pytest.mark.parametrize("is_group", [True, False])
def test_member_that_nobody_checks_any_more_leaves(
    group: EndpointGroup, columns: dict[str, object], is_group: bool
) -> None:
    _kept, gone = (*add(make_group("kept"), "kept"), *add(group, "gone"))
    for each in (_kept.group, group):
        see(each, DOWN)
    if is_group:
        EndpointGroup.objects.filter(pk=group.pk).update(**columns)
    else:
        Endpoint.objects.filter(pk=gone.pk).update(**columns)
    reconcile_incidents(NOW + MINUTE)
    assert list_open() == [["kept"]]
    assert IncidentUpdate.objects.get(incident__group_id=group.pk, text=NOT_CHECKED).kind == IncidentUpdateKind.RESOLVED


def test_member_whose_rows_are_gone_leaves(group: EndpointGroup) -> None:
    [gone] = add(group, "gone")
    see(group, DOWN)
    gone.delete()
    reconcile_incidents(NOW + MINUTE)
    assert Incident.objects.get().resolved_at == NOW + MINUTE


def test_pause_that_ends_while_it_is_still_down_opens_another(group: EndpointGroup) -> None:
    add(group, "site")
    see(group, DOWN)
    for is_paused, incidents in ((True, 1), (False, 2)):
        Endpoint.objects.update(is_paused=is_paused)
        reconcile_incidents(NOW + MINUTE)
        assert Incident.objects.count() == incidents
    assert list_open() == [["site"]]


def test_others_stay_when_one_member_is_paused(group: EndpointGroup) -> None:
    a, _b = add(group, "a", "b")
    see(group, DOWN, DOWN)
    Endpoint.objects.filter(pk=a.pk).update(is_paused=True)
    reconcile_incidents(NOW + MINUTE)
    assert (list_open(), Incident.objects.get().open_count) == ([["b"]], 1)


def test_member_whose_evidence_expired_stays(group: EndpointGroup) -> None:
    add(group, "site")
    see(group, DOWN)
    later = NOW + timedelta(days=1)
    expire_evidence(later)
    reconcile_incidents(later)
    assert EndpointState.objects.get().state == State.UNKNOWN
    assert list_open() == [["site"]]


def test_member_that_is_up_leaves_whoever_wrote_that(group: EndpointGroup) -> None:
    add(group, "site")
    see(group, DOWN)
    EndpointState.objects.update(state=UP, known_state=UP, since=NOW + MINUTE)
    reconcile_incidents(NOW + 2 * MINUTE)
    assert Incident.objects.get().resolved_at == NOW + MINUTE


def test_held_incident_is_resolved_once_it_has_come_to_rest(group: EndpointGroup) -> None:
    add(group, "site")
    for minute, verdict in enumerate([UP, DOWN] * 3 + [UP]):
        see(group, verdict, minute=minute)
    last_at = NOW + 6 * MINUTE
    reconcile_incidents(last_at + 15 * MINUTE - SECOND)
    assert list_open() == [[]]
    reconcile_incidents(last_at + 15 * MINUTE)
    assert list_open() == []
    assert Incident.objects.latest("pk").resolved_at == last_at


def test_tick_reconciles(group: EndpointGroup) -> None:
    make_state(add(group, "site")[0], DOWN)
    tick(NOW, node="a")
    assert list_open() == [["site"]]


@pytest.mark.parametrize("members", [1, 30])
def test_settled_database_costs_one_statement(
    group: EndpointGroup, members: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    add(group, *(f"e{number}" for number in range(members)))
    make_span(make_endpoint(group, "quiet"), at=NOW - MINUTE)
    see(group, *[DOWN] * (members + 1))
    with django_assert_num_queries(1):
        reconcile_incidents(NOW + SECOND)


@pytest.mark.parametrize("members", [1, 30])
def test_settling_a_group_is_a_constant_number_of_statements(
    group: EndpointGroup, members: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for endpoint in add(group, *(f"e{number}" for number in range(members))):
        make_state(endpoint, DOWN, last_error_kind=ErrorKind.DNS)
    with django_assert_num_queries(19):
        reconcile_incidents(NOW)
    assert Incident.objects.get().open_count == members
    assert not MaintenanceSpan.objects.exists()


def test_group_that_the_database_refuses_stops_neither_the_others_nor_the_clock(
    group: EndpointGroup, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_group("other")
    for place in (group, other):
        [site] = add(place, f"site of {place.slug}")
        make_state(site, DOWN, last_error_kind=ErrorKind.DNS)
    location_id = EndpointState.objects.values_list("location_id", flat=True)[0]
    # Another open incident has the name of its cause, as after rows were copied from one database into another.
    cause_key = f"{group.pk}:{location_id}:kind:{ErrorKind.DNS.value}"
    Incident.objects.create(cause_key=cause_key, started_at=NOW)
    EndpointGroup.objects.update(next_run_at=NOW)
    report = tick(NOW, node="clock")
    assert len(report.run_ids) == 2
    assert list_open() == [[], ["site of other"]]
    assert "incidents cannot be reconciled" in caplog.text
