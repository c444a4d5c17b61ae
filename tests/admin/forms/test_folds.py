"""What is folded in the form of an endpoint: told in a line, open when it is set or refused, no secret in its words."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from tests.admin.conftest import endpoint_fields
from tests.factories import make_endpoint

pytestmark = pytest.mark.django_db

FOLD = re.compile(
    r'<details class="hc-fold"( open)?><summary><h2>(.*?)</h2> <span class="hc-quiet">(.*?)</span>', re.DOTALL
)
REQUEST, CONNECTION, TRUST = "Parameters, body, host, redirects and limits (http)", "Connection", "Trust and TLS"


def read_folds(page: str) -> dict[str, tuple[bool, str]]:
    """Return whether each fold is open, and its words."""
    return {title: (bool(is_open), words) for is_open, title, words in FOLD.findall(page)}


def open_form(client: Client, **options: object) -> dict[str, tuple[bool, str]]:
    endpoint = make_endpoint(options=options)
    return read_folds(client.get(f"/admin/healthcheck/endpoint/{endpoint.pk}/change/").content.decode())


def test_a_form_with_nothing_set_is_folded(operator: Client) -> None:
    nothing = (False, "nothing set")
    assert open_form(operator) == {REQUEST: nothing, CONNECTION: nothing, TRUST: nothing}


def test_what_is_set_is_open_and_told(operator: Client) -> None:
    folds = open_form(operator, max_redirects=0, redirect_scope="same_host", proxy="http://proxy.example.com:3128")
    assert folds[REQUEST] == (True, "Redirects to follow: 0; Where redirects may lead: to the same host only")
    assert folds[CONNECTION] == (True, "Proxy: http://proxy.example.com:3128")
    assert folds[TRUST] == (False, "nothing set")


def test_what_may_be_secret_is_named_alone(operator: Client) -> None:
    folds = open_form(operator, method="POST", body="key=canary", query=[["key", "canary"]])
    assert folds[REQUEST] == (True, "Parameters; Body")


def test_what_is_refused_is_open(operator: Client) -> None:
    endpoint = make_endpoint()
    fields = endpoint_fields(max_redirects="", tls_min="1.3", tls_max="1.2")
    page = operator.post(f"/admin/healthcheck/endpoint/{endpoint.pk}/change/", fields).content.decode()
    folds = read_folds(page)
    assert [folds[name][0] for name in (REQUEST, CONNECTION, TRUST)] == [True, False, True]


def test_who_may_only_look_has_nothing_folded(viewer: Client) -> None:
    endpoint = make_endpoint(options={"max_redirects": 0})
    assert read_folds(viewer.get(f"/admin/healthcheck/endpoint/{endpoint.pk}/change/").content.decode()) == {}
