"""The history page: who, when, what; compare any two; the way back; and nothing hidden shown to those who only look."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from healthcheck.definitions.versions import Change, recorded
from healthcheck.models import Credential, Endpoint, EndpointGroup, Version
from tests.admin.conftest import endpoint_fields
from tests.factories import NOW, make_assertion, make_endpoint, make_group, make_page

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"
HOSTILE = "<script>alert(1)</script>"


def history_url(endpoint: Endpoint) -> str:
    return f"{ROOT}endpoint/{endpoint.pk}/history/"


def rename(endpoint: Endpoint, *names: str) -> None:
    for name in names:
        with recorded(Endpoint, [endpoint.pk], Change(NOW, author_name="Ada")):
            Endpoint.objects.filter(pk=endpoint.pk).update(name=name)


def go_back(client: Client, url: str) -> Any:
    """Look at what would change, and take it."""
    seen = client.get(url).context["seen"]
    return client.post(url, {"seen": seen}, follow=True)


def last_message(response: object) -> str:
    return [str(message) for message in response.context["messages"]][-1]  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [1, 30])
def test_history_costs_the_same_for_one_and_thirty_versions(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    endpoint = make_endpoint()
    rename(endpoint, *(f"name-{number}" for number in range(count)))
    with django_assert_num_queries(6):
        page = operator.get(history_url(endpoint)).content.decode()
    assert page.count(" by Ada") == count


def test_history_shows_each_change_escaped(operator: Client) -> None:
    endpoint = make_endpoint()
    rename(endpoint, HOSTILE)
    page = operator.get(history_url(endpoint)).content.decode()
    assert '<ins class="hc-come">&lt;script&gt;alert(1)&lt;/script&gt;</ins>' in page
    assert HOSTILE not in page


def test_history_without_versions_says_so(operator: Client) -> None:
    assert "Nothing has been recorded here" in operator.get(history_url(make_endpoint())).content.decode()


def test_any_two_versions_are_compared(operator: Client) -> None:
    endpoint = make_endpoint()
    rename(endpoint, "second", "third", "fourth")
    compared = operator.get(history_url(endpoint), {"one": "4", "other": "2"}).context["compared"]
    assert (compared["low"], compared["high"]) == (2, 4)
    assert [(each.field, each.before, each.after) for each in compared["changes"]] == [("Name", "second", "fourth")]


@pytest.mark.parametrize("numbers", [("1", "99"), ("x", "1"), ("", ""), ("9" * 40, "1")])
def test_versions_that_are_none_are_not_compared(operator: Client, numbers: tuple[str, str]) -> None:
    endpoint = make_endpoint()
    rename(endpoint, "second")
    one, other = numbers
    assert operator.get(history_url(endpoint), {"one": one, "other": other}).context["compared"] is None


def test_viewers_see_the_history_without_what_is_hidden(viewer: Client, operator: Client) -> None:
    endpoint = make_endpoint(options={"headers": [["X-Key", "canary-old"]]})
    operator.post(
        f"{ROOT}endpoint/{endpoint.pk}/change/", endpoint_fields(headers="X-Key: canary-new", body="canary-body")
    )
    shown = operator.get(history_url(endpoint)).content.decode()
    hidden = viewer.get(history_url(endpoint), {"one": "1", "other": "2"}).content.decode()
    assert ("canary-old" in shown, "canary-new" in shown) == (True, True)
    assert "(hidden)" in hidden
    assert "canary" not in hidden
    assert "/revert/" not in hidden


def test_viewers_cannot_revert(viewer: Client) -> None:
    endpoint = make_endpoint()
    rename(endpoint, "second")
    assert viewer.post(f"{history_url(endpoint)}1/revert/").status_code == 403
    assert Endpoint.objects.get().name == "second"


def test_history_of_what_one_may_not_see_is_refused(viewer: Client) -> None:
    assert viewer.get(f"{ROOT}statuspage/{make_page().pk}/history/").status_code == 403


def test_version_that_is_not_there_is_not_found(operator: Client) -> None:
    endpoint = make_endpoint()
    assert operator.get(f"{history_url(endpoint)}1/revert/").status_code == 404
    assert operator.post(f"{history_url(endpoint)}1/revert/").status_code == 404


def test_revert_brings_back_everything_as_a_new_version(operator: Client) -> None:
    endpoint = make_endpoint(options={"headers": [["X-Key", "old"]]})
    make_assertion(endpoint, "status 200")
    operator.post(f"{ROOT}endpoint/{endpoint.pk}/change/", endpoint_fields(name="new", assertions="latency < 1s"))
    response = go_back(operator, f"{history_url(endpoint)}1/revert/")
    assert last_message(response) == "It is defined as in version 1 again."
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.options) == ("site", {"headers": [["X-Key", "old"]]})
    assert [each.text for each in endpoint.assertions.all()] == ["status 200"]
    last = Version.objects.get(number=3)
    assert (last.get_action_display(), last.author_name, last.comment) == ("reverted", "operator", "Back to version 1")


def test_revert_to_a_credential_needs_the_permission_to_see_credentials(django_user_model: Any) -> None:
    endpoint = make_endpoint(credential=Credential.objects.create(name="shop", kind="basic"))
    with recorded(Endpoint, [endpoint.pk], Change(NOW)):
        Endpoint.objects.update(credential=None)
    editor = Client()
    user = django_user_model.objects.create_user("editor", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_endpoint", "change_endpoint"]))
    editor.force_login(user)
    response = go_back(editor, f"{history_url(endpoint)}1/revert/")
    assert last_message(response) == "That version uses a credential; somebody who may see credentials has to revert."
    assert Endpoint.objects.get().credential is None


def test_deleted_endpoint_is_restored_from_its_history(operator: Client) -> None:
    endpoint = make_endpoint()
    deleted = operator.post(f"{ROOT}endpoint/{endpoint.pk}/delete/", {"post": "yes"}, follow=True)
    assert f'<a href="{history_url(endpoint)}">Restore it from its history.</a>' in deleted.content.decode()
    page = operator.get(history_url(endpoint)).content.decode()
    assert "It is deleted." in page
    go_back(operator, f"{history_url(endpoint)}2/revert/")
    assert Endpoint.objects.existing().get() == endpoint


def test_restored_group_brings_back_the_endpoints_that_went_with_it(operator: Client) -> None:
    group = make_group()
    before, kept = make_endpoint(group, "gone before"), make_endpoint(group, "kept")
    operator.post(f"{ROOT}endpoint/{before.pk}/delete/", {"post": "yes"})
    operator.post(f"{ROOT}endpointgroup/{group.pk}/delete/", {"post": "yes"})
    go_back(operator, f"{ROOT}endpointgroup/{group.pk}/history/1/revert/")
    assert list(EndpointGroup.objects.existing()) == [group]
    assert list(Endpoint.objects.existing()) == [kept]


def test_revert_of_an_endpoint_whose_group_is_gone_is_refused_with_the_cure(operator: Client) -> None:
    endpoint = make_endpoint()
    operator.post(f"{ROOT}endpointgroup/{endpoint.group_id}/delete/", {"post": "yes"})
    response = go_back(operator, f"{history_url(endpoint)}1/revert/")
    assert (
        last_message(response)
        == "The group “Web” of this endpoint is deleted; restore the group from its history first."
    )
    assert not Endpoint.objects.existing().exists()


def test_revert_to_a_name_that_is_taken_meanwhile_is_refused(operator: Client) -> None:
    endpoint = make_endpoint()
    rename(endpoint, "second")
    make_endpoint(endpoint.group, "site")
    response = go_back(operator, f"{history_url(endpoint)}1/revert/")
    assert last_message(response) == "The group already has an endpoint with the name “site”; rename that one or this."
    assert Version.objects.count() == 2


def test_revert_to_a_slug_that_is_taken_meanwhile_is_refused(operator: Client) -> None:
    group = make_group("old")
    with recorded(EndpointGroup, [group.pk], Change(NOW)):
        EndpointGroup.objects.update(slug="new")
    make_group("old")
    response = go_back(operator, f"{ROOT}endpointgroup/{group.pk}/history/1/revert/")
    assert last_message(response) == "There is already a group with the slug “old”; rename that one or this."


def test_revert_of_a_page_whose_group_is_gone_is_refused(operator: Client) -> None:
    page = make_page(shows_all_groups=False)
    group = make_group("shop")
    page.groups.set([group])
    with recorded(type(page), [page.pk], Change(NOW)):
        page.groups.clear()
    group.delete()
    response = go_back(operator, f"{ROOT}statuspage/{page.pk}/history/1/revert/")
    assert (
        last_message(response)
        == "There is no group “shop” any more; restore it from its history first, or edit the page."
    )
