"""Markdown of people: what it may look like, and what it can never do."""

from __future__ import annotations

import time

import pytest

from healthcheck.web.written import draw_markdown

REL = 'rel="nofollow noopener noreferrer"'


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("", ""),
        ("**Found** _it_.\nA `cable`.", "<p><strong>Found</strong> <em>it</em>.<br>\nA <code>cable</code>.</p>"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
        ("3. three", '<ol start="3">\n<li>three</li>\n</ol>'),
        ("[map](https://a.test/x)", f'<p><a href="https://a.test/x" {REL}>map</a></p>'),
        ("<https://a.test/>", f'<p><a href="https://a.test/" {REL}>https://a.test/</a></p>'),
        ("[mail](mailto:a@a.test)", f'<p><a href="mailto:a@a.test" {REL}>mail</a></p>'),
        # Headings stay what was typed.
        ("# Loud", "<p># Loud</p>"),
        ("Loud\n====", "<p>Loud<br>\n====</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
    ],
)
def test_markdown_is_drawn(text: str, drawn: str) -> None:
    assert draw_markdown(text) == drawn


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](https://a.test/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "<a href='javascript:alert(1)'>x</a>",
        "<style>*{display:none}</style>",
        "<iframe src='https://a.test'></iframe>",
        '[x](https://a.test "onmouseover=alert(1)")',
        "[x]: javascript:alert(1)\n\n[x]",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "```\n</code></pre><script>alert(1)</script>\n```",
        "<details open ontoggle=alert(1)>",
        '[x](//a.test/x" onclick="alert(1))',
    ],
)
def test_nothing_that_acts_comes_of_it(text: str) -> None:
    drawn = draw_markdown(text).lower()
    for harmful in ("<script", "<img", "<style", "<iframe", "<details", 'href="javascript', 'href="data', 'href="vb'):
        assert harmful not in drawn
    assert not [tag for tag in drawn.split("<")[1:] if " on" in tag.partition(">")[0]]


@pytest.mark.parametrize("text", ["[" * 5000, "*a " * 1600, "> " * 2500, "`" * 5000, "<a" * 2500, "- " * 2500])
def test_hostile_text_takes_no_time(text: str) -> None:
    draw_markdown.cache_clear()
    before = time.process_time()
    assert len(draw_markdown(text)) < 200_000
    assert time.process_time() - before < 1.0
