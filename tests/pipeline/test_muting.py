"""Who depends on what is down is checked, and nobody is told of it until that is up. On both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.incidents import Event
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import (
    Dependency,
    Endpoint,
    EndpointGroup,
    Incident,
    IncidentUpdate,
    IncidentUpdateKind,
    Notification,
    NotificationChannel,
    NotificationPolicy,
    NotificationStatus,
    PolicyStep,
)
from healthcheck.pipeline.compose import compose_delivery
from healthcheck.pipeline.reconcile import reconcile_incidents
from tests.factories import NOW, make_channel, make_endpoint, make_group, make_policy, make_span
from tests.pipeline.test_incidents import MINUTE, add, count_statements, list_members, see

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND = timedelta(seconds=1)
UP, DEGRADED, DOWN, UNKNOWN = State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN


@pytest.fixture
def net(location: object) -> EndpointGroup:
    net = make_group("net")
    add(net, "router")
    return net


@pytest.fixture
def web(net: EndpointGroup) -> EndpointGroup:
    """A group that depends on the router."""
    web = make_group("web")
    add(web, "a", "b")
    Dependency.objects.create(child_group=web, parent_endpoint=net.endpoints.get())
    make_policy(steps={0: [make_channel()]})
    return web


def find_incident(group: EndpointGroup) -> Incident:
    return Incident.objects.filter(group_id=group.pk).latest("pk")


def list_told() -> list[tuple[int | None, Event]]:
    """Return the group and event of what was queued."""
    rows = Notification.objects.order_by("pk").values_list("incident__group_id", "event")
    return [(group_id, Event(event)) for group_id, event in rows]


def test_child_that_fails_after_its_parent_is_muted(net: EndpointGroup, web: EndpointGroup) -> None:
    see(net, DOWN)
    see(web, DOWN, ErrorKind.DNS)
    child = find_incident(web)
    assert (list_members(child), child.parent, child.muted_at) == (["a", "b"], find_incident(net), NOW + SECOND)
    assert list_told() == [(net.pk, Event.OPENED)]
    assert list(find_incident(net).affected.all()) == [child]
    assert child.updates.filter(kind=IncidentUpdateKind.MUTED).count() == 1


def test_parent_and_children_of_one_run_are_two_incidents(net: EndpointGroup) -> None:
    router = net.endpoints.get()
    for endpoint in add(net, "x", "y"):
        Dependency.objects.create(child_endpoint=endpoint, parent_endpoint=router)
    see(net, ErrorKind.TIMEOUT, ErrorKind.TIMEOUT, ErrorKind.TIMEOUT)
    parent, child = Incident.objects.order_by("pk")
    assert (list_members(parent), list_members(child)) == (["router"], ["x", "y"])
    assert (parent.muted_at, child.parent) == (None, parent)


def test_child_that_failed_first_is_muted_once_its_parent_fails(net: EndpointGroup, web: EndpointGroup) -> None:
    see(web, DOWN, UP)
    see(net, DOWN)
    reconcile_incidents(NOW + 2 * SECOND)
    child = find_incident(web)
    assert (child.parent, child.muted_at) == (find_incident(net), NOW + 2 * SECOND)
    see(web, DOWN, DOWN, minute=1)
    assert list_members(child) == ["a", "b"]
    assert list_told() == [(web.pk, Event.OPENED), (net.pk, Event.OPENED)]


def test_child_that_stays_down_is_told_once_it_has_been_looked_at(net: EndpointGroup, web: EndpointGroup) -> None:
    see(net, DOWN)
    see(web, DOWN, DOWN)
    see(net, UP, minute=1)
    reconcile_incidents(NOW + MINUTE + 2 * SECOND)
    assert find_incident(web).muted_at is not None
    see(web, UP, DOWN, minute=2)
    reconcile_incidents(NOW + 2 * MINUTE + 2 * SECOND)
    child = find_incident(web)
    assert (child.parent, child.muted_at, list_members(child)) == (None, None, ["b"])
    assert list_told() == [(net.pk, Event.OPENED), (net.pk, Event.RESOLVED), (web.pk, Event.OPENED)]


def test_child_that_is_up_again_with_its_parent_is_never_told(net: EndpointGroup, web: EndpointGroup) -> None:
    see(net, DOWN)
    see(web, DOWN, DOWN)
    see(net, UP, minute=1)
    reconcile_incidents(NOW + MINUTE + 2 * SECOND)
    see(web, UP, UP, minute=2)
    reconcile_incidents(NOW + 2 * MINUTE)
    assert not Incident.objects.open().exists()
    assert {group_id for group_id, _ in list_told()} == {net.pk}


def test_recovery_of_what_was_told_before_it_was_muted_is_told(net: EndpointGroup, web: EndpointGroup) -> None:
    see(web, DOWN, DOWN)
    Notification.objects.update(status=2)
    see(net, DOWN)
    reconcile_incidents(NOW + 2 * SECOND)
    see(web, UP, UP, minute=1)
    assert list_told()[-1] == (web.pk, Event.RESOLVED)


def test_what_depends_on_a_child_has_the_root_as_parent(net: EndpointGroup, web: EndpointGroup) -> None:
    shop = make_group("shop")
    add(shop, "till")
    Dependency.objects.create(child_group=shop, parent_group=web)
    for group, verdicts in ((net, [DOWN]), (web, [DOWN, DOWN]), (shop, [DOWN])):
        see(group, *verdicts)
    assert find_incident(shop).parent == find_incident(net)


def test_group_explains_only_when_all_of_it_is_down(net: EndpointGroup, web: EndpointGroup) -> None:
    shop = make_group("shop")
    add(shop, "till")
    Dependency.objects.create(child_group=shop, parent_group=web)
    see(web, DOWN, DEGRADED)
    see(shop, DOWN)
    assert find_incident(shop).muted_at is None
    see(web, DOWN, DOWN, minute=1)
    reconcile_incidents(NOW + MINUTE)
    parent = find_incident(shop).parent
    assert parent is not None
    assert parent.group_id == web.pk


def test_child_of_a_parent_in_maintenance_is_muted_and_told_when_that_ends(
    net: EndpointGroup, web: EndpointGroup
) -> None:
    make_span(net.endpoints.get(), at=NOW - MINUTE, minutes=10)
    see(net, DOWN)
    see(web, DOWN, DOWN)
    reconcile_incidents(NOW + MINUTE)
    child = find_incident(web)
    assert (child.muted_at, child.parent, list_told()) == (NOW + SECOND, None, [])
    reconcile_incidents(NOW + 10 * MINUTE)
    reconcile_incidents(NOW + 10 * MINUTE + SECOND)
    assert find_incident(web).parent == find_incident(net)
    assert list_told() == [(net.pk, Event.OPENED)]


def test_dependency_that_is_removed_lets_its_child_speak(net: EndpointGroup, web: EndpointGroup) -> None:
    see(net, DOWN)
    see(web, DOWN, DOWN)
    Dependency.objects.all().delete()
    reconcile_incidents(NOW + MINUTE)
    assert find_incident(web).muted_at is None
    assert list_told() == [(net.pk, Event.OPENED), (web.pk, Event.OPENED)]


def test_failure_that_nothing_explains_stands_beside_one_that_is_muted(net: EndpointGroup, web: EndpointGroup) -> None:
    Dependency.objects.all().delete()
    Dependency.objects.create(child_endpoint=web.endpoints.get(name="a"), parent_endpoint=net.endpoints.get())
    see(web, DOWN, UP)
    see(net, DOWN)
    reconcile_incidents(NOW + 2 * SECOND)
    see(web, DOWN, DOWN, minute=1)
    rows = Incident.objects.filter(group_id=web.pk).order_by("pk")
    assert [(list_members(each), each.muted_at is None) for each in rows] == [(["a"], False), (["b"], True)]


def test_second_look_changes_nothing(net: EndpointGroup, web: EndpointGroup) -> None:
    see(net, DOWN)
    see(web, DOWN, DOWN)
    reconcile_incidents(NOW + MINUTE)
    before = list(Incident.objects.order_by("pk").values()), IncidentUpdate.objects.count()
    reconcile_incidents(NOW + 2 * MINUTE)
    assert (list(Incident.objects.order_by("pk").values()), IncidentUpdate.objects.count()) == before


@pytest.mark.parametrize("members", [1, 30])
def test_statements_are_constant_where_something_is_muted(
    net: EndpointGroup, web: EndpointGroup, members: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Endpoint.objects.filter(group=web).delete()
    add(web, *(f"e{number}" for number in range(members)))
    see(net, DOWN)
    see(web, *[UP] * members)
    # As many as where nothing depends on anything, how parents stand, and their incidents. Nobody is told.
    assert count_statements(web, *[ErrorKind.DNS] * members, at=NOW + MINUTE) == 6 + 8 + 2
    with django_assert_num_queries(6):
        reconcile_incidents(NOW + 2 * MINUTE)
    assert find_incident(web).open_count == members


def test_dependencies_of_others_cost_one_statement(net: EndpointGroup, web: EndpointGroup) -> None:
    other = make_group("other")
    add(other, "site")
    with CaptureQueriesContext(connection) as captured:
        see(other, DOWN)
    asked = [query for query in captured.captured_queries if "healthcheck_dependency" in query["sql"]]
    assert len(asked) == 1
    assert make_endpoint(other, "more").pk


def test_steps_and_reminders_that_a_mute_has_swallowed_begin_anew(net: EndpointGroup, web: EndpointGroup) -> None:
    NotificationPolicy.objects.update(reminder_minutes=5)
    policy, boss = NotificationPolicy.objects.get(), make_channel("boss")
    PolicyStep.objects.create(policy=policy, after_minutes=15).channels.set([boss])
    queued = Notification.objects.filter(incident__group_id=web.pk, status=NotificationStatus.QUEUED)
    see(web, ErrorKind.DNS, ErrorKind.DNS)
    queued.filter(event=Event.OPENED).update(status=NotificationStatus.SENT)
    see(net, DOWN, minute=1)
    reconcile_incidents(NOW + MINUTE + SECOND)
    later = NOW + 30 * MINUTE
    with transaction.atomic():
        for channel in NotificationChannel.objects.all():
            compose_delivery(channel.pk, later)
    assert not queued.exists()
    see(net, UP, minute=31)
    see(web, ErrorKind.DNS, ErrorKind.DNS, minute=32)
    now = NOW + 32 * MINUTE + SECOND
    reconcile_incidents(now)
    turns = queued.order_by("due_at", "channel__name").values_list("channel__name", "event", "due_at")
    assert [(name, Event(event), (due_at - now) / MINUTE) for name, event, due_at in turns] == [
        ("team", Event.REMINDER, 5),
        ("boss", Event.ESCALATED, 15),
        ("boss", Event.REMINDER, 20),
    ]
