"""Copies: everything but the past, under a free name, paused."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthcheck.definitions.cloning import clone_endpoints
from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.plans import MAX_ROWS
from healthcheck.definitions.versions import Change
from healthcheck.models import Endpoint, EndpointGroup, Tag, Version
from tests.admin.conftest import CLOCK_QUERIES, make_person
from tests.factories import NOW, make_assertion, make_endpoint, make_group

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"
COPY_QUERIES = 38 + 2 * CLOCK_QUERIES


def test_copy_has_everything_of_the_original_but_its_name_and_is_paused(operator: Client) -> None:
    endpoint = make_endpoint(options={"headers": [["X-Key", "k"]]}, description="why", timeout_seconds=3.5)
    make_assertion(endpoint, "status 204")
    endpoint.tags.add(Tag.objects.create(name="eu"))
    response = operator.post(f"{ROOT}endpoint/{endpoint.pk}/clone/", follow=True)
    copy = Endpoint.objects.latest("pk")
    assert response.request["PATH_INFO"] == f"{ROOT}endpoint/{copy.pk}/change/"
    assert "This is a copy of “site”. It is paused: look it over, then resume it." in response.content.decode()
    documents = read_documents(Endpoint, [endpoint.pk, copy.pk])
    assert documents[copy.pk] == documents[endpoint.pk] | {"name": "site (copy)", "is_paused": True}
    assert Version.objects.get().get_action_display() == "created"


def test_copies_find_free_names_and_long_names_have_room(operator: Client) -> None:
    endpoint = make_endpoint(name="x" * 200)
    for _time in range(2):
        operator.post(f"{ROOT}endpoint/", {"action": "clone_selected", "_selected_action": [endpoint.pk]})
    names = list(Endpoint.objects.exclude(pk=endpoint.pk).order_by("pk").values_list("name", flat=True))
    assert names == ["x" * 193 + " (copy)", "x" * 191 + " (copy 2)"]


def test_copy_of_a_group_has_its_endpoints(operator: Client) -> None:
    group = make_group(interval_seconds=300)
    make_endpoint(group, "running")
    make_endpoint(group, "paused", is_paused=True)
    operator.post(f"{ROOT}endpointgroup/{group.pk}/clone/")
    copy = EndpointGroup.objects.latest("pk")
    assert (copy.name, copy.slug, copy.is_paused, copy.interval_seconds) == ("Web (copy)", "web-copy", True, 300)
    assert sorted(copy.endpoints.values_list("name", "is_paused")) == [("paused", True), ("running", False)]


@pytest.mark.parametrize("count", [1, 30])
def test_copying_costs_the_same_for_one_and_thirty(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    for number in range(count):
        make_assertion(make_endpoint(group, f"endpoint-{number}"))
    ids = list(Endpoint.objects.values_list("pk", flat=True))
    with django_assert_num_queries(COPY_QUERIES):
        operator.post(f"{ROOT}endpoint/", {"action": "clone_selected", "_selected_action": ids})
    assert Endpoint.objects.count() == 2 * count


def test_too_many_copies_at_once_are_refused(operator: Client) -> None:
    group = make_group()
    Endpoint.objects.bulk_create(Endpoint(group=group, name=f"e{n}", address="http://a/") for n in range(201))
    chosen = {"action": "clone_selected", "_selected_action": [Endpoint.objects.all()[0].pk], "select_across": "1"}
    page = operator.post(f"{ROOT}endpoint/", chosen, follow=True).content.decode()
    assert "More than 200 are selected; select fewer, or export and import them." in page
    assert Endpoint.objects.count() == 201


def test_what_cannot_be_checked_any_more_is_not_copied(operator: Client) -> None:
    endpoint = make_endpoint(address="ftp://old/")
    page = operator.post(f"{ROOT}endpoint/{endpoint.pk}/clone/", follow=True).content.decode()
    # The stock admin begins each message with a capital letter.
    assert "ddress: The address must start with http:// or https://; add it." in page
    assert Endpoint.objects.count() == 1


def test_viewers_cannot_copy(viewer: Client) -> None:
    endpoint = make_endpoint()
    assert viewer.post(f"{ROOT}endpoint/{endpoint.pk}/clone/").status_code == 403
    assert "/clone/" not in viewer.get(f"{ROOT}endpoint/{endpoint.pk}/change/").content.decode()
    assert Endpoint.objects.count() == 1


def test_copies_of_more_endpoints_than_one_change_may_have_are_refused(operator: Client) -> None:
    group = make_group()
    Endpoint.objects.bulk_create(
        [Endpoint(group=group, name=f"e{n}", address="http://a/") for n in range(MAX_ROWS + 1)], batch_size=1000
    )
    page = operator.post(f"{ROOT}endpointgroup/{group.pk}/clone/", follow=True).content.decode()
    assert "The copies would have more than 20000 endpoints" in page
    assert EndpointGroup.objects.count() == 1


def test_copy_of_a_group_needs_the_permission_to_add_endpoints() -> None:
    group = make_endpoint().group
    person = make_person("view_endpointgroup", "change_endpointgroup", "add_endpointgroup")
    assert person.post(f"{ROOT}endpointgroup/{group.pk}/clone/").status_code == 403
    assert "/clone/" not in person.get(f"{ROOT}endpointgroup/{group.pk}/change/").content.decode()
    assert EndpointGroup.objects.count() == 1


def test_nothing_is_copied_into_a_group_that_was_deleted_while_its_lock_was_waited_for() -> None:
    endpoint = make_endpoint()

    def delete_meanwhile(execute: Any, sql: str, *args: Any) -> Any:
        answer = execute(sql, *args)
        if sql.startswith('SELECT "healthcheck_endpointgroup"."id" AS'):
            EndpointGroup.objects.update(deleted_at=NOW)
        return answer

    with connection.execute_wrapper(delete_meanwhile), pytest.raises(DefinitionError, match="There is no group"):
        clone_endpoints([endpoint.pk], Change(NOW))
