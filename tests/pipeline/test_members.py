from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.probes.group import Member
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import CheckResult, Endpoint, EndpointMember, EndpointState, Evidence
from healthcheck.pipeline.dispatch import claim_due_groups
from healthcheck.pipeline.members import load_members
from healthcheck.pipeline.perform import Performer
from healthcheck.pipeline.prune import prune
from tests.factories import NOW, make_endpoint, make_group, make_location, make_member, make_state
from tests.pipeline.conftest import take_one

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

OF_OTHERS = {"kind": "group", "address": ""}


def make_parent(*members: Endpoint, **columns: object) -> Endpoint:
    number = EndpointMember.objects.count()
    parent = make_endpoint(make_group(f"all{number}"), "all", **(OF_OTHERS | columns))
    for each in members:
        make_member(parent, each)
    return parent


def load(parent: Endpoint) -> list[Member]:
    targets = take_one(parent.group).targets
    return list(load_members(targets, make_location().pk, NOW).get(parent.pk, ()))


def test_members_come_by_name_with_what_is_known_of_them() -> None:
    group = make_group()
    endpoints = {name: make_endpoint(group, name) for name in ("up", "down", "stale", "new", "paused", "gone")}
    make_state(endpoints["up"])
    make_state(endpoints["down"], State.DOWN, last_error_kind=ErrorKind.DNS)
    make_state(endpoints["stale"], State.DOWN, valid_until=NOW)
    for name in ("paused", "gone"):
        make_state(endpoints[name], State.DOWN)
    Endpoint.objects.filter(name="paused").update(is_paused=True)
    Endpoint.objects.filter(name="gone").update(deleted_at=NOW)
    assert load(make_parent(*endpoints.values())) == [
        Member("web/down", State.DOWN, error_kind=ErrorKind.DNS),
        Member("web/gone", State.DOWN, is_gone=True),
        Member("web/new", State.UNKNOWN),
        Member("web/paused", State.DOWN, is_paused=True),
        Member("web/stale", State.UNKNOWN),
        Member("web/up", State.UP),
    ]


def test_a_member_rests_and_goes_with_its_group() -> None:
    paused, gone = make_endpoint(make_group("p", is_paused=True)), make_endpoint(make_group("g", deleted_at=NOW))
    assert load(make_parent(paused, gone)) == [
        Member("g/site", State.UNKNOWN, is_gone=True),
        Member("p/site", State.UNKNOWN, is_paused=True),
    ]


def test_what_another_location_saw_is_not_counted() -> None:
    endpoint = make_endpoint()
    make_state(endpoint, State.DOWN, location=make_location("elsewhere"))
    assert load(make_parent(endpoint)) == [Member("web/site", State.UNKNOWN)]


def test_members_of_three_parents_are_loaded_by_one_query() -> None:
    endpoints = [make_endpoint(make_group(f"g{number}")) for number in range(3)]
    group = make_group("all")
    for number in range(3):
        parent = make_endpoint(group, f"p{number}", **OF_OTHERS)
        for each in endpoints:
            make_member(parent, each)
    targets, location_id = take_one(group).targets, make_location().pk
    with CaptureQueriesContext(connection) as queries:
        found = load_members(targets, location_id, NOW)
    assert ([len(each) for each in found.values()], len(queries)) == ([3, 3, 3], 1)


def test_a_run_judges_by_the_members_and_says_which_are_down() -> None:
    group = make_group()
    good, bad = make_endpoint(group, "good"), make_endpoint(group, "bad")
    parent = make_parent(good, bad, failure_threshold=1)
    [run_id] = [run for run in claim_due_groups(parent.group.next_run_at + timedelta(seconds=1)) if run][-1:]
    now = parent.group.next_run_at
    make_state(good, now=now)
    make_state(bad, State.DOWN, now=now, last_error_kind=ErrorKind.REFUSED)
    Performer().perform(run_id)
    result = CheckResult.objects.get(endpoint_id=parent.pk)
    assert (result.verdict, result.error_kind, result.attempts) == (State.DOWN, ErrorKind.MEMBERS, 0)
    assert EndpointState.objects.get(endpoint=parent).state == State.DOWN
    facts = Evidence.objects.get(endpoint_id=parent.pk).facts
    assert (facts["expected"], facts["found"]) == ("every member up", "1 of 2 down: web/bad")
    assert [(each["name"], each["verdict"], each["error_kind"]) for each in facts["parts"]] == [
        ("web/bad", "down", "refused"),
        ("web/good", "up", None),
    ]


def test_a_circle_that_got_in_is_judged_by_what_is_stored() -> None:
    one, other = make_parent(failure_threshold=1), make_endpoint(make_group(), **OF_OTHERS)
    make_member(one, other)
    make_member(other, one)
    make_state(one, State.DOWN)
    make_state(other, State.UP)
    assert (load(one), load(other)) == ([Member("web/site", State.UP)], [Member("all0/all", State.DOWN)])


def test_the_pruner_removes_a_member_and_leaves_its_parent() -> None:
    endpoint = make_endpoint(deleted_at=NOW - timedelta(hours=1))
    parent = make_parent(endpoint)
    prune(NOW, retention=timedelta(days=1), budget_seconds=60)
    assert list(Endpoint.objects.all()) == [parent]
    assert not EndpointMember.objects.exists()
