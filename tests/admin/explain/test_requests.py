"""What a check sends: the line for everybody, headers for who may change them, secrets for nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from healthcheck.admin.explain.requests import describe_definition, describe_sent
from healthcheck.engine.credentials import EngineCredential, HeaderCredential
from healthcheck.engine.loop import stop_engine_loop
from healthcheck.models import Endpoint
from healthcheck.pipeline.explain import Explanation, probe_now
from tests.factories import NOW, make_credential, make_endpoint
from tests.hostile import HostileServer

pytestmark = pytest.mark.django_db

CANARY = "canary-of-the-request"


@pytest.fixture
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


def build(**options: Any) -> Endpoint:
    return Endpoint(address=f"https://example.com/health?token={CANARY}", options=options)


def test_url_and_headers_hide_their_secrets() -> None:
    words = describe_definition(
        build(method="POST", headers=[["X-Key", CANARY], ["Accept", "text/plain"]], body=CANARY),
        shows_headers=True,
        shows_credential=True,
    )
    assert words is not None
    assert words.line == "POST https://example.com/health?token=[hidden]"
    assert words.headers == [("X-Key", "[hidden]"), ("Accept", "text/plain")]
    assert words.shell.startswith("curl ")
    assert CANARY not in repr(words)


def test_viewers_get_neither_names_of_headers_nor_the_line_that_holds_them() -> None:
    words = describe_definition(build(headers=[["X-Key", CANARY]], body=""), shows_headers=False, shows_credential=True)
    assert words is not None
    assert (words.headers, words.shell) == ((), "")
    assert "X-Key" not in repr(words)
    assert words.notes[-1].startswith("1 header is shown only to people who may change the endpoint")


def test_viewers_are_told_of_a_body_that_they_do_not_see() -> None:
    words = describe_definition(build(method="POST", body=CANARY), shows_headers=False, shows_credential=True)
    assert words is not None
    assert (words.shell, "Its body" in words.notes[-1]) == ("", True)


def test_viewers_get_the_line_of_a_request_that_holds_nothing_to_hide() -> None:
    words = describe_definition(build(), shows_headers=False, shows_credential=True)
    assert words is not None
    assert words.shell.startswith("curl ")


def test_credential_is_named_and_not_told(settings: Settings) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (Fernet.generate_key().decode(),)}
    endpoint = make_endpoint(credential=make_credential("shop", secrets={"token": CANARY}))
    # No key opens it any more, and none has to.
    settings.HEALTHCHECK = {}
    words = describe_definition(endpoint, shows_headers=True, shows_credential=True)
    assert words is not None
    assert "It is sent with the credential “shop”." in words.notes
    assert ("SECRET_AUTHORIZATION" in words.shell, CANARY in repr(words)) == (True, False)


def test_unreadable_definition_has_no_request() -> None:
    assert describe_definition(Endpoint(address="ftp://x/"), shows_headers=True, shows_credential=True) is None


@pytest.mark.parametrize("name", ["User-Agent", "Accept", "Content-Type"])
def test_viewers_do_not_get_a_harmless_header_that_a_person_set(name: str) -> None:
    words = describe_definition(build(headers=[[name, CANARY]]), shows_headers=False, shows_credential=True)
    assert words is not None
    assert (words.headers, words.shell, CANARY in repr(words)) == ((), "", False)
    assert words.notes[-1].startswith("1 header is shown only to people who may change the endpoint")


@pytest.mark.parametrize(
    ("kind", "details"), [("digest", {"username": CANARY}), ("headers", {"header_names": [CANARY]})]
)
def test_public_parts_of_a_credential_are_for_people_who_may_see_it(kind: str, details: dict[str, Any]) -> None:
    endpoint = make_endpoint(credential=make_credential("shop", kind, details=details, secrets={}))
    words = describe_definition(endpoint, shows_headers=True, shows_credential=False)
    assert words is not None
    assert (words.shell, CANARY in repr(words)) == ("", False)
    assert words.notes[-1] == "The line for a shell is shown only to people who may see credentials."
    words = describe_definition(endpoint, shows_headers=False, shows_credential=True)
    assert words is not None
    assert CANARY in words.shell


def sent(hostile: HostileServer, credential: EngineCredential | None = None, **options: Any) -> Explanation:
    return probe_now("http", f"http://127.0.0.1:{hostile.listen('good')}/", options, now=NOW, credential=credential)


def test_sent_header_of_a_person_is_hidden_from_viewers(laptop: None, hostile: HostileServer) -> None:
    told = sent(hostile, headers=[["User-Agent", CANARY]])
    words = describe_sent(told, shows_headers=False, shows_credential=True)
    assert words is not None
    assert (words.headers, words.shell, CANARY in repr(words)) == ((), "", False)
    plain = describe_sent(sent(hostile), shows_headers=False, shows_credential=True)
    assert plain is not None
    assert plain.shell.startswith("curl ")


def test_sent_credential_is_hidden_from_people_who_may_not_see_it(laptop: None, hostile: HostileServer) -> None:
    told = sent(hostile, HeaderCredential((("X-Shop-Key", CANARY), ("User-Agent", CANARY)), (CANARY,)))
    assert CANARY not in repr(told)
    words = describe_sent(told, shows_headers=True, shows_credential=False)
    assert words is not None
    assert (words.shell, "X-Shop-Key" in repr(words)) == ("", False)
    words = describe_sent(told, shows_headers=True, shows_credential=True)
    assert words is not None
    assert ("X-Shop-Key", "[hidden]") in words.headers
    assert "SECRET_X_SHOP_KEY" in words.shell
