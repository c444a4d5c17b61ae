"""Every way to change an endpoint, by somebody who may not see its credential: it is never sent to somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from healthcheck.definitions.versions import Change, recorded
from healthcheck.engine.loop import stop_engine_loop
from healthcheck.models import Endpoint, Version
from healthcheck.models.secrets import make_key
from tests.admin.change.test_bulk import EDIT, preview, select
from tests.admin.change.test_csv_views import upload
from tests.admin.conftest import endpoint_fields, group_fields, make_person
from tests.factories import NOW, make_credential, make_endpoint, make_group
from tests.hostile import HostileServer

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"
OWN = "https://shop.example/health"
EDITOR = ("change_endpoint", "view_endpoint", "add_endpoint", "change_endpointgroup", "view_endpointgroup")
REFUSED_ADDRESS = "scheme, host and port may only be changed by people who may see credentials"
REFUSED_TRUST = "whom it trusts may only be changed by people who may see credentials"


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": "", "ENCRYPTION_KEYS": (make_key(),)}
    yield
    stop_engine_loop()


@pytest.fixture
def editor(db: None) -> Client:
    """Somebody who may change endpoints and may not see credentials."""
    return make_person(*EDITOR, name="editor")


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    return make_endpoint(make_group(), address=OWN, credential=make_credential())


def save(client: Client, endpoint: Endpoint, **fields: Any) -> str:
    typed = endpoint_fields(**({"address": OWN} | fields))
    return client.post(f"{ROOT}endpoint/{endpoint.pk}/change/", typed).content.decode()


def assert_unchanged(endpoint: Endpoint) -> None:
    stored = Endpoint.objects.get()
    assert (stored.address, stored.options, stored.credential_id) == (
        endpoint.address,
        endpoint.options,
        endpoint.credential_id,
    )


def test_trial_of_a_changed_address_sends_nothing(editor: Client, endpoint: Endpoint, hostile: HostileServer) -> None:
    port = hostile.listen("echo")
    page = save(editor, endpoint, address=f"http://127.0.0.1:{port}/", _try="1")
    assert (REFUSED_ADDRESS in page, hostile.accepted[port]) == (True, 0)
    assert_unchanged(endpoint)


def test_trial_of_the_same_origin_sends_it(editor: Client, hostile: HostileServer) -> None:
    own = f"http://127.0.0.1:{hostile.listen('echo')}/"
    endpoint = make_endpoint(make_group(), address=own, credential=make_credential())
    response = editor.post(
        f"{ROOT}endpoint/{endpoint.pk}/change/", endpoint_fields(address=f"{own}other?x=1", _try="1")
    )
    assert "authorization: bearer" in response.context["tried"].excerpt.lower()


@pytest.mark.parametrize("address", ["https://evil.example/health", "http://shop.example/", "https://shop.example:444"])
def test_save_of_another_origin_is_refused(editor: Client, endpoint: Endpoint, address: str) -> None:
    assert REFUSED_ADDRESS in save(editor, endpoint, address=address)
    assert_unchanged(endpoint)


@pytest.mark.parametrize("trust", [{"verify": "off"}, {"verify": "custom", "ca_pem": "nobody's"}])
def test_save_that_trusts_others_is_refused(editor: Client, endpoint: Endpoint, trust: dict[str, str]) -> None:
    assert REFUSED_TRUST in save(editor, endpoint, **trust)
    assert_unchanged(endpoint)


@pytest.mark.parametrize(
    "way",
    [
        {"host": "evil.example"},
        {"server_name": "evil.example"},
        {"tls_min": "1.0"},
        {"resolver": "192.0.2.53"},
        {"proxy": "http://a"},
    ],
)
def test_save_that_leads_elsewhere_is_refused(editor: Client, endpoint: Endpoint, way: dict[str, str]) -> None:
    assert "the way to it may only be changed by people who may see credentials" in save(editor, endpoint, **way)
    assert_unchanged(endpoint)
    Endpoint.objects.update(options=way)
    save(editor, endpoint, **way, method="HEAD", tls_max="1.3")
    assert Endpoint.objects.get().options == {"method": "HEAD", "tls_max": "1.3"} | way


def test_everything_else_may_be_saved(editor: Client, endpoint: Endpoint) -> None:
    save(editor, endpoint, address="HTTPS://Shop.example:443/other?x=1", tls_min="1.3")
    stored = Endpoint.objects.get()
    assert (stored.address, stored.options) == ("HTTPS://Shop.example:443/other?x=1", {"tls_min": "1.3"})
    Endpoint.objects.update(options={"verify": "off"})
    save(editor, endpoint)
    assert Endpoint.objects.get().options == {}


def test_people_who_may_see_credentials_and_endpoints_without_one_are_free(endpoint: Endpoint) -> None:
    knows = make_person(*EDITOR, "view_credential", name="knows")
    moved = "https://moved.example/"
    save(knows, endpoint, address=moved, credential=str(endpoint.credential_id))
    assert Endpoint.objects.get().address == moved
    Endpoint.objects.update(credential=None, address=OWN)
    save(make_person(*EDITOR, name="editor"), endpoint, address=moved, verify="off")
    assert Endpoint.objects.get().address == moved


def test_form_of_the_group_refuses_another_origin(editor: Client, endpoint: Endpoint) -> None:
    row = {"id": str(endpoint.pk), "address": "https://evil.example/"}
    page = editor.post(f"{ROOT}endpointgroup/{endpoint.group_id}/change/", group_fields(row, stored=1))
    assert REFUSED_ADDRESS in page.content.decode()
    assert_unchanged(endpoint)


def test_bulk_edit_refuses_another_origin_and_other_trust(editor: Client, endpoint: Endpoint) -> None:
    state = select(editor, endpoint).context["state"]
    fields = {"address__replace": "on", "address__replace__find": "shop", "address__replace__value": "evil"}
    shown = preview(editor, state, **fields)
    assert REFUSED_ADDRESS in shown.context["rows"][0].refusals[0]
    editor.post(EDIT, {"state": shown.context["state"], "step": "apply"}, follow=True)
    trusted = preview(editor, state, **{"options.verify__set": "on", "options.verify__set__value": "off"})
    assert REFUSED_TRUST in trusted.context["rows"][0].refusals[0]
    assert_unchanged(endpoint)


def test_import_refuses_another_origin_and_other_trust(editor: Client, endpoint: Endpoint) -> None:
    for cells, words in (
        ("https://evil.example/,{}", REFUSED_ADDRESS),
        (f'{OWN},"{{""verify"": ""off""}}"', REFUSED_TRUST),
    ):
        shown = upload(editor, f"group,name,address,options\nweb,site,{cells}\n")
        assert words in shown.context["rows"][0].refusals[0]
        editor.post(f"{ROOT}endpoint/import/", {"state": shown.context["state"], "step": "apply"})
    assert_unchanged(endpoint)


@pytest.mark.parametrize(
    ("columns", "words"),
    [({"address": "https://old.example/"}, REFUSED_ADDRESS), ({"options": {"verify": "off"}}, REFUSED_TRUST)],
)
def test_revert_refuses_another_origin_and_other_trust(
    editor: Client, endpoint: Endpoint, columns: dict[str, Any], words: str
) -> None:
    Endpoint.objects.update(**columns)
    with recorded(Endpoint, [endpoint.pk], Change(NOW)):
        Endpoint.objects.update(address=OWN, options=endpoint.options)
    first = Version.objects.get(number=1)
    url = f"{ROOT}endpoint/{endpoint.pk}/history/{first.number}/revert/"
    seen = editor.get(url).context["seen"]
    assert words in editor.post(url, {"seen": seen}, follow=True).content.decode()
    assert_unchanged(endpoint)
