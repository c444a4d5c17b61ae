"""Endpoints that are made of others, in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.fields.found_members import MAX_FOUND, find_members
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Endpoint, EndpointGroup, EndpointMember, Version
from tests.admin.change.test_at_once import post_at_once
from tests.admin.conftest import CLOCK_QUERIES, endpoint_fields, group_fields, inline_fields, make_person
from tests.factories import (
    NOW,
    make_endpoint,
    make_evidence,
    make_group,
    make_member,
    make_result,
    make_run,
    make_state,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "/admin/healthcheck/endpoint/"


def member_fields(members: str, **changed: Any) -> dict[str, Any]:
    return endpoint_fields(kind="group", address="", members=members, **changed)


def change_url(endpoint: Endpoint) -> str:
    return f"{LIST}{endpoint.pk}/change/"


def make_parent(slug: str, *members: Endpoint) -> Endpoint:
    parent = make_endpoint(make_group(slug), "all", kind="group", address="")
    for each in members:
        make_member(parent, each)
    return parent


def read_stored() -> set[tuple[str, str, int]]:
    return set(EndpointMember.objects.values_list("parent__name", "member__name", "weight"))


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_endpoint_is_added_with_members_and_rule(operator: Client) -> None:
    group = make_group()
    make_endpoint(group, "a")
    make_endpoint(group, "b")
    fields = member_fields("web/b: 3\r\nweb/a", group=group.pk, name="all", member_rule="share", up_share="75")
    assert operator.post(f"{LIST}add/", fields).status_code == 302
    assert read_stored() == {("all", "a", 1), ("all", "b", 3)}
    parent = Endpoint.objects.get(name="all")
    assert (parent.kind, parent.address, parent.options) == ("group", "", {"member_rule": "share", "up_share": 75})
    assert Version.objects.get(name="all").definition["members"] == [["web/a", 1], ["web/b", 3]]


def test_form_shows_what_is_stored_and_saving_it_changes_nothing(operator: Client) -> None:
    parent = make_parent("sum", make_endpoint(make_group(), "a"))
    form = operator.get(change_url(parent)).context["adminform"].form
    assert form["members"].value() == "web/a"
    operator.post(change_url(parent), member_fields("web/a", name="all"))
    assert not Version.objects.exists()


def test_members_are_changed_and_checked_at_once(operator: Client) -> None:
    group = make_group()
    parent = make_parent("sum", make_endpoint(group, "a"))
    make_endpoint(group, "b")
    EndpointGroup.objects.filter(slug="sum").update(next_run_at=NOW.replace(year=2099))
    assert operator.post(change_url(parent), member_fields("web/b: 2", name="all")).status_code == 302
    assert read_stored() == {("all", "b", 2)}
    assert EndpointGroup.objects.get(slug="sum").next_run_at < NOW.replace(year=2099)
    shown = operator.get(f"{LIST}{parent.pk}/history/").content.decode()
    assert ("web/a: 1" in shown, "web/b: 2" in shown) == (True, True)


def test_what_cannot_be_is_refused_at_the_members(operator: Client) -> None:
    group = make_group()
    parent = make_parent("sum", make_parent("inner", make_endpoint(group, "a")))
    inner = Endpoint.objects.get(group__slug="inner")
    circle = operator.post(change_url(inner), member_fields("sum/all", name="all"))
    assert errors_of(circle) == {
        "members": ["Its members lead back to itself: inner/all → sum/all → inner/all. Leave one of them out."]
    }
    missing = operator.post(change_url(parent), member_fields("web/none", name="all"))
    sentence = "Members, “web/none”: There is no endpoint “none” in a group “web”; copy both from its page."
    assert errors_of(missing) == {"members": [sentence]}
    assert read_stored() == {("all", "all", 1), ("all", "a", 1)}


def test_another_kind_has_no_members(operator: Client) -> None:
    make_endpoint(make_group(), "a")
    fields = endpoint_fields(group=make_group("x").pk, members="web/a")
    sentence = "A check of the kind http has no members; remove them, or choose the kind group."
    assert errors_of(operator.post(f"{LIST}add/", fields)) == {"members": [sentence]}


def test_kind_is_changed_with_the_members_emptied(operator: Client) -> None:
    parent = make_parent("sum", make_endpoint(make_group(), "a"))
    kept = operator.post(change_url(parent), endpoint_fields(name="all", members="web/a"))
    assert "members" in errors_of(kept)
    assert operator.post(change_url(parent), endpoint_fields(name="all", members="")).status_code == 302
    assert read_stored() == set()


def test_form_of_the_group_does_not_leave_members_behind(operator: Client) -> None:
    parent = make_parent("sum", make_endpoint(make_group(), "a"))
    row = inline_fields(id=parent.pk, name="all")
    response = operator.post(
        f"/admin/healthcheck/endpointgroup/{parent.group_id}/change/", group_fields(row, stored=1, slug="sum")
    )
    assert response.status_code == 200
    assert "It has members; change its kind on its own page, and empty them there." in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_who_close_a_circle_together_do_not_both_succeed() -> None:
    one, other = make_parent("one"), make_parent("other")
    saved, refused = post_at_once(
        change_url(one),
        Endpoint,
        member_fields("other/all", name="all", timeout_seconds="5"),
        member_fields("one/all", name="all", timeout_seconds="5"),
        second_url=change_url(other),
    )
    assert (saved.status_code, refused.status_code) == (302, 200)
    assert "Its members lead back to itself: other/all → one/all → other/all." in refused.content.decode()
    assert set(EndpointMember.objects.values_list("parent", "member")) == {(one.pk, other.pk)}


def test_whoever_deletes_is_told_what_is_judged_without_it(operator: Client) -> None:
    endpoint = make_endpoint(make_group(), "a")
    make_parent("sum", endpoint)
    told = "“sum/all” will be judged without it"
    assert told in operator.get(f"{LIST}{endpoint.pk}/delete/").content.decode()
    selected = {"action": "delete_selected", "_selected_action": [endpoint.pk]}
    assert told in operator.post(LIST, selected).content.decode()
    group_page = f"/admin/healthcheck/endpointgroup/{endpoint.group_id}/delete/"
    assert told in operator.get(group_page).content.decode()
    Endpoint.objects.filter(name="all").update(deleted_at=NOW)
    assert told not in operator.get(f"{LIST}{endpoint.pk}/delete/").content.decode()


def test_somebody_who_may_only_look_sees_the_members() -> None:
    parent = make_parent("sum", make_endpoint(make_group(), "a"))
    viewer = make_person("view_endpointgroup", "view_endpoint")
    shown = viewer.get(change_url(parent)).content.decode()
    assert ("web/a</pre>" in shown, "member rule: worst" in shown) == (True, True)


def test_explanation_says_who_is_down_and_links_to_them(operator: Client) -> None:
    bad = make_endpoint(make_group(), "bad")
    parent = make_parent("sum", bad)
    make_member(parent, make_endpoint(make_group("x"), "gone", deleted_at=NOW))
    make_state(bad, State.DOWN)
    run = make_run(parent.group)
    make_result(run, parent, State.DOWN, error_kind=ErrorKind.MEMBERS, phase=0, http_status=0, latency_us=0)
    part = {"name": "web/bad", "verdict": "down", "error_kind": "refused", "found": "weight 2"}
    make_evidence(run, parent, expected="every member up", found="1 of 1 down: web/bad", parts=[part])
    shown = operator.get(f"{LIST}{parent.pk}/results/{run.pk}/").content.decode()
    assert "Endpoints that it consists of are not up." in shown
    assert "Expected every member up, found 1 of 1 down: web/bad." in shown
    assert f'<a href="{LIST}{bad.pk}/latest/">web/bad</a>' in shown
    assert "gone" not in shown


def test_result_that_is_up_speaks_of_no_answer(operator: Client) -> None:
    parent = make_parent("sum")
    run = make_run(parent.group)
    make_result(run, parent, http_status=0, latency_us=0, attempts=0)
    make_state(parent, last_run_id=run.pk, last_latency_us=0)
    shown = operator.get(f"{LIST}{parent.pk}/results/{run.pk}/").content.decode()
    assert ("All is as it should be." in shown, "answered" in shown) == (True, False)
    assert "no answer" not in operator.get(LIST).content.decode()


@pytest.mark.parametrize("count", [1, 30])
def test_pages_of_a_parent_cost_the_same_for_one_and_thirty_members(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    members = [make_endpoint(group, f"e{number}") for number in range(count)]
    parent = make_parent("sum", *members)
    for each in members:
        make_state(each)
    run = make_run(parent.group)
    make_result(run, parent)
    with django_assert_num_queries(15 + 2 * CLOCK_QUERIES):
        operator.get(f"{LIST}{parent.pk}/results/{run.pk}/")
    # What Django keeps for a process is asked for once.
    operator.get(change_url(parent))
    with django_assert_num_queries(11 + 2 * CLOCK_QUERIES):
        operator.get(change_url(parent))


def test_endpoints_are_found_by_words_of_their_names_as_lines(operator: Client) -> None:
    group = make_group(name="Web shop")
    for name in ("Checkout", "Port: 80", "gone"):
        make_endpoint(group, name)
    make_endpoint(make_group("mail"), "Checkout")
    Endpoint.objects.filter(name="gone").update(deleted_at=NOW)
    found = {
        query: operator.get(f"{LIST}members/", {"q": query}).json()["lines"] for query in ("shop check", "80", "gone")
    }
    assert found == {"shop check": ["web/Checkout"], "80": ['web/"Port: 80"'], "gone": []}
    assert len(operator.get(f"{LIST}members/").json()["lines"]) == 3


def test_finding_is_for_people_who_write_members(viewer: Client) -> None:
    assert viewer.get(f"{LIST}members/").status_code == 403
    assert Client().get(f"{LIST}members/").status_code == 302


def test_finding_costs_one_query_and_is_bounded(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    group = make_group()
    for number in range(MAX_FOUND + 1):
        make_endpoint(group, f"e{number}")
    with django_assert_num_queries(1):
        assert len(find_members("e " * 1000 + "\x00")) == MAX_FOUND
