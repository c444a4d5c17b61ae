"""Any document under any path, selector and assertion: a judgement within its bounds, and nothing raised."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.assertions import judge, parse_assertion, parse_assertions
from healthcheck.engine.assertions.json_document import UnreadableJsonError, read_json
from healthcheck.engine.assertions.json_path import MAX_STEPS, TooManyValuesError, compile_path
from healthcheck.engine.decoding import choose_charset, decode_text
from healthcheck.engine.types import ConfigurationError, Observation, State
from tests.engine.test_assertions_grammar import ASSERTIONS, PIECES
from tests.fuzz.wire import NOW

DOCUMENTS = st.one_of(
    st.binary(max_size=80),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc") | st.text(), inner, max_size=4)
        ),
        max_leaves=20,
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [
            b"[" * 5000,
            b'{"a":' * 3000,
            b"1" * 6000,
            b"NaN",
            b"-Infinity",
            b'"\\ud800"',
            b"\xef\xbb\xbf{}",
            b'{"a":1,"a":2}',
            b"1e400",
            b"-0",
            b'"\\u0000"',
            "{}".encode("utf-16"),
            b"[1,]",
            b"\xff",
            b"",
        ]
    ),
)
PATH_PIECES = st.sampled_from(
    [
        "$",
        ".",
        "..",
        "a",
        "b",
        "*",
        "[*]",
        "[0]",
        "[-1]",
        "[0:2:1]",
        "[::-1]",
        "['a']",
        '["a"]',
        "[?@.a]",
        "[?@.a == 1]",
        "[?@ > $.a]",
        "[?!@.b && @.a || @.c]",
        "[?length(@.a) > 1]",
        "[?count(@.*) == 2]",
        "[?value(@.a) == 'x']",
        "[",
        "]",
        "?",
        "@",
        "(",
        ")",
        "==",
        "<",
        "&&",
        "'",
        '"',
        "\\",
        ",",
        ":",
        "-",
        "9" * 30,
        "1e5",
        "match(@, 'a')",
        "#",
        "~",
        "|",
        "_",
        "^",
        "/",
        "in",
        "true",
        "null",
        "\x00",
        "�",
        "é",
        " ",
    ]
)
PATHS = st.lists(PATH_PIECES, max_size=10).map("".join) | st.text(max_size=30)


@given(PATHS | PATHS.map("$".__add__), DOCUMENTS)
def test_any_path_selects_from_any_document_or_is_refused(text: str, body: bytes) -> None:
    with suppress(ConfigurationError, UnreadableJsonError, TooManyValuesError):
        document, path = read_json(body), compile_path(text)
        assert len(list(path.select(document))) <= MAX_STEPS
        assert compile_path(path.text) == path


CHARSETS = st.sampled_from(["utf-8", "utf-16", "utf-7", "hex", "idna", "cp932", "rot13", "gb18030", "punycode", "\0"])
CONTENT_TYPES = st.builds(
    "{}; charset={}".format, st.sampled_from(["text/html", "application/json", "text/xml"]), CHARSETS
)


@given(st.binary(max_size=100), CHARSETS | st.text(max_size=12))
def test_any_body_in_any_charset_is_text(body: bytes, charset: str) -> None:
    for chosen in (charset, choose_charset(f"text/html; charset={charset}"), choose_charset(charset)):
        # A lone surrogate could be neither searched nor stored.
        decode_text(body, chosen).encode("utf-8")


MARKUP = st.text("<>/!-[]&;\"'= abx\0éENTITYDOCTYPE?%#", max_size=80).map(str.encode)
WRITTEN = st.lists(ASSERTIONS, min_size=1, max_size=5)
MORE = st.sampled_from(
    [
        'css "a > b[c=d]" exists',
        'css "a" contains "x"',
        'css "*" length > 3',
        'css ".a #b" age < 1d',
        'body matches "(a|b)+c"',
        "json $..* exists",
        "json $..[?@.a > 1] length < 3",
        "json $.a age < 1d",
        'json $ matches "a.*b"',
        "size < 10",
        "header a length > 2",
        "header date age < 1h",
        "certificate > 3 days",
        'protocol == "HTTP/1.1"',
        "redirects < 2",
    ]
)


@given(
    WRITTEN | st.lists(MORE, min_size=1, max_size=5),
    DOCUMENTS | MARKUP,
    CHARSETS,
    st.lists(
        st.tuples(st.sampled_from(["a", "date", "content-type"]), st.text(max_size=20) | CONTENT_TYPES), max_size=3
    ),
)
def test_any_answer_is_judged_and_every_judgement_explained(
    texts: list[str], body: bytes, charset: str, headers: list[tuple[str, str]]
) -> None:
    seen = Observation(
        latency_us=1000, status=200, body=body, body_size=len(body), charset=charset, headers=tuple(headers)
    )
    with suppress(ConfigurationError):
        assertions = parse_assertions("\n".join(texts))
        judgement = judge(assertions, seen, now=NOW, details=True)
        assert judgement.verdict in {State.UP, State.DEGRADED, State.DOWN}
        held = [outcome.held for outcome in judgement.assertions if outcome.verdict is not State.DEGRADED]
        assert (judgement.verdict is State.DOWN) is (not all(held))


SCRAPS: st.SearchStrategy[Any] = st.lists(ASSERTIONS | MORE | st.sampled_from(PIECES) | st.text(max_size=8), max_size=6)


@given(SCRAPS.map(" ".join) | SCRAPS.map(" or ".join))
def test_any_assertion_survives_the_way_to_text_and_back(text: str) -> None:
    with suppress(ConfigurationError):
        parsed = parse_assertion(text)
        again = parse_assertion(str(parsed))
        assert again == parsed
        assert str(again) == str(parsed)
