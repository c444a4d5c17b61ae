"""Kinds of checks in the admin: chosen at the top of the form, with the options of that kind and of no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from healthcheck.engine.loop import stop_engine_loop
from healthcheck.engine.probes import PROBES, collect_defaults, list_kinds_with, read_defaults
from healthcheck.engine.types import State
from healthcheck.models import Credential, Endpoint
from tests.admin.change.test_bulk import apply, preview, select
from tests.admin.conftest import endpoint_fields, group_fields, inline_fields, press_until_judged
from tests.factories import make_endpoint, make_group
from tests.hostile import HostileServer, play

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/endpoint/"
MAIL = {"kind": "tcp", "address": "mail.example:25"}


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


def change_url(endpoint: Endpoint) -> str:
    return f"{LIST}{endpoint.pk}/change/"


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_options_of_one_name_have_one_default() -> None:
    for kind in PROBES:
        assert read_defaults(kind).items() <= collect_defaults().items()
    assert list_kinds_with("server_name") == ["http", "tcp", "tls", "dns"]
    assert read_defaults("gopher") == {}


def test_each_kind_is_added_with_its_own_options(operator: Client) -> None:
    group = make_group()
    typed: dict[str, dict[str, str]] = {
        "mail": MAIL
        | {"dialogue": "use smtp\r\n", "is_encrypted": "on", "server_name": "mx.example", "family": "ipv4"},
        "cert": {"kind": "tls", "address": "tls://shop.example", "verify": "off"},
        "host": {"kind": "icmp", "address": "192.0.2.1", "packets": "5"},
        "name": {
            "kind": "dns",
            "address": "a.example",
            "record_type": "mx",
            "server": "192.0.2.1",
            "is_iterative": "on",
        },
        "site": {"method": "HEAD", "resolver": "192.0.2.53"},
    }
    for name, changed in typed.items():
        fields = endpoint_fields(group=group.pk, name=name, **changed)
        assert operator.post(f"{LIST}add/", fields).status_code == 302
    assert {each.name: (each.kind, each.options) for each in Endpoint.objects.all()} == {
        "mail": (
            "tcp",
            {"dialogue": "use smtp\n", "is_encrypted": True, "server_name": "mx.example", "family": "ipv4"},
        ),
        "cert": ("tls", {"verify": "off"}),
        "host": ("icmp", {"packets": 5}),
        "name": ("dns", {"record_type": "mx", "server": "192.0.2.1", "is_iterative": True}),
        "site": ("http", {"method": "HEAD", "resolver": "192.0.2.53"}),
    }


def test_what_another_kind_has_may_be_left_out(operator: Client) -> None:
    fields = inline_fields(group=make_group().pk, verify="on", family="any", addresses="first", **MAIL)
    assert operator.post(f"{LIST}add/", fields).status_code == 302
    assert Endpoint.objects.get().options == {}
    missing = operator.post(f"{LIST}add/", fields | {"kind": "http"})
    assert {"method", "max_redirects"} <= set(errors_of(missing))


def test_what_another_kind_has_is_refused_at_its_field(operator: Client) -> None:
    changed = MAIL | {
        "method": "POST",
        "headers": "X-Key: 1",
        "body": "x",
        "max_redirects": "0",
        "dialogue": "nonsense",
    }
    response = operator.post(f"{LIST}add/", endpoint_fields(group=make_group().pk, **changed))
    no_such = "A check of the kind tcp has no such option."
    assert errors_of(response) == {
        "method": [f"{no_such} Set it back to GET, or choose another kind."],
        "headers": [f"{no_such} Empty it, or choose another kind."],
        "body": [f"{no_such} Empty it, or choose another kind."],
        "max_redirects": [f"{no_such} Set it back to 5, or choose another kind."],
        "dialogue": ["Line 1: Begin with one of: send, expect, until, check, capture, starttls, use."],
    }
    assert response.context["adminform"].form["headers"].value() == "X-Key: 1"


def test_kind_is_changed_once_nothing_of_the_old_one_is_left(operator: Client) -> None:
    later = timezone.now() + timedelta(days=1)
    endpoint = make_endpoint(make_group(next_run_at=later), options={"method": "POST", "verify": "off"})
    form = operator.get(change_url(endpoint)).context["adminform"].form
    assert (form["kind"].value(), form["method"].value(), form["dialogue"].value()) == ("http", "POST", "")
    kept = operator.post(change_url(endpoint), endpoint_fields(**MAIL, method="POST", verify="off"))
    assert set(errors_of(kept)) == {"method"}
    assert operator.post(change_url(endpoint), endpoint_fields(**MAIL, verify="off")).status_code == 302
    endpoint = Endpoint.objects.get()
    assert (endpoint.kind, endpoint.options, endpoint.group.next_run_at < later) == ("tcp", {"verify": "off"}, True)


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"kind": "gopher"}, "kind", "Select a valid choice. gopher is not one of the available choices."),
        ({"kind": ""}, "kind", "This field is required."),
        ({"kind": "tcp"}, "address", "The address is a host and a port; write it like tcp://example.com:25."),
        (
            {"kind": "tcp", "address": "mail.example"},
            "address",
            "The address needs a port; write it like tcp://example.com:25.",
        ),
        (
            {"kind": "http", "address": "tcp://a:1"},
            "address",
            "The address must start with http:// or https://; add it.",
        ),
    ],
)
def test_kind_and_address_have_to_fit(operator: Client, changed: dict[str, str], field: str, sentence: str) -> None:
    response = operator.post(change_url(make_endpoint()), endpoint_fields(**changed))
    assert errors_of(response)[field] == [sentence]


def test_only_http_sends_a_credential(operator: Client) -> None:
    credential = Credential.objects.create(name="key", kind="bearer")
    fields = endpoint_fields(group=make_group().pk, credential=credential.pk)
    assert errors_of(operator.post(f"{LIST}add/", fields | MAIL)) == {
        "credential": ["A check of the kind tcp sends no credential; choose none, or another kind."]
    }
    assert operator.post(f"{LIST}add/", fields).status_code == 302


def test_kind_that_nobody_registers_any_more_can_still_be_seen(operator: Client) -> None:
    endpoint = make_endpoint(kind="gopher", options={"selector": "/"})
    form = operator.get(change_url(endpoint)).context["adminform"].form
    assert ("gopher", "gopher") in form.fields["kind"].choices
    assert "kind" in errors_of(operator.post(change_url(endpoint), endpoint_fields(kind="gopher")))


def test_group_adds_endpoints_of_every_kind(operator: Client) -> None:
    rows = [inline_fields(**MAIL, name="mail"), inline_fields(kind="tls", address="tls://a.example", name="cert")]
    assert operator.post("/admin/healthcheck/endpointgroup/add/", group_fields(*rows)).status_code == 302
    assert set(Endpoint.objects.values_list("name", "kind")) == {("mail", "tcp"), ("cert", "tls")}


def test_group_says_what_keeps_an_endpoint_from_another_kind(operator: Client) -> None:
    endpoint = make_endpoint(options={"method": "POST"})
    row = inline_fields(**MAIL, id=endpoint.pk, opened_version="0")
    response = operator.post(
        f"/admin/healthcheck/endpointgroup/{endpoint.group_id}/change/", group_fields(row, stored=1)
    )
    [formset] = response.context["inline_admin_formsets"]
    assert formset.formset.errors == [{"__all__": ["The kind tcp has no option “method”; remove it."]}]


def test_viewer_sees_the_kind_and_that_there_is_a_dialogue(viewer: Client) -> None:
    secret = "canary-of-a-dialogue"
    endpoint = make_endpoint(kind="tcp", address="127.0.0.1:25", options={"dialogue": f'send line "{secret}"'})
    for url in (change_url(endpoint), f"/admin/healthcheck/endpointgroup/{endpoint.group_id}/change/"):
        page = viewer.get(url).content.decode()
        assert "tcp: a connection, and a dialogue over it" in page
        assert secret not in page
    page = viewer.get(change_url(endpoint)).content.decode()
    assert "dialogue: (set)" in page
    assert "method:" not in page


@pytest.mark.parametrize(
    ("query", "names"), [("kind=tcp", {"mail"}), ("kind=http", {"site"}), ("kind=x", {"site", "mail"})]
)
def test_list_keeps_one_kind(operator: Client, query: str, names: set[str]) -> None:
    group = make_group()
    make_endpoint(group, "site")
    make_endpoint(group, "mail", **MAIL)
    response = operator.get(f"{LIST}?{query}")
    assert {row.name for row in response.context["cl"].result_list} == names


def test_bulk_edit_leaves_other_kinds_alone_and_names_them(operator: Client) -> None:
    group = make_group()
    site = make_endpoint(group, "site")
    mail = make_endpoint(group, "mail <b>", **MAIL, options={"dialogue": "use smtp"})
    typed = {
        "options__max_redirects__set": "on",
        "options__max_redirects__set__value": "0",
        "options__is_encrypted__set": "on",
        "options__is_encrypted__set__value": "yes",
        "options__verify__set": "on",
        "options__verify__set__value": "off",
        "options__dialogue__reset": "on",
    }
    response = preview(operator, select(operator, site, mail).context["state"], **typed)
    assert set(response.context["foreign"]) == {
        "“Redirects to follow” stays as it is where the kind has no such option: mail <b> (tcp).",
        "“Encrypted from the start” stays as it is where the kind has no such option: site (http).",
        "“Dialogue” stays as it is where the kind has no such option: site (http).",
    }
    assert "mail &lt;b&gt; (tcp)." in response.content.decode()
    apply(operator, response)
    assert Endpoint.objects.get(pk=site.pk).options == {"max_redirects": 0, "verify": "off"}
    assert Endpoint.objects.get(pk=mail.pk).options == {"is_encrypted": True, "verify": "off"}


def test_dialogue_is_tried_without_saving(operator: Client, hostile: HostileServer) -> None:
    port = hostile.listen(play(b"+PONG\r\n"))
    changed = {
        "kind": "tcp",
        "address": f"127.0.0.1:{port}",
        "dialogue": 'send "GET / HTTP/1.1\\r\\n\\r\\n"\nexpect line "PING"',
        "_try": "1",
    }
    typed = endpoint_fields(group=make_group().pk, **changed)
    refused = operator.post(f"{LIST}add/", typed)
    assert set(errors_of(refused)) == {"dialogue"}
    typed["dialogue"] = 'send "GET / HTTP/1.1\\r\\n\\r\\n"\nexpect line contains "PING"'
    response = press_until_judged(operator, f"{LIST}add/", typed)
    tried = response.context["tried"]
    assert tried.state is State.DOWN
    assert tried.found == 'Expected line contains "PING", found "+PONG".'
    assert tried.request is None
    page = response.content.decode()
    assert "curl" not in page
    assert not Endpoint.objects.exists()
