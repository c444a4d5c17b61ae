"""What every public answer carries."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from tests.factories import make_endpoint, make_group, make_page, make_state, make_tick

pytestmark = pytest.mark.django_db

ADDRESSES = ["/", "/status.json"]


@pytest.fixture
def _page() -> None:
    now = timezone.now()
    make_page()
    make_tick(at=now)
    make_state(make_endpoint(make_group()), now=now)


@pytest.mark.usefixtures("_page")
@pytest.mark.parametrize("address", ADDRESSES)
def test_answer_carries_strict_headers(client: Client, address: str) -> None:
    headers = client.get(address).headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "public, max-age=5"


@pytest.mark.usefixtures("_page")
@pytest.mark.parametrize("address", ADDRESSES)
def test_answer_knows_no_visitor_though_somebody_is_signed_in(client: Client, address: str) -> None:
    client.force_login(get_user_model().objects.create_user("somebody"))
    response = client.get(address)
    assert not response.cookies
    assert "Vary" not in response.headers


@pytest.mark.usefixtures("_page")
@pytest.mark.parametrize("address", ADDRESSES)
def test_unchanged_content_is_not_sent_again(client: Client, address: str) -> None:
    etag = client.get(address).headers["ETag"]
    again = client.get(address, headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)


@pytest.mark.usefixtures("_page")
@pytest.mark.parametrize("address", ADDRESSES)
def test_changed_content_is_sent_again(client: Client, address: str) -> None:
    etag = client.get(address).headers["ETag"]
    make_endpoint(make_group("new"), "new")
    assert client.get(address, headers={"if-none-match": etag}).status_code == 200


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_can_be_posted(client: Client, address: str) -> None:
    assert client.post(address).status_code == 405


@pytest.mark.usefixtures("_page")
def test_page_holds_no_inline_code_and_names_no_third_party(client: Client) -> None:
    text = client.get("/").content.decode()
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick" not in text
    assert text.count("<script") == text.count('<script src="/static/healthcheck/') == 1
    assert "http://" not in text
    assert "https://" not in text
