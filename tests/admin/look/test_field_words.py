"""Values are said as a person would type them, and what has no words stays as it is."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from healthcheck.admin.look.field_words import describe_difference, describe_value
from healthcheck.definitions.comparing import Difference
from healthcheck.models import Credential, Endpoint, EndpointGroup, StatusPage


@pytest.mark.parametrize(
    ("model", "key", "text", "words"),
    [
        (Endpoint, "timeout_seconds", "2.5", "2.5 seconds"),
        (EndpointGroup, "interval_seconds", "1", "1 second"),
        (Endpoint, "is_paused", "yes", "yes"),
        (Endpoint, "name", "yes", "yes"),
        (Endpoint, "options.max_body_bytes", "1024", "1024 bytes"),
        (Endpoint, "options.verify", "off", "off: any certificate is accepted"),
        (Endpoint, "options.family", "ipv6", "IPv6 only"),
        (Endpoint, "options.addresses", "all", "all: each is checked, and all must be well"),
        (Endpoint, "options.addresses", "at least 3", "at least 3: each is checked, and so many must be well"),
        (Endpoint, "options.headers", "(hidden)", "(hidden)"),
        (Endpoint, "credential", "shop", "shop"),
        (StatusPage, "visibility", "signed_in", "people who are signed in"),
        (StatusPage, "language", "de", "German"),
        (Credential, "kind", "bearer", "token (bearer)"),
        (Credential, "secrets", "client_secret", "Client secret"),
        (Credential, "secrets_changed_at", "2026-07-01T12:00:00+00:00", "1 Jul 2026, 12:00:00 UTC"),
        (Credential, "secrets_changed_at", "long ago", "long ago"),
        (Endpoint, "timeout_seconds", "", ""),
    ],
)
def test_values_in_words(model: Any, key: str, text: str, words: str) -> None:
    assert describe_value(model, key, text) == words


def test_words_are_those_of_the_reader() -> None:
    with translation.override("de"):
        said = describe_difference(Endpoint, Difference("is_paused", "no", "yes"))
        assert said == Difference("Pausiert", "nein", "ja")
        assert describe_value(Endpoint, "name", "yes") == "yes"
