"""What is not there, and what is not for this account: one sentence in the page's look, in the visitor's language."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.test.utils import override_settings

from healthcheck.web.public import CONTENT_SECURITY_POLICY
from tests.factories import make_endpoint, make_page

pytestmark = pytest.mark.django_db

GONE = [
    "/nowhere-to-be-found",
    "/status/nowhere-to-be-found/",
    "/status/nowhere-to-be-found/enter",
    "/status/status/9/",
]


@pytest.mark.parametrize("address", GONE)
def test_missing_page_is_in_our_look_and_repeats_no_address(client: Client, address: str) -> None:
    make_page()
    response = client.get(address)
    text = response.content.decode()
    assert response.status_code == 404
    assert '<h1 class="hc-verdict-sentence">There is no such page.</h1>' in text
    assert '<a class="hc-button" href="/">To the status page</a>' in text
    assert "nowhere-to-be-found" not in text
    assert response.headers["Cache-Control"] == "no-store"


def test_missing_page_speaks_german(client: Client) -> None:
    response = client.get("/status/nowhere/", headers={"accept-language": "de"})
    assert '<html lang="de"' in response.content.decode()
    assert "Diese Seite gibt es nicht." in response.content.decode()


@pytest.mark.parametrize("address", ["/status/nowhere.json", "/status/status/9.json", "/nowhere.json"])
def test_missing_twin_is_json(client: Client, address: str) -> None:
    make_page()
    response = client.get(address)
    assert (response.status_code, response.json()) == (404, {"error": "There is no such page."})


@override_settings(ROOT_URLCONF="healthcheck.urls")
def test_pages_of_ours_look_like_ours_in_every_project(client: Client) -> None:
    response = client.get("/status/nowhere/")
    assert "There is no such page." in response.content.decode()
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_what_is_missing_in_the_admin_leads_back_into_it(client: Client) -> None:
    client.force_login(User.objects.create_superuser("operator"))
    response = client.get("/admin/nowhere/")
    assert response.status_code == 404
    assert '<a class="hc-button" href="/admin/">To the start page</a>' in response.content.decode()


def test_account_without_permission_is_told_whom_to_ask(client: Client) -> None:
    endpoint = make_endpoint(name="secret name")
    client.force_login(User.objects.create_user("somebody", is_staff=True))
    response = client.get(f"/admin/healthcheck/endpoint/{endpoint.pk}/change/")
    text = response.content.decode()
    assert response.status_code == 403
    assert "Your account may not do this." in text
    assert "Ask whoever manages the accounts" in text
    assert "secret name" not in text


def test_form_without_its_token_is_out_of_date() -> None:
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a", "password": "b"})
    assert response.status_code == 403
    assert "The form that was sent is out of date." in response.content.decode()
