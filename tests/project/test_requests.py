"""What every request to the deployment meets, whatever it asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory


@pytest.mark.django_db
@pytest.mark.parametrize(("address", "status"), [("/healthz", "200 OK"), ("/nowhere", "404 Not Found")])
def test_head_has_the_headers_of_get_and_no_body(address: str, status: str) -> None:
    page = _ask("GET", address)
    assert page[0] == status
    assert int(page[1]["Content-Length"]) == len(page[2]) > 0
    assert _ask("HEAD", address) == (status, page[1], b"")


def test_forged_host_is_refused_without_a_line_in_the_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert client.get("/", headers={"host": "forged.example"}).status_code == 400
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_browsers_find_an_icon_for_the_pages_that_name_none(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/static/healthcheck/icon-unknown.svg")


def _ask(method: str, address: str) -> tuple[str, dict[str, str], bytes]:
    """Return status, headers and body as a server gets them; the test client drops bodies by itself."""
    said: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        said.update(status=status, headers=dict(headers))
        return bytes

    response = WSGIHandler()(RequestFactory().generic(method, address).environ, start_response)
    body = b"".join(response)
    response.close()
    return said["status"], said["headers"], body
