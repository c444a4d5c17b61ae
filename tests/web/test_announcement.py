"""Announcements as markup."""

from __future__ import annotations

import pytest
from django.test import Client

from healthcheck.web.announcement import draw_announcement
from tests.factories import make_page


def link(address: str) -> str:
    return f'<a href="{address}" rel="nofollow noopener">{address}</a>'


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("", ""),
        (" \n \n", ""),
        ("one\ntwo\r\nthree", "<p><bdi>one<br>two<br>three</bdi></p>"),
        ("one\n\n \ntwo", "<p><bdi>one</bdi></p>\n<p><bdi>two</bdi></p>"),
        ("<b>&</b>", "<p><bdi>&lt;b&gt;&amp;&lt;/b&gt;</bdi></p>"),
    ],
)
def test_text_becomes_paragraphs_and_lines(text: str, markup: str) -> None:
    assert draw_announcement(text) == markup


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("See https://a.example/x.", f"See {link('https://a.example/x')}."),
        ("(http://a.example/)", f"({link('http://a.example/')})"),
        ("https://a.example/b_(c)", link("https://a.example/b_(c)")),
        ("https://a.example/?a=1&b=2", link("https://a.example/?a=1&amp;b=2")),
        ("https://a.example/, https://b.example/!", f"{link('https://a.example/')}, {link('https://b.example/')}!"),
    ],
)
def test_web_address_becomes_a_link(text: str, inner: str) -> None:
    assert draw_announcement(text) == f"<p><bdi>{inner}</bdi></p>"


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        'https://x"onmouseover="alert(1)',
        "https://<b>",
        "https://",
    ],
)
def test_nothing_else_becomes_a_link_or_markup(text: str) -> None:
    markup = draw_announcement(text)
    assert "javascript:" not in markup or "<a" not in markup
    assert 'onmouseover="' not in markup
    assert "<b>" not in markup
    assert markup.count("<a") <= 1


@pytest.mark.django_db
@pytest.mark.parametrize(("level", "title"), [("info", "Announcement"), ("warning", "Warning")])
def test_announcement_stands_above_the_verdict(client: Client, level: str, title: str) -> None:
    make_page(announcement="Tonight", announcement_level=level)
    text = client.get("/").content.decode()
    assert f'id="hc-announcement-title">{title}</h2>' in text
    assert text.index("<p><bdi>Tonight</bdi></p>") < text.index('id="hc-verdict"')
    assert client.get("/status.json").json()["announcement"] == {"level": level, "text": "Tonight"}


@pytest.mark.django_db
def test_page_without_an_announcement_has_no_place_for_one(client: Client) -> None:
    make_page()
    assert "hc-announcement" not in client.get("/").content.decode()
    assert client.get("/status.json").json()["announcement"] is None
