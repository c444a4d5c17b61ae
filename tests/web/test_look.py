"""Theme, accent colour and logo of a page."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from healthcheck.models import StatusPage
from tests.factories import make_page
from tests.pictures import make_picture

pytestmark = pytest.mark.django_db

A_DAY = "public, max-age=86400, immutable"


def _find(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None
    return match[1]


def test_page_without_a_look_asks_for_none(client: Client) -> None:
    make_page("plain")
    text = client.get("/status/plain/").content.decode()
    assert "<img" not in text
    assert text.count('rel="stylesheet"') == 1
    assert "data-theme" not in text
    assert client.get("/status/plain/style-0.css").status_code == 404
    assert client.get("/status/plain/logo-0.png").status_code == 404
    assert client.get("/status/nowhere/logo-0.png").status_code == 404


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_theme_of_the_page_beats_the_system(client: Client, theme: str) -> None:
    make_page("own", theme=theme)
    text = client.get("/status/own/").content.decode()
    assert f'data-theme="{theme}"' in text
    assert f'<meta name="color-scheme" content="{theme}">' in text


def test_logo_is_served_as_it_is_stored_and_kept_for_a_day(client: Client) -> None:
    make_page("own", logo=make_picture(size=(480, 96)))
    text = client.get("/status/own/").content.decode()
    address = _find(r'src="([^"]+logo-[^"]+)"', text)
    assert 'width="240" height="48" alt=""' in text
    response = client.get(address)
    assert (response.content, response.headers["Content-Type"]) == (make_picture(size=(480, 96)), "image/png")
    assert response.headers["Cache-Control"] == A_DAY
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_new_logo_has_a_new_address_and_the_old_one_is_not_kept(client: Client) -> None:
    page = make_page("own", logo=make_picture(size=(10, 10)))
    old = _find(r'src="([^"]+logo-[^"]+)"', client.get("/status/own/").content.decode())
    StatusPage.objects.filter(pk=page.pk).update(logo=make_picture(size=(20, 20)), title="New")
    new = _find(r'src="([^"]+logo-[^"]+)"', client.get("/status/own/").content.decode())
    assert new != old
    assert client.get(old).headers["Cache-Control"] == "public, max-age=5"


@pytest.mark.parametrize(("size", "shown"), [((512, 16), (240, 8)), ((1, 512), (1, 48)), ((20, 10), (20, 10))])
def test_logo_of_any_shape_has_a_size_before_it_is_loaded(
    client: Client, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    make_page("own", logo=make_picture(size=size))
    width, height = shown
    assert f'width="{width}" height="{height}"' in client.get("/status/own/").content.decode()


def test_accent_has_a_style_sheet_of_its_own(client: Client) -> None:
    make_page("own", accent="#2456c9")
    address = _find(r'href="([^"]+style-[^"]+\.css)"', client.get("/status/own/").content.decode())
    response = client.get(address)
    assert response.headers["Content-Type"] == "text/css; charset=utf-8"
    assert response.headers["Cache-Control"] == A_DAY
    assert response.content == (
        b":root { --hc-link: light-dark(#2456c9, #6487d9); --hc-accent: light-dark(#2456c9, #3865ce);"
        b" --hc-on-link: light-dark(#ffffff, #000000); }\n"
    )


@pytest.mark.parametrize("accent", ["red", "#12345", "#12345g", "}body{display:none", "# 12 34"])
def test_what_is_no_colour_never_gets_into_a_style_sheet(client: Client, accent: str) -> None:
    page = make_page("own")
    StatusPage.objects.filter(pk=page.pk).update(accent=accent[:7])
    assert "style-" not in client.get("/status/own/").content.decode()
    assert client.get("/status/own/style-0.css").status_code == 404
