from __future__ import annotations

import time

import pytest
from django.test import override_settings

from healthcheck.pipeline.links import LINK_LIFETIME, Link, make_acknowledge_url, make_details_url, read_link, sign_link

LINK = Link(incident_id=7, channel_id=3)


def test_link_is_read_back_and_is_safe_in_a_path() -> None:
    token = sign_link(LINK)
    assert read_link(token) == LINK
    assert token.replace(":", "").replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("token", ["", "x", "W1szLDdd:1wX:abc"])
def test_token_that_we_did_not_sign_is_none(token: str) -> None:
    assert read_link(token) is None


def test_token_that_was_changed_is_none() -> None:
    token = sign_link(LINK)
    assert read_link(token[:-2]) is None
    assert read_link("x" + token) is None


def test_link_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    token, signed_at = sign_link(LINK), time.time()
    monkeypatch.setattr(time, "time", lambda: signed_at + LINK_LIFETIME.total_seconds() - 2)
    assert read_link(token) == LINK
    monkeypatch.setattr(time, "time", lambda: signed_at + LINK_LIFETIME.total_seconds() + 2)
    assert read_link(token) is None


def test_without_our_own_address_there_are_no_links() -> None:
    assert (make_acknowledge_url(LINK), make_details_url(7)) == ("", "")


@override_settings(HEALTHCHECK={"BASE_URL": "https://status.example.org"}, ROOT_URLCONF="django.contrib.auth.urls")
def test_without_our_pages_there_are_no_links() -> None:
    assert (make_acknowledge_url(LINK), make_details_url(7)) == ("", "")
