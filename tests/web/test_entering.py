"""The form that asks for a page's password."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client, override_settings

from healthcheck.models import Endpoint
from healthcheck.models.page import Visibility
from healthcheck.web.entering import MAX_FORM_BYTES, MAX_PASSWORD_LENGTH
from healthcheck.web.guesses import MAX_GUESSES
from tests.factories import make_page
from tests.web.test_gate import CANARY, FORM, PASSWORD, endpoint, enter, make_gated, send

pytestmark = pytest.mark.django_db

__all__ = ["endpoint"]

WRONG = "That is not the password. Check it, or ask whoever gave you the address of this page."
TOO_MANY = "Too many attempts. Wait five minutes, then try again."


@pytest.fixture(autouse=True)
def _fresh_counts() -> None:
    cache.clear()


def _text(response: Any) -> str:
    return str(response.content.decode())


def test_form_tells_nothing_of_the_page_and_is_kept_by_nobody(client: Client) -> None:
    make_gated(Visibility.PASSWORD)
    response = client.get(FORM)
    assert response.status_code == 200
    assert CANARY not in _text(response)
    assert "/status/inner/logo" not in _text(response)
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "form-action 'self'" in response.headers["Content-Security-Policy"]
    assert not response.cookies


def test_form_works_without_the_cookie_of_djangos_own_check() -> None:
    make_gated(Visibility.PASSWORD)
    assert enter(Client(enforce_csrf_checks=True)).status_code == 303


def test_form_leads_to_the_endpoint_that_was_asked_for(client: Client, endpoint: Endpoint) -> None:
    make_gated(Visibility.PASSWORD)
    form = client.get(f"/status/inner/{endpoint.pk}/").headers["Location"]
    assert f'action="{form}"' in _text(client.get(form))
    assert send(client, form).headers["Location"] == f"/status/inner/{endpoint.pk}/"


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "../../admin", "1/../..", "٣", "9" * 11])
def test_form_leads_nowhere_else(client: Client, wanted: str) -> None:
    make_gated(Visibility.PASSWORD)
    response = send(client, f"{FORM}?endpoint={wanted}")
    assert response.headers["Location"] == "/status/inner/"


@pytest.mark.parametrize("guess", ["", "open", f"{PASSWORD} ", "x" * 5000, "\x00", "🧨"])
def test_every_wrong_guess_is_answered_alike(client: Client, guess: str) -> None:
    make_gated(Visibility.PASSWORD)
    response = enter(client, guess)
    assert response.status_code == 403
    assert WRONG in _text(response)
    assert not response.cookies
    assert "value=" not in _text(response).split("<input")[1]


def test_guesses_are_bounded_and_the_right_one_is_not_looked_at_then(client: Client) -> None:
    make_gated(Visibility.PASSWORD)
    for _ in range(MAX_GUESSES):
        assert WRONG in _text(enter(client, "wrong"))
    response = enter(client)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "300")
    assert TOO_MANY in _text(response)


def test_guesses_are_counted_by_page_and_by_address(client: Client) -> None:
    page = make_gated(Visibility.PASSWORD)
    make_page("other", visibility=Visibility.PASSWORD, password=page.password)
    for _ in range(MAX_GUESSES + 1):
        enter(client, "wrong")
    assert send(client, "/status/other/enter").status_code == 303
    assert send(client, FORM, REMOTE_ADDR="192.0.2.7").status_code == 303


def test_right_password_starts_the_count_anew(client: Client) -> None:
    make_gated(Visibility.PASSWORD)
    for _ in range(MAX_GUESSES - 1):
        enter(client, "wrong")
    assert enter(client).status_code == 303
    assert WRONG in _text(enter(Client(), "wrong"))


def test_header_that_anybody_can_write_buys_no_guesses(client: Client) -> None:
    make_gated(Visibility.PASSWORD)
    for number in range(MAX_GUESSES + 1):
        response = enter(client, "wrong", **{"x-forwarded-for": f"192.0.2.{number}"})
    assert TOO_MANY in _text(response)


@override_settings(HEALTHCHECK={"TRUSTED_PROXIES": ["127.0.0.0/8", "10.0.0.0/8"]})
def test_behind_a_trusted_proxy_each_visitor_has_a_count(client: Client) -> None:
    make_gated(Visibility.PASSWORD)
    for number in range(MAX_GUESSES + 1):
        spoofed = enter(client, "wrong", **{"x-forwarded-for": f"198.51.100.{number}, 192.0.2.7, 10.0.0.1"})
    assert TOO_MANY in _text(spoofed)
    assert enter(client, **{"x-forwarded-for": "192.0.2.8"}).status_code == 303


def test_whoever_has_one_ipv6_address_has_its_whole_network(client: Client) -> None:
    make_gated(Visibility.PASSWORD)
    for number in range(MAX_GUESSES + 1):
        response = send(client, FORM, "wrong", REMOTE_ADDR=f"2001:db8:1:2::{number:x}")
    assert TOO_MANY in _text(response)
    assert send(client, FORM, REMOTE_ADDR="2001:db8:1:3::1").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_form_of_another_site_uses_up_no_guess(client: Client, headers: dict[str, str]) -> None:
    make_gated(Visibility.PASSWORD)
    for _ in range(MAX_GUESSES + 1):
        response = enter(client, "wrong", **headers)
    assert response.status_code == 403
    assert "This form was sent from another site; enter the password here." in _text(response)
    assert enter(client, origin="http://testserver").status_code == 303


URLENCODED = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (f"{URLENCODED}; charset=utf-16", 400),
        (f"{URLENCODED}; charset=rot13", 400),
        ("multipart/form-data; boundary=x; charset=utf-16", 400),
        ("multipart/form-data; boundary=x", 400),
        ("application/json", 400),
        ("", 400),
        (URLENCODED, 413),
        (f"{URLENCODED}; charset=UTF-8", 413),
    ],
)
def test_body_that_is_no_password_is_refused_unread(content_type: str, status: int) -> None:
    make_gated(Visibility.PASSWORD)
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    body = f"password={'x' * MAX_FORM_BYTES}".encode()
    response = client.generic("POST", FORM, body, content_type=content_type)
    assert response.status_code == status
    assert "enter the password here." in _text(response)
    assert response.wsgi_request.environ["wsgi.input"].read(9) == b"password="


def test_longest_password_fits_the_form(client: Client) -> None:
    make_gated(Visibility.PASSWORD)
    assert WRONG in _text(enter(client, "🧨" * MAX_PASSWORD_LENGTH))


def test_form_of_a_page_without_a_password_leads_to_the_page(client: Client) -> None:
    make_gated(Visibility.PUBLIC)
    assert client.get(FORM).headers["Location"] == "/status/inner/"
    assert client.get("/status/nowhere/enter").status_code == 404
    assert client.put(FORM).status_code == 405
