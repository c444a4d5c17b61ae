"""Who is let in, and that nobody else learns anything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from healthcheck.models import Endpoint, StatusPage
from healthcheck.models.page import Visibility
from tests.factories import make_endpoint, make_group, make_page, make_state
from tests.pictures import make_picture

pytestmark = pytest.mark.django_db

PASSWORD = "open sesame"
CANARY = "canary"
FORM = "/status/inner/enter"
# Everything of the page but its form; {id} is an endpoint's that it shows.
PARTS = [
    "/status/inner/",
    "/status/inner.json",
    "/status/inner/status.json",
    "/status/inner/{id}/",
    "/status/inner/{id}.json",
    "/status/inner/style-0.css",
    "/status/inner/logo-0.png",
]
TWINS = [part for part in PARTS if not part.endswith("/")]


@pytest.fixture
def endpoint() -> Endpoint:
    endpoint = make_endpoint(make_group(f"{CANARY}-slug", name=f"{CANARY} group"), f"{CANARY} endpoint")
    make_state(endpoint)
    return endpoint


def make_gated(visibility: Visibility, **columns: object) -> StatusPage:
    return make_page(
        "inner",
        title=f"{CANARY} title",
        description=f"{CANARY} description",
        announcement=f"{CANARY} announcement",
        visibility=visibility,
        password=make_password(PASSWORD),
        accent="#c0ffee",
        logo=make_picture(),
        **columns,
    )


def enter(client: Client, guess: str = PASSWORD, **headers: str) -> HttpResponse:
    response: HttpResponse = send(client, FORM, guess, headers=headers)
    return response


def send(client: Client, form: str, guess: str = PASSWORD, **options: Any) -> Any:
    """Send the form as browsers do."""
    body = urlencode({"password": guess})
    return client.post(form, body, content_type="application/x-www-form-urlencoded", **options)


@pytest.mark.parametrize("visibility", [Visibility.SIGNED_IN, Visibility.PASSWORD, "unheard of"])
@pytest.mark.parametrize("part", PARTS)
def test_stranger_learns_nothing(client: Client, endpoint: Endpoint, visibility: Visibility, part: str) -> None:
    make_gated(visibility)
    response = client.get(part.format(id=endpoint.pk))
    assert response.status_code in {302, 403}
    assert CANARY not in response.content.decode() + str(response.headers)
    assert "c0ffee" not in response.content.decode().lower()
    assert response.headers["Cache-Control"] == "private, no-store"
    assert not response.cookies


@pytest.mark.parametrize("visibility", [Visibility.SIGNED_IN, Visibility.PASSWORD])
@pytest.mark.parametrize("part", ["/status/inner/{id}/", "/status/inner/{id}.json"])
def test_endpoint_that_exists_is_refused_like_one_that_does_not(
    client: Client, endpoint: Endpoint, visibility: Visibility, part: str
) -> None:
    make_gated(visibility)
    there, elsewhere = (client.get(part.format(id=pk)) for pk in (endpoint.pk, endpoint.pk + 1))
    assert there.status_code == elsewhere.status_code
    assert there.content == elsewhere.content


@pytest.mark.parametrize("part", PARTS)
def test_somebody_signed_in_sees_everything_and_no_proxy_keeps_it(
    client: Client, endpoint: Endpoint, part: str
) -> None:
    make_gated(Visibility.SIGNED_IN)
    client.force_login(get_user_model().objects.create_user("somebody"))
    response = client.get(part.format(id=endpoint.pk))
    assert response.status_code == 200
    assert response.headers["Cache-Control"].startswith("private, no-")
    assert "Cookie" in response.headers["Vary"]
    assert response.headers["X-Robots-Tag"] == "noindex"


def test_stranger_is_sent_to_the_login_and_comes_back(client: Client, endpoint: Endpoint) -> None:
    make_gated(Visibility.SIGNED_IN)
    response = client.get(f"/status/inner/{endpoint.pk}/")
    assert response.headers["Location"] == f"/admin/login/?next=%2Fstatus%2Finner%2F{endpoint.pk}%2F"


@pytest.mark.parametrize("part", TWINS)
def test_machine_is_refused_with_the_cure(client: Client, endpoint: Endpoint, part: str) -> None:
    make_gated(Visibility.PASSWORD)
    response = client.get(part.format(id=endpoint.pk))
    sentence = "This page asks for a password; open it in a browser and enter it there."
    assert (response.status_code, response.json()) == (403, {"error": sentence})


@pytest.mark.usefixtures("endpoint")
def test_page_that_one_visitor_may_see_is_not_served_to_the_next(client: Client) -> None:
    make_gated(Visibility.SIGNED_IN)
    somebody = Client()
    somebody.force_login(get_user_model().objects.create_user("somebody"))
    assert CANARY in somebody.get("/status/inner/").content.decode()
    assert client.get("/status/inner/").status_code == 302


@pytest.mark.usefixtures("endpoint")
def test_page_that_is_closed_is_closed_at_once(client: Client) -> None:
    page = make_gated(Visibility.PUBLIC)
    assert client.get("/status/inner/").status_code == 200
    StatusPage.objects.filter(pk=page.pk).update(visibility=Visibility.SIGNED_IN)
    assert client.get("/status/inner/").status_code == 302


@pytest.mark.parametrize("part", PARTS)
def test_password_opens_everything_of_its_page(client: Client, endpoint: Endpoint, part: str) -> None:
    make_gated(Visibility.PASSWORD)
    assert enter(client).status_code == 303
    assert client.get(part.format(id=endpoint.pk)).status_code == 200


@pytest.mark.usefixtures("endpoint")
def test_pass_is_this_pages_own_and_no_scripts(client: Client) -> None:
    page = make_gated(Visibility.PASSWORD)
    cookie = enter(client).cookies[f"hc_page_{page.pk}"]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/status/inner/", True, "Lax")
    assert (cookie["max-age"], cookie["secure"]) == (12 * 3600, "")
    other = make_page("other", visibility=Visibility.PASSWORD, password=page.password)
    client.cookies[f"hc_page_{other.pk}"] = cookie.value
    assert client.get("/status/other/").status_code == 302


def test_pass_over_https_stays_there(client: Client) -> None:
    page = make_gated(Visibility.PASSWORD)
    response = send(client, FORM, secure=True)
    assert response.cookies[f"hc_page_{page.pk}"]["secure"] is True


def test_pass_ends_with_its_password(client: Client) -> None:
    page = make_gated(Visibility.PASSWORD)
    enter(client)
    assert client.get("/status/inner/").status_code == 200
    StatusPage.objects.filter(pk=page.pk).update(password=make_password(PASSWORD))
    assert client.get("/status/inner/").status_code == 302


def test_pass_ends_after_some_hours(client: Client) -> None:
    page = make_gated(Visibility.PASSWORD)
    enter(client)
    value = client.cookies[f"hc_page_{page.pk}"].value
    with time_machine.travel(timezone.now() + timedelta(hours=12, seconds=5)):
        assert Client().get("/status/inner/", headers={"cookie": f"hc_page_{page.pk}={value}"}).status_code == 302


@pytest.mark.parametrize("value", ["", "in", "in:1:x", "in" * 5000])
def test_made_up_pass_opens_nothing(client: Client, value: str) -> None:
    page = make_gated(Visibility.PASSWORD)
    client.cookies[f"hc_page_{page.pk}"] = value
    assert client.get("/status/inner/").status_code == 302


def test_page_for_a_password_without_one_lets_nobody_in(client: Client) -> None:
    page = make_gated(Visibility.PASSWORD)
    StatusPage.objects.filter(pk=page.pk).update(password="")
    assert enter(client, "").status_code == 403
    assert client.get("/status/inner/").status_code == 302


def test_default_page_with_a_password_is_entered_at_its_own_address(client: Client) -> None:
    make_page("status", visibility=Visibility.PASSWORD, password=make_password(PASSWORD))
    assert client.get("/").headers["Location"] == "/status/status/enter"
    send(client, "/status/status/enter")
    assert client.get("/").headers["Location"] in {"/status/status/", "/status/status/enter"}
    assert client.get("/status/status/").status_code == 200
