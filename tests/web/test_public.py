"""What every public answer carries."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, ProgrammingError, connection
from django.test import Client
from django.utils import timezone

from healthcheck.web.answers import ANSWERS
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
    assert response.headers["Vary"] == "Accept-Encoding, Accept-Language"


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
    ANSWERS.forget()
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


SENTENCE = "The checker cannot reach its database."


def test_page_without_a_database_says_so_in_one_sentence(client: Client) -> None:
    with connection.execute_wrapper(_refuse):
        response = client.get("/")
    text = response.content.decode()
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f'<h1 class="hc-verdict-sentence">{SENTENCE}</h1>' in text
    assert "/static/healthcheck/status.css" in text
    assert "secret" not in text


def test_json_without_a_database_says_so_in_one_sentence(client: Client) -> None:
    with connection.execute_wrapper(_refuse):
        response = client.get("/status.json")
    assert (response.status_code, response.json()) == (503, {"error": SENTENCE})


@pytest.mark.parametrize("address", ADDRESSES)
def test_answer_without_a_database_is_kept_by_nobody(client: Client, address: str) -> None:
    with connection.execute_wrapper(_refuse):
        headers = client.get(address).headers
    assert (headers["Cache-Control"], headers["Retry-After"], "ETag" in headers) == ("no-store", "10", False)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_answer_without_a_database_is_one_line_in_the_log(
    client: Client, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    with connection.execute_wrapper(_refuse):
        client.get(address)
    [record] = caplog.records
    assert (record.name, record.levelno, record.exc_info) == ("healthcheck.web.unavailable", logging.ERROR, None)
    assert record.getMessage() == "page unavailable: no database (OperationalError)"


def test_log_says_what_is_the_matter_and_the_page_does_not(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with connection.execute_wrapper(_keep_waiting):
        response = client.get("/status.json")
    assert (response.status_code, response.json()) == (503, {"error": SENTENCE})
    assert [each.getMessage() for each in caplog.records] == ["page unavailable: database busy (OperationalError)"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_defect_of_ours_is_an_error_and_no_trouble_of_the_database(client: Client, address: str) -> None:
    client.raise_request_exception = False
    with connection.execute_wrapper(_fail):
        response = client.get(address)
    assert (response.status_code, "Retry-After" in response.headers) == (500, False)
    assert SENTENCE not in response.text


def _keep_waiting(*_: Any) -> NoReturn:
    raise OperationalError("deadlock detected") from psycopg.errors.DeadlockDetected()


def _fail(*_: Any) -> NoReturn:
    raise ProgrammingError("column does not exist") from psycopg.errors.UndefinedColumn()


def _refuse(*_: Any) -> NoReturn:
    raise OperationalError("server closed the connection, password=secret")
