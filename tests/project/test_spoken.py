"""Which language the deployment's admin speaks: what the browser asks for, and no half of a third one."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils.translation import get_language


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "language", "word"),
    [("de-AT,de;q=0.9", "de", "Anmelden"), ("en", "en", "Log in"), ("fr, ja;q=0.5", "en", "Log in")],
)
def test_admin_speaks_what_the_browser_asks_for(client: Client, asked: str, language: str, word: str) -> None:
    before = get_language()
    answer = client.get("/admin/login/", headers={"accept-language": asked})
    assert (answer.headers["Content-Language"], word in answer.content.decode()) == (language, True)
    assert "Accept-Language" in answer.headers["Vary"]
    assert get_language() == before


@pytest.mark.django_db
def test_other_addresses_do_not_depend_on_it(client: Client) -> None:
    answer = client.get("/ping/none", headers={"accept-language": "de"})
    assert "Content-Language" not in answer.headers
