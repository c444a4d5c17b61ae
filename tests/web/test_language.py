"""Which language a page speaks, and that it speaks it throughout."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from healthcheck.models import Endpoint
from healthcheck.models.page import Visibility
from healthcheck.web.language import choose_language, list_spoken
from tests.factories import make_page
from tests.web.scenes import paint_mixed_page

# As they stand between the marks of a page, not in its classes.
ENGLISH = [">since", " ago)", ">Unknown", ">Paused", ">Down", ">Up", "Last ", "Newest", " checks", "Open the"]


@pytest.mark.parametrize(
    ("wanted", "asked", "language"),
    [
        ("", "", "en"),
        ("", "de", "de"),
        ("", "de-AT,de;q=0.9", "de"),
        ("", "en-GB,de;q=0.9", "en"),
        ("", "fr, de;q=0.8, en;q=0.5", "de"),
        ("", "fr, ja", "en"),
        ("", "de;q=nonsense, *", "en"),
        ("", "x" * 5000, "en"),
        ("de", "en", "de"),
        ("en", "de", "en"),
        ("tlh", "de", "de"),
    ],
)
def test_language_is_the_pages_own_or_the_first_that_the_visitor_and_we_speak(
    rf: RequestFactory, wanted: str, asked: str, language: str
) -> None:
    assert choose_language(rf.get("/", headers={"accept-language": asked}), wanted) == language


@override_settings(LANGUAGE_CODE="de-de")
def test_projects_language_is_spoken_to_whoever_asks_for_none(rf: RequestFactory) -> None:
    assert choose_language(rf.get("/"), "") == "de"


def test_languages_are_those_that_are_written() -> None:
    assert set(list_spoken()) == {"en", "de"}


def _read(client: Client, address: str, language: str = "de") -> str:
    return str(client.get(address, headers={"accept-language": language}).content.decode())


@pytest.mark.django_db
def test_page_is_german_down_to_its_dates_numbers_and_plurals(client: Client) -> None:
    now = timezone.now()
    paint_mixed_page(now)
    text = _read(client, "/?period=now")
    assert '<html lang="de" dir="ltr">' in text
    assert "1 von 8 ist ausgefallen" in text
    assert "Keine Antwort in der vorgesehenen Zeit." in text
    assert "(vor 11 Minuten)" in text
    assert "2,4 s" in text
    assert "8,4 ms" in text
    assert "50 der letzten 60 Prüfungen verfügbar, 10 ausgefallen" in text
    assert "seit <time" in text
    assert f"{(now - timedelta(days=12, hours=3)).day}. " in text


@pytest.mark.django_db
def test_nothing_english_is_left_on_the_german_pages(client: Client) -> None:
    paint_mixed_page(timezone.now())
    make_page("secret", visibility=Visibility.PASSWORD)
    checkout = Endpoint.objects.get(name="Checkout")
    for address in ("/", f"/status/status/{checkout.pk}/", "/status/secret/enter", "/status/secret/status.json"):
        text = _read(client, address)
        assert [word for word in ENGLISH if word in text] == [], address


@pytest.mark.django_db
def test_answer_says_whether_it_depends_on_the_visitors_language(client: Client) -> None:
    make_page("follows")
    make_page("own", language="de")
    assert "Accept-Language" in client.get("/status/follows/").headers["Vary"]
    assert "Accept-Language" not in client.get("/status/own/").headers["Vary"]
    assert '<html lang="de"' in _read(client, "/status/own/", "en")


@pytest.mark.django_db
def test_english_and_german_are_different_content(client: Client) -> None:
    make_page()
    tags = {client.get("/", headers={"accept-language": code}).headers["ETag"] for code in ("en", "de")}
    assert len(tags) == 2
