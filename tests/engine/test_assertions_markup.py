"""HTML and XML: what a selector finds, whatever the document is, in one bounded pass."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from healthcheck.engine.assertions import judge, parse_assertions
from healthcheck.engine.assertions.markup import (
    MAX_ELEMENTS,
    MAX_MARKUP_BYTES,
    MAX_SELECTED,
    UnreadableMarkupError,
    select,
)
from healthcheck.engine.assertions.selectors import parse_selector
from healthcheck.engine.types import ConfigurationError, Observation, State

NOW = datetime(2026, 1, 2, tzinfo=UTC)
# Without the limits each takes minutes or the machine's memory: the bound can be wide.
GENEROUS_SECONDS = 20.0
PAGE = b"""<!doctype html><HTML><head><title>Example \n  shop</title><meta name=version content="3.2"></head>
<body><main id=main><h1 class="big title">Wel<b>come</b></h1><a href="/cart?x=1&amp;y=2">Cart</a>
<ul><li>1<li class=on>2</ul></main><p lang=en-GB>a<p>b</body></html>"""
FEED = (
    b'<?xml version="1.0"?><a:feed xmlns:a="u"><entry id="1"><Updated>2026-01-01T23:00:00Z</Updated></entry></a:feed>'
)


def find(text: str, body: bytes = PAGE, content_type: str = "text/html") -> str:
    """Return what was found instead, and "" for up."""
    before = time.monotonic()
    observation = Observation(latency_us=1, status=200, body=body, headers=(("content-type", content_type),))
    judgement = judge(parse_assertions(text), observation, now=NOW)
    assert time.monotonic() - before < GENEROUS_SECONDS
    assert (judgement.verdict is State.UP) is (judgement.evidence is None)
    return judgement.evidence.found if judgement.evidence else ""


@pytest.mark.parametrize(
    "text",
    [
        'css "title" == "Example shop"',
        'css "TITLE"',
        'css "html > head > title"',
        'css "main > h1.title.big" contains "Welcome"',
        'css "body h1" matches "^Wel"',
        'css "*#main" contains "Cart"',
        'css "#main > a" @href == "/cart?x=1&y=2"',
        "css \"a[href^='/'][href$='2'][href*=cart]\"",
        'css "p[lang=en-GB]" == "a"',
        'css "[class~=\'on\']" == "2"',
        'css "meta[name=version]" @content in 3 to 4',
        'css "meta" @content length < 4',
        'css "li" count == 2',
        'css "li" in 1 to 2',
        'css "li" @class == "on"',
        'css "body > h1" not exists',
        'css "h1 main" count == 0',
        'css "main li" one of "1", "2"',
    ],
)
def test_selector_finds_what_it_names(text: str) -> None:
    assert find(text) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('css "h2"', "nothing that the selector finds"),
        ('css "h2" == "x"', "nothing that the selector finds"),
        ('css "p" @lang == "de"', '"en-GB"'),
        ('css "p" @id', "nothing that the selector finds"),
        ('css "li" == "1"', '"2"'),
        ('css "li" count > 2', "2 elements"),
        ('css "title" not exists', '"Example shop"'),
        ('css "title" age < 5min', '"Example shop", which is no point in time'),
        ('css "h1 > i"', "nothing that the selector finds"),
    ],
)
def test_what_does_not_hold_says_what_was_found(text: str, found: str) -> None:
    assert find(text) == found


def test_xml_is_read_without_namespaces_and_with_its_case() -> None:
    assert find("css \"feed > entry[id='1'] > Updated\" age in 59min to 61min", FEED) == ""
    assert find('css "updated" not exists', FEED, "application/atom+xml") == ""


@pytest.mark.parametrize(
    ("body", "content_type", "found"),
    [
        (b"", "text/html", "nothing that the selector finds"),
        (b"\x00\xff\xfe<", "text/html", "nothing that the selector finds"),
        (b"", "text/xml", "not XML that can be read, from line 1 on"),
        (b"<a><b>", "text/xml", "not XML that can be read, from line 1 on"),
        (b"<a>" * 10_000, "text/xml", "not XML that can be read, from line 1 on"),
        (b"<i>" * (MAX_ELEMENTS + 1), "text/html", f"a document of more than {MAX_ELEMENTS} elements"),
        (b"<b>" * MAX_ELEMENTS, "text/html", f"a selector that finds more than {MAX_SELECTED} elements"),
        (b" " * (MAX_MARKUP_BYTES + 1), "text/html", "a document of 1048577 bytes, larger than 1048576"),
        (b"<b>" * 900 + b"x<i>" * 2000, "text/html", "a selector that finds more than 1048576 characters"),
    ],
)
def test_hostile_document_is_named(body: bytes, content_type: str, found: str) -> None:
    assert find('css "b" == "x"', body, content_type) == found


def test_entities_are_neither_opened_nor_fetched() -> None:
    fetched = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    assert find('css "a" == ""', fetched, "text/xml") == ""
    nested = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    bomb = b'<!DOCTYPE a [<!ENTITY l0 "lol">' + nested + b"]><a>&l9;</a>"
    assert find('css "a" contains "lol"', bomb, "text/xml") != ""


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ('css "h1', 4),
        ("css h1", 4),
        ('css ""', 4),
        ('css "a:has(b)"', 5),
        ('css "a + b"', 6),
        ('css "a > > b"', 8),
        ('css "a,b"', 5),
        ('css "> a"', 4),
        ('css "a[b"', 5),
        ('css "' + "a " * 9 + '"', 19),
        ('css "a" count', 13),
        ('css "a" count contains "x"', 14),
    ],
)
def test_selector_that_is_not_accepted_is_refused_with_its_place(text: str, position: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_assertions(text)
    assert caught.value.position == position


STEPS = st.sampled_from(["a", "b", "*", ".c", "#d", "[e]", "a.c", "b[e='1']"])
SELECTORS = st.lists(st.tuples(STEPS, st.sampled_from([" ", " > "])), min_size=1, max_size=4).map(
    lambda parts: "".join(f"{step}{joint}" for step, joint in parts[:-1]) + parts[-1][0]
)
ELEMENTS: st.SearchStrategy[str] = st.recursive(
    st.sampled_from(["x", "<a></a>", '<b e="1"></b>']),
    lambda inner: (
        st.builds(
            "<{0}>{1}</{2}>".format,
            st.shared(st.sampled_from(["a", "b"]), key="tag"),
            st.lists(inner, max_size=4).map("".join),
            st.shared(st.sampled_from(["a", "b"]), key="tag"),
        )
        | st.builds('<b class="c f" id="{}" e="{}">{}</b>'.format, st.sampled_from("dg"), st.sampled_from("12"), inner)
    ),
    max_leaves=20,
)


@given(SELECTORS, ELEMENTS)
def test_one_pass_finds_what_a_tree_would(text: str, inside: str) -> None:
    document = f"<r>{inside}</r>"
    found = select(document.encode(), parse_selector(text), is_xml=True)
    tree = etree.fromstring(document)
    # `css` translates to an XPath that looks from the root down, the root itself included.
    expected = [element for element in tree.iter() if element in tree.getroottree().xpath(_write_xpath(text))]
    assert [each.text for each in found] == [" ".join("".join(element.itertext()).split()) for element in expected]


def _write_xpath(text: str) -> str:
    path = ""
    for number, step in enumerate(
        text.replace(" > ", ">").replace(" ", "~").replace(">", " > ").replace("~", " / ").split()
    ):
        if number % 2:
            path += "/" if step == ">" else "//"
            continue
        tag = step[0] if step[0] in "ab*" else "*"
        tests = {".c": "[contains(concat(' ',@class,' '),' c ')]", "#d": "[@id='d']", "[e]": "[@e]"} | {
            "a.c": "[contains(concat(' ',@class,' '),' c ')]",
            "b[e='1']": "[@e='1']",
        }
        path += tag + tests.get(step, "")
    return f"//{path}"


@given(st.binary(max_size=200) | st.text("<>/!-[]&;\"'= abx\0é", max_size=100).map(str.encode), st.booleans())
def test_any_body_is_read_or_refused(body: bytes, is_xml: bool) -> None:
    reason, found = "", []
    try:
        found = select(body, parse_selector("a b"), is_xml=is_xml)
    except UnreadableMarkupError as error:
        reason = str(error)
    assert len(found) <= MAX_SELECTED
    assert is_xml or not reason


@given(st.text(max_size=30) | st.text("ab#.[]='\">*:~ \\", max_size=20))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    refusal = None
    try:
        selector = parse_selector(text)
    except ConfigurationError as error:
        refusal = error
    if refusal is not None:
        assert 0 <= (refusal.position or 0) <= len(text)
    else:
        assert parse_selector(selector.text) == selector
        assert len(select(html.tostring(html.fromstring(PAGE)), selector, is_xml=False)) <= MAX_SELECTED
