"""HTML and XML: what a selector finds, whatever the document is, in one bounded pass."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from healthcheck.engine.assertions import judge, parse_assertions
from healthcheck.engine.assertions.aside import MAX_ON_LOOP_NS
from healthcheck.engine.assertions.markup import (
    MAX_ELEMENTS,
    MAX_MARKUP_BYTES,
    MAX_SELECTED,
    MAX_TEXT_CHARS,
    Document,
    Selected,
    UnreadableMarkupError,
    select,
)
from healthcheck.engine.assertions.selectors import Selector, parse_selector
from healthcheck.engine.types import ConfigurationError, Observation, State

NOW = datetime(2026, 1, 2, tzinfo=UTC)
# Without the limits each takes minutes or the machine's memory: the bound can be wide.
GENEROUS_SECONDS = 20.0
PAGE = b"""<!doctype html><HTML><head><title>Example \n  shop</title><meta name=version content="3.2"></head>
<body><main id=main><h1 class="big title">Wel<b>come</b></h1><a href="/cart?x=1&amp;y=2">Cart</a>
<ul><li>1<li class=on>2</ul></main><p lang=en-GB>a<script>var x</script><style>i{}</style><p>b<br>c
<i>d</i></body></html>"""
FEED = (
    b'<?xml version="1.0"?><a:feed xmlns:a="u"><entry id="1"><Updated>2026-01-01T23:00:00Z</Updated></entry></a:feed>'
)


def choose(text: str, selector: Selector, *, is_xml: bool) -> list[Selected] | str:
    """Return what is found, or the reason why nothing is."""
    found = select(Document(text, is_xml), [selector])[selector]
    return str(found) if isinstance(found, UnreadableMarkupError) else found


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
        'css "title" in 1 to 2 or css "h1" exists or css "h2"',
        'css "[class~=\'on\']" == "2"',
        'css "meta[name=version]" @content in 3 to 4',
        'css "meta" @content length < 4',
        'css "li" count == 2',
        'css "li" in 1 to 2',
        'css "li" @class == "on"',
        'css "body > h1" not exists',
        'css "h1 main" count == 0',
        'css "main li" one of "1", "2"',
        'css "a" @HREF == "/cart?x=1&y=2"',
        'css "UL LI" count == 2',
        'css "p" one of "a", "b c d"',
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
        (b"<b>" * (MAX_SELECTED + 1), "text/html", f"a selector that finds more than {MAX_SELECTED} elements"),
        (b" " * (MAX_MARKUP_BYTES + 1), "text/html", "a document of 1048577 bytes, larger than 1048576"),
        (b"<b>" * 900 + b"x<i>" * 2000, "text/html", f"a selector that finds more than {MAX_TEXT_CHARS} characters"),
    ],
)
def test_hostile_document_is_named(body: bytes, content_type: str, found: str) -> None:
    assert find('css "b" == "x"', body, content_type) == found


OWN = "an XML document that declares entities or attributes of its own"


@pytest.mark.parametrize(
    "declaration",
    [
        '<!ENTITY x SYSTEM "file:///etc/passwd">',
        '<!ENTITY x "down">',
        '<!ENTITY x "<b/><b/>">',
        '<!ENTITY % x "y">',
        '<!ATTLIST a b CDATA "c">',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_a_document_declares_is_neither_opened_nor_fetched(declaration: str, encoding: str) -> None:
    body = f"<!DOCTYPE a [{declaration}]><a>&x;</a>".encode(encoding)
    assert find('css "a" not exists', body, "text/xml") == OWN


def test_plain_doctype_and_the_five_entities_are_read() -> None:
    assert find('css "a" == "<&>"', b"<!DOCTYPE a><a>&lt;&amp;&gt;</a>", "text/xml") == ""


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        ('<?xml version="1.0" encoding="ISO-8859-1"?><A>ä</A>'.encode("latin-1"), "utf-8"),
        ('<?xml version="1.0"?><A>ä</A>'.encode("utf-16"), "utf-8"),
        ('<?xml version="1.0"?><A>ä</A>'.encode("utf-8-sig"), "utf-8"),
        ('<?xml version="1.0"?><A>ä</A>'.encode("cp1252"), "windows-1252"),
        ('<?xml version="1.0" encoding="unheard-of"?><A>ä</A>'.encode(), "utf-8"),
    ],
)
def test_xml_is_known_by_its_beginning_and_read_as_it_says(body: bytes, charset: str) -> None:
    (assertion,) = parse_assertions('css "A" == "ä"')
    assert judge([assertion], Observation(latency_us=1, body=body, charset=charset), now=NOW).verdict is State.UP


def test_prefixes_of_xml_are_the_documents_own_choice() -> None:
    body = b'<r xmlns:l="u"><l:a l:href="/x"/></r>'
    assert find('css "a" @xlink:href == "/x"', body, "text/xml") == ""
    assert find("css \"a[x:href='/x']\"", body, "text/xml") == ""


def test_document_is_read_once_for_all_selectors() -> None:
    selectors = [parse_selector(text) for text in ("h1", "li", "i i")]
    found = select(Document(PAGE.decode(), is_xml=False), selectors)
    assert [len(list(found[each])) for each in selectors if not isinstance(found[each], Exception)] == [1, 2, 0]  # type: ignore[arg-type]


def test_selector_that_finds_too_much_leaves_the_others_alone() -> None:
    many, one = parse_selector("i"), parse_selector("b")
    found = select(Document("<b>x</b>" + "<i>y</i>" * (MAX_SELECTED + 1), is_xml=False), [many, one])
    assert isinstance(found[many], UnreadableMarkupError)
    assert not isinstance(found[one], UnreadableMarkupError)


def test_markup_is_never_judged_on_the_loop() -> None:
    (assertion,) = parse_assertions('css "b"')
    assert assertion.estimate_ns(Observation(latency_us=1, body=b"<b>")) > MAX_ON_LOOP_NS


def test_search_in_many_elements_is_bounded_together() -> None:
    body = b"<b>" + b"</b><b>".join([b"01" * 500] * 400) + b"</b>"
    assert find('css "b" not matches "[01]*1[01]{400}x"', body) == "a text too long for this regular expression"


def test_more_selectors_than_one_endpoint_may_have_are_refused() -> None:
    assert len(parse_assertions('css "a" or css "b"\n' * 5)) == 5
    with pytest.raises(ConfigurationError) as caught:
        parse_assertions('css "a" or css "b"\n' * 6)
    assert caught.value.sentence == "Line 6: use at most 10 selectors for one endpoint."


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ('css "h1', 4),
        ("css h1", 4),
        ('css ""', 5),
        ('css "a:has(b)"', 6),
        ('css "a + b"', 7),
        ('css "a > > b"', 9),
        ('css "a,b"', 6),
        ('css "> a"', 5),
        ('css "a[b"', 6),
        ('css "' + "a " * 9 + '"', 20),
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
    found = choose(document, parse_selector(text), is_xml=True)
    assert not isinstance(found, str)
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


@given(st.text("<>/!-[]&;\"'= abx\0éENTITY", max_size=100) | st.text(max_size=100), st.booleans())
def test_any_text_is_read_or_refused(text: str, is_xml: bool) -> None:
    found = choose(text, parse_selector("a b"), is_xml=is_xml)
    assert is_xml or not isinstance(found, str)


@given(st.binary(max_size=100), st.sampled_from(["utf-8", "utf-16", "cp932"]), st.sampled_from(["", "text/xml"]))
def test_any_body_gets_a_judgement(body: bytes, charset: str, content_type: str) -> None:
    headers = (("content-type", content_type),)
    seen = Observation(latency_us=1, body=body, charset=charset, headers=headers)
    assert judge(parse_assertions('css "a b" not exists'), seen, now=NOW).verdict in {State.UP, State.DOWN}


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
        assert not isinstance(choose(PAGE.decode(), selector, is_xml=False), str)
