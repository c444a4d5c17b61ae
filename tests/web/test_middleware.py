"""Probes come by address, and nothing may stand in their way."""

from __future__ import annotations

import pytest
from django.test import Client, override_settings
from django.urls import include, path

urlpatterns = [path("deep/below/", include("healthcheck.urls"))]
BY_ADDRESS = {"host": "10.1.2.3:8000"}


def test_healthz_answers_whatever_the_host_is_called(client: Client) -> None:
    response = client.get("/healthz", headers=BY_ADDRESS)
    assert (response.status_code, response.content) == (200, b"ok")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.django_db
def test_readyz_answers_whatever_the_host_is_called(client: Client) -> None:
    response = client.get("/readyz", headers=BY_ADDRESS)
    assert response.status_code == 503
    assert response.json()["database"] == "ok"


@override_settings(SECURE_SSL_REDIRECT=True, SECURE_REDIRECT_EXEMPT=[])
def test_probes_are_not_redirected(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


@override_settings(ROOT_URLCONF="tests.web.test_middleware")
def test_probes_answer_under_any_prefix(client: Client) -> None:
    assert client.get("/deep/below/healthz", headers=BY_ADDRESS).content == b"ok"


@pytest.mark.parametrize("address", ["/", "/admin/healthz", "/nowhere/readyz", "/healthz/"])
def test_nothing_else_answers_a_name_that_is_not_allowed(client: Client, address: str) -> None:
    assert client.get(address, headers=BY_ADDRESS).status_code == 400
