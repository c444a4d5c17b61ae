"""Run by `test_installed.py`: who may set up kinds that connect past an address policy that is “public”."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.checks import run_checks
from django.test import Client
from pytest_django import Settings

from healthcheck.models import Endpoint, Version
from tests.admin.change.test_bulk import preview, select
from tests.admin.change.test_csv_views import upload
from tests.admin.conftest import endpoint_fields, group_fields, inline_fields
from tests.factories import make_endpoint, make_group

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/endpoint/"
OPTIONS = {"person": "", "max_lines": "10", "tolerance": "0.5"}
WILD = {"kind": "wild", "address": "wild://203.0.113.1", **OPTIONS}
FINGER = {"kind": "finger", "address": "203.0.113.1", **OPTIONS}
REFUSAL = (
    "The kind wild connects past the address policy, which is “public”: only a superuser may set it up, so ask one."
)


@pytest.fixture(autouse=True)
def public(settings: Settings) -> None:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "public", "CONTROL_NAME": ""}


def log_in(*, is_superuser: bool) -> Client:
    user = User.objects.create(username="somebody", is_staff=True, is_superuser=is_superuser)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="healthcheck"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def editor() -> Client:
    """Somebody with every permission who is no superuser."""
    return log_in(is_superuser=False)


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_form_refuses_it_and_no_other_kind(editor: Client) -> None:
    group = make_group()
    assert errors_of(editor.post(f"{LIST}add/", endpoint_fields(group=group.pk, **WILD))) == {"kind": [REFUSAL]}
    assert editor.post(f"{LIST}add/", endpoint_fields(group=group.pk, **FINGER)).status_code == 302
    stored = make_endpoint(group, "stored", kind="wild", address=WILD["address"])
    changed = endpoint_fields(**WILD | {"name": "stored", "address": "wild://203.0.113.2"})
    assert errors_of(editor.post(f"{LIST}{stored.pk}/change/", changed)) == {"kind": [REFUSAL]}


def test_superuser_may_set_it_up() -> None:
    fields = endpoint_fields(group=make_group().pk, **WILD)
    assert log_in(is_superuser=True).post(f"{LIST}add/", fields).status_code == 302


def test_everybody_may_where_more_than_public_addresses_are_allowed(editor: Client, settings: Settings) -> None:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "private"}
    fields = endpoint_fields(group=make_group().pk, **WILD)
    assert editor.post(f"{LIST}add/", fields).status_code == 302


def test_group_refuses_it_among_its_endpoints(editor: Client) -> None:
    row = inline_fields(kind="wild", address=WILD["address"])
    response = editor.post("/admin/healthcheck/endpointgroup/add/", group_fields(row))
    [formset] = response.context["inline_admin_formsets"]
    assert formset.formset.errors == [{"kind": [REFUSAL]}]


def test_trial_by_url_is_refused(editor: Client) -> None:
    response = editor.post(f"{LIST}add-by-url/", {"address": WILD["address"], "group": "", "_probe": "1"})
    assert response.context["url_form"].errors == {"address": [REFUSAL]}


def test_copies_are_refused(editor: Client) -> None:
    group = make_group()
    endpoint = make_endpoint(group, kind="wild", address=WILD["address"])
    for url, pk in ((LIST, endpoint.pk), ("/admin/healthcheck/endpointgroup/", group.pk)):
        response = editor.post(url, {"action": "clone_selected", "_selected_action": [pk]}, follow=True)
        assert REFUSAL in response.content.decode()
    assert Endpoint.objects.count() == 1


def test_import_and_bulk_edit_refuse_it(editor: Client) -> None:
    group = make_group()
    endpoint = make_endpoint(group, kind="wild", address=WILD["address"])
    rows = f"group,name,kind,address\r\n{group.slug},new,wild,wild://203.0.113.1\r\n"
    [row] = upload(editor, rows).context["rows"]
    assert row.refusals == [f"kind: {REFUSAL}"]
    shown = preview(editor, select(editor, endpoint).context["state"], position__set="on", position__set__value="7")
    assert [row.refusals for row in shown.context["rows"]] == [[f"Kind: {REFUSAL}"]]


def test_step_back_is_refused(editor: Client) -> None:
    endpoint = make_endpoint(kind="wild", address=WILD["address"])
    superuser = Client()
    superuser.force_login(User.objects.create_superuser("root"))
    superuser.post(f"{LIST}{endpoint.pk}/change/", endpoint_fields(**WILD | {"name": "renamed"}))
    assert Version.objects.filter(object_id=endpoint.pk).count() == 2
    response = editor.post(f"{LIST}{endpoint.pk}/history/1/revert/", {"seen": "2"}, follow=True)
    assert REFUSAL in response.content.decode()
    endpoint.refresh_from_db()
    assert endpoint.name == "renamed"


def test_deleted_group_does_not_bring_it_back(editor: Client) -> None:
    group = make_group()
    make_endpoint(group, kind="wild", address=WILD["address"])
    url = f"/admin/healthcheck/endpointgroup/{group.pk}/"
    assert editor.post(f"{url}delete/", {"post": "yes"}).status_code == 302
    versions = Version.objects.filter(kind="endpointgroup", object_id=group.pk)
    number = versions.latest("number").number
    response = editor.post(f"{url}history/{number}/revert/", {"seen": str(number)}, follow=True)
    assert REFUSAL in response.content.decode()
    assert not Endpoint.objects.existing().exists()


def test_such_kinds_are_listed() -> None:
    messages = [each.msg for each in run_checks(tags=["healthcheck"]) if each.id == "healthcheck.W009"]
    assert messages == ["These kinds connect past the address policy, which is “public”: “wild” of finger-kind."]
