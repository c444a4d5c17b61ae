"""Forms record versions, and refuse to save on top of somebody else's newer one with everything that was typed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from healthcheck.models import Endpoint, EndpointGroup, Version
from tests.admin.conftest import endpoint_fields, group_fields
from tests.admin.test_pages import page_fields
from tests.factories import make_endpoint, make_group

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"


@pytest.fixture
def colleague(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("colleague"))
    return client


def endpoint_url(endpoint: Endpoint) -> str:
    return f"{ROOT}endpoint/{endpoint.pk}/change/"


def opened(client: Client, url: str) -> str:
    """Open the form and return the number that it carries."""
    value = client.get(url).context["adminform"].form["opened_version"].value()
    return str(value)


def list_versions(kind: str = "endpoint") -> list[tuple[int, str, str, str]]:
    rows = Version.objects.filter(kind=kind).order_by("object_id", "number")
    return [(row.number, row.get_action_display(), row.author_name, row.comment) for row in rows]


def test_saving_records_who_changed_what_and_why(operator: Client) -> None:
    endpoint = make_endpoint()
    fields = endpoint_fields(name="renamed", version_comment="moved house", opened_version="0")
    assert operator.post(endpoint_url(endpoint), fields).status_code == 302
    assert list_versions() == [(1, "created", "", "as found"), (2, "changed", "operator", "moved house")]


def test_saving_nothing_records_nothing(operator: Client) -> None:
    endpoint = make_endpoint()
    operator.post(endpoint_url(endpoint), endpoint_fields())
    assert list_versions() == []


def test_adding_deleting_and_pausing_are_versions(operator: Client) -> None:
    operator.post(f"{ROOT}endpointgroup/add/", group_fields({}))
    endpoint = Endpoint.objects.get()
    operator.post(f"{ROOT}endpoint/{endpoint.pk}/pause/")
    operator.post(f"{ROOT}endpoint/", {"action": "resume_selected", "_selected_action": [endpoint.pk]})
    operator.post(f"{ROOT}endpointgroup/{endpoint.group_id}/delete/", {"post": "yes"})
    assert [each[1] for each in list_versions()] == ["created", "changed", "changed", "deleted"]
    assert [each[1] for each in list_versions("endpointgroup")] == ["created", "deleted"]


def test_two_who_save_at_once_do_not_overwrite_each_other(operator: Client, colleague: Client) -> None:
    endpoint = make_endpoint()
    url = endpoint_url(endpoint)
    mine, theirs = opened(operator, url), opened(colleague, url)
    saved = endpoint_fields(timeout_seconds="5", opened_version=theirs, version_comment="too slow")
    assert colleague.post(url, saved).status_code == 302
    response = operator.post(url, endpoint_fields(name="typed", description="long text", opened_version=mine))
    form = response.context["adminform"].form
    first, *rest = form.non_field_errors()
    assert first.startswith("colleague changed this at ")
    assert rest == ["“too slow” (colleague)", "Timeout: “10 seconds” became “5 seconds”."]
    assert form["name"].value() == "typed"
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.timeout_seconds) == ("site", 5.0)


def test_refused_form_may_be_saved_on_top_once_it_has_been_read(operator: Client, colleague: Client) -> None:
    endpoint = make_endpoint()
    url = endpoint_url(endpoint)
    colleague.post(url, endpoint_fields(timeout_seconds="5"))
    response = operator.post(url, endpoint_fields(name="typed", opened_version="0"))
    assert response.status_code == 200
    newest = response.context["adminform"].form["opened_version"].value()
    assert f'name="opened_version" value="{newest}"' in response.content.decode()
    assert operator.post(url, endpoint_fields(name="typed", opened_version=newest)).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, Version.objects.filter(author_name="operator").get().number) == ("typed", 3)


def test_endpoint_inside_its_group_is_refused_too(operator: Client, colleague: Client) -> None:
    group = make_group()
    first, second = make_endpoint(group, "first"), make_endpoint(group, "second")
    colleague.post(endpoint_url(first), endpoint_fields(name="first", timeout_seconds="5"))
    rows: list[dict[str, Any]] = [
        {"id": first.pk, "name": "typed", "opened_version": "0"},
        {"id": second.pk, "name": "other", "opened_version": "0"},
    ]
    url = f"{ROOT}endpointgroup/{group.pk}/change/"
    response = operator.post(url, group_fields(*rows, stored=2))
    [inline] = response.context["inline_admin_formsets"]
    refused, fine, *_template = inline.formset.forms
    assert list(refused.non_field_errors())[1:] == ["Timeout: “10 seconds” became “5 seconds”."]
    assert (refused["name"].value(), refused["opened_version"].value(), fine.errors) == ("typed", "2", {})
    assert sorted(Endpoint.objects.values_list("name", flat=True)) == ["first", "second"]
    rows[0]["opened_version"] = "2"
    assert operator.post(url, group_fields(*rows, stored=2)).status_code == 302
    assert sorted(Endpoint.objects.values_list("name", flat=True)) == ["other", "typed"]


def test_untouched_endpoint_inside_the_group_is_not_refused(operator: Client, colleague: Client) -> None:
    group = make_group()
    endpoint = make_endpoint(group)
    colleague.post(endpoint_url(endpoint), endpoint_fields(description="note"))
    fields = group_fields({"id": endpoint.pk, "opened_version": "0"}, stored=1, name="Renamed")
    assert operator.post(f"{ROOT}endpointgroup/{group.pk}/change/", fields).status_code == 302
    assert EndpointGroup.objects.get().name == "Renamed"


def test_endpoint_deleted_meanwhile_is_named_in_the_form_of_its_group(operator: Client) -> None:
    group = make_group()
    endpoint = make_endpoint(group)
    operator.post(f"{ROOT}endpoint/{endpoint.pk}/delete/", {"post": "yes"})
    fields = group_fields({"id": endpoint.pk, "name": "typed", "opened_version": "0"}, stored=1)
    response = operator.post(f"{ROOT}endpointgroup/{group.pk}/change/", fields)
    sentence = "This endpoint was deleted or moved after you had opened the form; remove its row."
    assert sentence in [str(each) for errors in response.context["errors"] for each in errors]
    assert Endpoint.objects.existing().count() == 0


def test_endpoint_moved_meanwhile_is_named_in_the_form_of_its_old_group(operator: Client) -> None:
    group = make_group()
    endpoint = make_endpoint(group)
    Endpoint.objects.update(group=make_group("other"))
    fields = group_fields({"id": endpoint.pk, "name": "typed", "opened_version": "0"}, stored=1)
    response = operator.post(f"{ROOT}endpointgroup/{group.pk}/change/", fields)
    sentence = "This endpoint was deleted or moved after you had opened the form; remove its row."
    assert sentence in [str(each) for errors in response.context["errors"] for each in errors]
    assert (Endpoint.objects.get().name, Endpoint.objects.get().group.slug) == ("site", "other")


@pytest.mark.parametrize("kind", ["statuspage", "location"])
def test_plain_forms_are_versioned_as_well(operator: Client, kind: str) -> None:
    plain = {
        "statuspage": page_fields({"title": "Section"}),
        "location": {"name": "Somewhere", "slug": "somewhere"},
    }[kind]
    assert operator.post(f"{ROOT}{kind}/add/", plain).status_code == 302
    assert list_versions(kind) == [(1, "created", "operator", "")]
