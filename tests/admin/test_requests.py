"""What a check sends: the line for everybody, headers for who may change them, secrets for nobody."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from healthcheck.admin.requests import describe_definition
from healthcheck.models import Endpoint
from tests.factories import make_credential, make_endpoint

pytestmark = pytest.mark.django_db

CANARY = "canary-of-the-request"


def build(**options: Any) -> Endpoint:
    return Endpoint(address=f"https://example.com/health?token={CANARY}", options=options)


def test_url_and_headers_hide_their_secrets() -> None:
    words = describe_definition(
        build(method="POST", headers=[["X-Key", CANARY], ["Accept", "text/plain"]], body=CANARY), shows_headers=True
    )
    assert words is not None
    assert words.line == "POST https://example.com/health?token=[hidden]"
    assert words.headers == [("X-Key", "[hidden]"), ("Accept", "text/plain")]
    assert words.curl.startswith("curl ")
    assert CANARY not in repr(words)


def test_viewers_get_neither_names_of_headers_nor_the_line_that_holds_them() -> None:
    words = describe_definition(build(headers=[["X-Key", CANARY]], body=""), shows_headers=False)
    assert words is not None
    assert (words.headers, words.curl) == ((), "")
    assert "X-Key" not in repr(words)
    assert words.notes[-1].startswith("1 header is shown only to people who may change the endpoint")


def test_viewers_are_told_of_a_body_that_they_do_not_see() -> None:
    words = describe_definition(build(method="POST", body=CANARY), shows_headers=False)
    assert words is not None
    assert (words.curl, "Its body" in words.notes[-1]) == ("", True)


def test_viewers_get_the_line_of_a_request_that_holds_nothing_to_hide() -> None:
    words = describe_definition(build(), shows_headers=False)
    assert words is not None
    assert words.curl.startswith("curl ")


def test_credential_is_named_and_not_told(settings: Settings) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (Fernet.generate_key().decode(),)}
    endpoint = make_endpoint(credential=make_credential("shop", secrets={"token": CANARY}))
    words = describe_definition(endpoint, shows_headers=True)
    assert words is not None
    assert "It is sent with the credential “shop”." in words.notes
    assert ("SECRET_AUTHORIZATION" in words.curl, CANARY in repr(words)) == (True, False)


def test_unreadable_definition_has_no_request() -> None:
    assert describe_definition(Endpoint(address="ftp://x/"), shows_headers=True) is None
