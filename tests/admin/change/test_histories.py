"""Going back asks first and shows what it changes; what is deleted is listed with its versions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from healthcheck.definitions.versions import Change, recorded
from healthcheck.models import Endpoint, EndpointGroup, Tag, Version, VersionAction
from tests.admin.conftest import make_person
from tests.factories import NOW, make_credential, make_endpoint, make_group, make_page

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"


def change(obj: Any, **columns: Any) -> None:
    with recorded(type(obj), [obj.pk], Change(NOW, author_name="Ada")):
        type(obj).objects.filter(pk=obj.pk).update(**columns)


@contextmanager
def changed_after(obj: Any, last: int, **columns: Any) -> Iterator[None]:
    """Somebody else changes the object between a page's statement with that number and its next one."""
    numbers = itertools.count()

    def execute(run: Any, *statement: Any) -> Any:
        found = run(*statement)
        if next(numbers) == last:
            change(obj, **columns)
        return found

    with connection.execute_wrapper(execute):
        yield


def revert_url(obj: Any, number: int = 1) -> str:
    return f"{ROOT}{obj._meta.model_name}/{obj.pk}/history/{number}/revert/"


def list_changes(response: Any) -> list[tuple[str, str, str]]:
    return [(each.field, each.before, each.after) for each in response.context["changes"]]


# Going back.


def test_going_back_shows_what_it_changes_and_does_nothing_yet(operator: Client) -> None:
    endpoint = make_endpoint()
    change(endpoint, timeout_seconds=5.0)
    page = operator.get(revert_url(endpoint))
    assert list_changes(page) == [("Timeout", "5 seconds", "10 seconds")]
    assert (Endpoint.objects.get().timeout_seconds, Version.objects.count()) == (5.0, 2)
    assert page.content.decode().count('<button type="submit" class="hc-button hc-primary">') == 1
    operator.post(revert_url(endpoint), {"seen": page.context["seen"]})
    assert Endpoint.objects.get().timeout_seconds == 10.0


def test_what_changed_after_the_look_is_not_written_over(operator: Client) -> None:
    endpoint = make_endpoint()
    change(endpoint, timeout_seconds=5.0)
    seen = operator.get(revert_url(endpoint)).context["seen"]
    change(endpoint, position=7)
    response = operator.post(revert_url(endpoint), {"seen": seen}, follow=True)
    assert "Somebody changed it after you had seen what would become of it" in response.content.decode()
    assert (Endpoint.objects.get().timeout_seconds, Version.objects.count()) == (5.0, 3)


@pytest.mark.parametrize("seen", [{}, {"seen": ""}, {"seen": "garbage"}, {"seen": "-1"}, {"seen": "9" * 40}])
def test_who_does_not_say_what_they_saw_is_sent_to_look(operator: Client, seen: dict[str, str]) -> None:
    endpoint = make_endpoint()
    change(endpoint, timeout_seconds=5.0)
    change(endpoint, position=7)
    response = operator.post(revert_url(endpoint), seen, follow=True)
    assert "look at it again, nothing was done" in response.content.decode()
    assert (Endpoint.objects.get().timeout_seconds, Version.objects.count()) == (5.0, 3)


def test_what_changes_while_the_page_is_read_is_on_it_or_refused(operator: Client) -> None:
    endpoint = make_endpoint()
    change(endpoint, timeout_seconds=5.0)
    with CaptureQueriesContext(connection) as captured:
        operator.get(revert_url(endpoint))
    refused = 0
    for last in range(len(captured)):
        change(endpoint, position=0)
        with changed_after(endpoint, last, position=7):
            page = operator.get(revert_url(endpoint))
        operator.post(revert_url(endpoint), {"seen": page.context["seen"]})
        is_kept = Endpoint.objects.get().position == 7
        assert is_kept or "Position" in [field for field, *_ in list_changes(page)]
        refused += is_kept
    assert refused > 0


def test_what_a_version_does_not_know_is_not_said_to_change(operator: Client) -> None:
    page, credential = make_page(password="hash"), make_credential(secrets={})
    change(page, title="New", password="another", logo=b"x")
    change(credential, name="new", changed_at=NOW)
    assert list_changes(operator.get(revert_url(page))) == [("Title", "New", "Status")]
    assert list_changes(operator.get(revert_url(credential))) == [("Name", "new", "shop")]
    moved = make_endpoint(make_group("old"))
    change(moved, position=3)
    change(moved, position=0, group=make_group("new"))
    assert list_changes(operator.get(revert_url(moved, 1))) == []
    assert "nothing would change" in operator.get(revert_url(moved, 1)).content.decode()


def test_people_who_only_look_are_not_asked(viewer: Client) -> None:
    endpoint = make_endpoint()
    change(endpoint, timeout_seconds=5.0)
    assert viewer.get(revert_url(endpoint)).status_code == 403
    assert "/revert/" not in viewer.get(f"{ROOT}endpoint/{endpoint.pk}/history/").content.decode()


def test_deleted_endpoint_is_said_to_come_back(operator: Client) -> None:
    endpoint = make_endpoint()
    operator.post(f"{ROOT}endpoint/{endpoint.pk}/delete/", {"post": "yes"})
    page = operator.get(revert_url(endpoint, 2))
    assert "It is deleted, and comes back" in page.content.decode()
    operator.post(revert_url(endpoint, 2), {"seen": page.context["seen"]})
    assert Endpoint.objects.existing().get() == endpoint


# What is deleted.


def delete(client: Client, *objects: Any) -> None:
    for obj in objects:
        client.post(f"{ROOT}{obj._meta.model_name}/{obj.pk}/delete/", {"post": "yes"})


def make_one_of_each() -> list[Any]:
    tag = Tag.objects.create(name="customers")
    return [make_endpoint(make_group("a"), "gone"), make_group("b"), make_page(), tag, make_credential(secrets={})]


def test_what_is_deleted_is_listed_by_kind_with_its_versions(operator: Client) -> None:
    objects = make_one_of_each()
    delete(operator, *objects)
    for obj in objects:
        kind = obj._meta.model_name
        assert f'href="{ROOT}{kind}/deleted/"' in operator.get(f"{ROOT}{kind}/").content.decode()
        page = operator.get(f"{ROOT}{kind}/deleted/")
        [row] = page.context["rows"]
        assert (row.name, row.author, row.version_count) == (str(obj), "operator", 2)
        assert row.is_left == isinstance(obj, Endpoint | EndpointGroup)
        history = operator.get(f"{ROOT}{kind}/{obj.pk}/history/")
        assert (history.status_code, len(history.context["rows"])) == (200, 2)
        assert ("/revert/" in history.content.decode()) == row.is_left


def test_what_came_back_is_not_deleted(operator: Client) -> None:
    endpoint = make_endpoint()
    delete(operator, endpoint)
    operator.post(revert_url(endpoint, 2), {"seen": 2})
    assert Endpoint.objects.existing().get() == endpoint
    assert operator.get(f"{ROOT}endpoint/deleted/").context["rows"] == []


def test_nothing_hidden_is_shown_of_what_is_gone(operator: Client) -> None:
    endpoint = make_endpoint(options={"body": "canary"}, address="http://127.0.0.1/?token=canary")
    delete(operator, endpoint)
    Endpoint.objects.all().delete()
    looking = make_person("view_endpoint", name="looking")
    assert "canary" not in looking.get(f"{ROOT}endpoint/{endpoint.pk}/history/").content.decode()
    assert "canary" in operator.get(f"{ROOT}endpoint/{endpoint.pk}/history/").content.decode()


def test_deleted_kinds_are_shown_to_people_who_may_see_the_kind(viewer: Client) -> None:
    assert viewer.get(f"{ROOT}endpoint/deleted/").status_code == 200
    for kind in ("credential", "tag", "statuspage"):
        assert viewer.get(f"{ROOT}{kind}/deleted/").status_code == 403
        assert viewer.get(f"{ROOT}{kind}/1/history/").status_code == 403


@pytest.mark.parametrize("count", [1, 30])
def test_deleted_ones_cost_the_same_for_one_and_thirty(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    for number in range(count):
        _record_deletion(make_endpoint(group, f"e{number}").pk, f"e{number}")
    with django_assert_num_queries(5):
        page = operator.get(f"{ROOT}endpoint/deleted/")
    assert len(page.context["rows"]) == count


def test_many_deleted_ones_have_pages(operator: Client) -> None:
    for number in range(1, 61):
        _record_deletion(number, f"e{number}")
    first = operator.get(f"{ROOT}endpoint/deleted/")
    assert (len(first.context["rows"]), first.context["rows"][0].name) == (50, "e60")
    assert len(operator.get(f"{ROOT}endpoint/deleted/?page=2").context["rows"]) == 10


def test_hostile_names_are_escaped(operator: Client) -> None:
    _record_deletion(1, "<script>alert(1)</script>")
    assert "<script>alert(1)" not in operator.get(f"{ROOT}endpoint/deleted/").content.decode()
    assert "<script>alert(1)" not in operator.get(f"{ROOT}endpoint/1/history/").content.decode()


def test_history_of_what_never_was_is_not_found(operator: Client) -> None:
    assert operator.get(f"{ROOT}endpoint/12345/history/").status_code == 404
    assert operator.get(f"{ROOT}endpoint/x/history/").status_code == 404


def _record_deletion(pk: int, name: str) -> None:
    Version.objects.create(
        kind="endpoint", object_id=pk, number=1, at=NOW, action=VersionAction.DELETED, name=name, definition={}
    )
