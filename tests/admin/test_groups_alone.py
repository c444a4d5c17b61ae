"""Somebody who may see groups and no endpoints learns nothing of those inside, by whatever page they ask."""

from __future__ import annotations

import pytest
from django.test import Client

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Endpoint, EndpointGroup
from tests.admin.conftest import group_fields, make_person
from tests.factories import make_endpoint, make_group, make_member, make_result, make_run, make_state

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = "/admin/healthcheck/endpointgroup/"


@pytest.fixture
def group() -> EndpointGroup:
    """A group with an endpoint that is down, which another one in another group is made of."""
    group = make_group("shop")
    canary = make_endpoint(group, "canary", address="http://canary.example/")
    make_state(canary, State.DOWN, last_error_kind=ErrorKind.STATUS)
    make_result(make_run(group), canary, State.DOWN)
    make_member(make_endpoint(make_group("sum"), "canary of all", kind="group", address=""), canary)
    return group


def make_somebody(*more: str, name: str = "somebody") -> Client:
    return make_person("view_endpointgroup", *more, name=name)


def list_pages(group: EndpointGroup) -> list[str]:
    pages = ("change/", "runs/", "history/", "delete/")
    run_id = group.runs.get().pk
    return [LIST, *(f"{LIST}{group.pk}/{page}" for page in pages), f"{LIST}runs/{run_id}/", f"{LIST}export/", "/admin/"]


@pytest.mark.parametrize("more", [(), ("operate_endpointgroup",), ("change_endpointgroup", "delete_endpointgroup")])
def test_no_page_names_an_endpoint(group: EndpointGroup, more: tuple[str, ...]) -> None:
    client = make_somebody(*more)
    pages = {url: client.get(url) for url in list_pages(group)}
    assert {200} <= {answer.status_code for answer in pages.values()} <= {200, 403}
    assert [url for url, answer in pages.items() if b"canary" in b"".join(answer)] == []


def test_whoever_sees_endpoints_sees_their_error_in_the_list(group: EndpointGroup) -> None:
    client = make_somebody("view_endpoint")
    told = "canary: It answered with an unexpected status."
    shown = [client.get(url).content.decode() for url in (LIST, f"{LIST}{group.pk}/change/")]
    assert [told in each for each in shown] == [True, True]


@pytest.mark.parametrize(("more", "found"), [((), 0), (("view_endpoint",), 2)])
def test_search_answers_no_guess_at_a_name(group: EndpointGroup, more: tuple[str, ...], found: int) -> None:
    answers = make_somebody(*more).get(LIST, {"q": "canary"})
    assert answers.context["cl"].result_count == found


@pytest.mark.parametrize("may_see", [False, True])
def test_timeout_that_is_too_long_is_refused_without_the_name(group: EndpointGroup, *, may_see: bool) -> None:
    Endpoint.objects.filter(name="canary").update(timeout_seconds=20.0)
    client = make_somebody("change_endpointgroup", *(["view_endpoint"] if may_see else []))
    fields = group_fields(slug="shop", name="Shop", deadline_seconds="5.0")
    answer = client.post(f"{LIST}{group.pk}/change/", fields)
    assert EndpointGroup.objects.get(slug="shop").deadline_seconds == 30.0
    [sentence] = answer.context["adminform"].form.errors["deadline_seconds"]
    assert sentence == (
        "The endpoint “canary” has a timeout of 20 s; lower that first."
        if may_see
        else "An endpoint has a timeout of 20 s; have that lowered first."
    )


def test_members_are_found_by_people_who_may_see_endpoints() -> None:
    url = "/admin/healthcheck/endpoint/members/"
    blind, seeing = make_person("add_endpoint"), make_person("add_endpoint", "view_endpoint", name="other")
    assert (blind.get(url).status_code, seeing.get(url).status_code) == (403, 200)
