import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.assertions import Assertion, parse_assertion, parse_assertions
from healthcheck.engine.assertions.grammar import MAX_ASSERTION_CHARS, MAX_ASSERTIONS
from healthcheck.engine.assertions.subjects.status import MAX_STATUS_RANGES
from healthcheck.engine.types import ConfigurationError, State

BEGIN = (
    "Begin with what is judged: status, body, json, css, header, latency, certificate, size, redirects, address, "
    "protocol, loss, jitter, rcode, answers, ttl."
)


def refuse(text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        parse_assertion(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("status 200", "status 200"),
        ("  status   200 - 299 ,301 down ", "status 200-299, 301"),
        ("status 200-200 degraded", "status 200 degraded"),
        ('body contains "ready"', 'body contains "ready"'),
        ('body  not   contains"a\\u0041\\n" degraded', 'body not contains "aA\\n" degraded'),
        ('body matches "a+$"', 'body matches "a+$"'),
        ('body not matches "\\\\d{3}"', 'body not matches "\\\\d{3}"'),
        ("json $.a.b", "json $.a.b"),
        ('json $.a=="ok"', 'json $.a == "ok"'),
        ("json $['a b'][0] != null degraded", "json $['a b'][0] != null degraded"),
        ("json $[?@['x]'] == 'y z'].n >= -1.5e3", "json $[?@['x]'] == 'y z'].n >= -1.5e3"),
        ("json $..name == true", "json $..name == true"),
        ('json $.tags not contains "x"', 'json $.tags not contains "x"'),
        ("header X-State", "header x-state"),
        ("header degraded degraded", "header degraded degraded"),
        ('header content-type matches "^text/"', 'header content-type matches "^text/"'),
        ('header server != "x" down', 'header server != "x"'),
        ("latency < 800ms", "latency < 800ms"),
        ("latency <1.5 s degraded", "latency < 1500ms degraded"),
        ("certificate > 14 days", "certificate > 14 days"),
        ("certificate >1 day", "certificate > 1 days"),
        ("status  not 500-599 , 404", "status not 500-599, 404"),
        ('body == "pong"', 'body == "pong"'),
        ("body length>3", "body length > 3"),
        ("json $.a exists", "json $.a"),
        ("json $.a not  exists degraded", "json $.a not exists degraded"),
        ('json $.a one of "x",2,  null', 'json $.a one of "x", 2, null'),
        ('json $.a not one of "x"', 'json $.a not one of "x"'),
        ("json $.a in -1.5 to 2", "json $.a in -1.5 to 2"),
        ("json $.a length>=3", "json $.a length >= 3"),
        ("json $.a age<90 min", "json $.a age < 90min"),
        ("json $.a age in 0ms to 2 days", "json $.a age in 0ms to 2d"),
        ('css "main >  h1" contains "x"', 'css "main >  h1" contains "x"'),
        ('css " a " @href exists', 'css "a" @href'),
        ('css "li" count>=3 degraded', 'css "li" count >= 3 degraded'),
        ("header exists exists", "header exists"),
        ("header a not exists", "header a not exists"),
        ("header x-left > 10 degraded", "header x-left > 10 degraded"),
        ("header last-modified age < 60min", "header last-modified age < 1h"),
        ("header a length < 5", "header a length < 5"),
        ("latency tls <= 0.2s", "latency tls <= 200ms"),
        ("latency in 1ms to 1s", "latency in 1ms to 1000ms"),
        ("latency < 500us", "latency < 500us"),
        ("latency connect < 0.5 ms", "latency connect < 500us"),
        ("latency < 1500µs", "latency < 1500us"),
        ("latency < 1.5ms", "latency < 1500us"),
        ("latency < 2000μs", "latency < 2ms"),
        ("jitter < 0.25ms degraded", "jitter < 250us degraded"),
        ("loss <= 20 % degraded", "loss <= 20% degraded"),
        ("loss == 0%", "loss == 0%"),
        ("loss in 0.50% to 33.333%", "loss in 0.5% to 33.333%"),
        ("jitter <0.03s", "jitter < 30ms"),
        ("certificate chain > 7 days", "certificate chain > 7 days"),
        ('certificate issuer contains "Example"', 'certificate issuer contains "Example"'),
        ("size < 100 kB", "size < 100kB"),
        ("size in 1 to 1KiB degraded", "size in 1B to 1KiB degraded"),
        ("redirects == 0", "redirects == 0"),
        ('address one of "10.0.0.0/8","::1"', 'address one of "10.0.0.0/8", "::1"'),
        ('protocol == "HTTP/1.1"', 'protocol == "HTTP/1.1"'),
        ("status 200  or  status 404 degraded", "status 200 or status 404 degraded"),
        ("header or or json $.or or latency < 1s", "header or or json $.or or latency < 1000ms"),
    ],
)
def test_assertion_has_one_canonical_text(text: str, canonical: str) -> None:
    parsed = parse_assertion(text)
    assert str(parsed) == canonical
    assert parse_assertion(canonical) == parsed


@pytest.mark.parametrize(
    ("text", "position", "sentence"),
    [
        ("", 0, BEGIN),
        ("statuses 200", 0, BEGIN),
        ("status", 6, "Write status codes and ranges, for example: status 200-299, 301."),
        ("status 2xx", 7, "Write status codes and ranges, for example: status 200-299, 301."),
        ("status 299-200", 7, "Status codes go from 100 to 999, the lower one first."),
        ("status 200, 99", 12, "Status codes go from 100 to 999, the lower one first."),
        ("body", 4, "Compare with one of: ==, !=, contains, not contains, matches, not matches, length."),
        (
            "body < 5",
            5,
            "“<” does not work here; use one of: ==, !=, contains, not contains, matches, not matches, length.",
        ),
        ("body contains ready", 14, 'Put the text in double quotes, for example "ready".'),
        ('body contains "ready', 14, 'Put the text in double quotes, for example "ready".'),
        (
            'body contains "a\\d"',
            16,
            'Escapes are \\" \\\\ \\n \\t and \\u0041; double other backslashes.',
        ),
        (
            'body contains "\\ud800"',
            14,
            "Half of a surrogate pair is not a character; write both halves or the character.",
        ),
        (
            'body matches "(?=a)"',
            13,
            (
                "The regular expression is not accepted: invalid perl operator: (?=. Write it in RE2's syntax (no "
                "look-around, no back-references)."
            ),
        ),
        ("json a", 5, "Write a JSON path that begins with $, for example: json $.status."),
        (
            "json $.a[",
            9,
            (
                "The JSON path is not accepted at character 5: unexpected end of query. Write it as RFC 9535 does, for "
                "example $.database.status."
            ),
        ),
        ("json $.a == ok", 12, 'Compare with a "text" in double quotes, a number, true, false or null.'),
        ('json $.a < "x"', 11, "Compare with a number, for example: json $.queue < 100."),
        ("json $.a == 1e999", 12, "The number is too large."),
        (
            "json $..a..b",
            5,
            "The JSON path uses “..” more than once, which can visit too many values; use it once at most.",
        ),
        (
            "json $[?$.a == 1]",
            5,
            "A filter in the JSON path may only follow names and indexes from @, for example [?@.name == 'db'].",
        ),
        ("header", 6, "Write the name of a header, for example: header content-type."),
        ("header a == 1", 12, 'Put the text in double quotes, for example "ready".'),
        ("json $.a in 1", 13, "Write the lower and the upper bound with “to” between them, for example: in 1 to 10."),
        ("json $.a in 2 to 1", 12, "Write the lower bound first."),
        ("json $.a length == -1", 19, "Compare with a whole number, for example: length >= 3."),
        ("redirects == 1.5", 13, "Compare with a whole number, for example: length >= 3."),
        ("size < ١٠", 7, "Write a size in bytes, kB, KiB, MB or MiB, for example: size < 100kB."),
        ("status ２００", 7, "Write status codes and ranges, for example: status 200-299, 301."),
        ("json $.a length", 15, "Compare with one of: ==, !=, <, <=, >, >=, in, not in."),
        ("json $.a age == 5s", 13, "“==” does not work here; use one of: <, <=, >, >=, in, not in."),
        ("json $.a age < 5", 15, "Write a duration in ms, s, min, h or d, for example: age < 5min."),
        ("json $.a age < 0.5ms", 15, "Durations are whole milliseconds."),
        ("json $.a age < 36501d", 15, "Durations are a hundred years at most."),
        ("size < 1000001MB", 7, "Sizes are a terabyte at most."),
        ("latency", 7, "Write a limit of time, for example: latency < 800ms."),
        ("latency < 5", 10, "Write a duration in us, ms, s, min, h or d, for example: latency < 800ms."),
        ("size < 5 apples", 9, "Only “degraded” or “down” may follow here, as the last word."),
        ("size < much", 7, "Write a size in bytes, kB, KiB, MB or MiB, for example: size < 100kB."),
        ("size < 0.5B", 7, "Sizes are whole bytes."),
        (
            'address == "example.org"',
            11,
            'Write an address or a network, for example: address one of "192.0.2.0/24", "2001:db8::1".',
        ),
        ("status 200 or", 13, BEGIN),
        ("status 200 or degraded", 14, BEGIN),
        ("latency < 0ms", 10, "The limit is from 1us to 10min, in whole microseconds."),
        ("loss", 4, "Compare with one of: ==, !=, <, <=, >, >=, in, not in."),
        ("loss < 20", 7, "Write a share from 0% to 100%, for example: loss <= 20%."),
        ("loss < 100.5%", 7, "Write a share from 0% to 100%, for example: loss <= 20%."),
        ("loss < 1e2%", 7, "Write a share from 0% to 100%, for example: loss <= 20%."),
        ("jitter < 0ms", 9, "The limit is from 1us to 10min, in whole microseconds."),
        ("certificate > 14", 12, "Write > and days, at most 3650, for example: certificate > 14 days."),
        ("status 200 slow", 11, "Only “degraded” or “down” may follow here, as the last word."),
        ("status 200 degraded down", 11, "Only “degraded” or “down” may follow here, as the last word."),
    ],
)
def test_mistake_is_named_with_its_place_and_cure(text: str, position: int, sentence: str) -> None:
    error = refuse(text)
    assert (error.position, error.sentence) == (position, sentence)


@pytest.mark.parametrize(
    "text",
    [
        'json $[?match(@.a, "(a+)+$")]',
        'json $[?search(@.a, "(a+)+$")]',
        "json $[?@..a]",
        "json $[?@[*] == 1]",
        "json $" + "[*,*]" * 13,
        "json $" + ".a" * 250,
        "json $[99999999999999999999]",
        "json $[?@.a == 1e999]",
        "json $.a | $.b",
        "json $[?" + "(" * 480,
        'body matches "' + "|".join(f"w{number}" for number in range(1000)) + '"',
        'body matches "(a{1,60}){1,15}b"',
        'body matches "((((a{100}){100}){100}){100})"',
        'body matches "' + "(" * 900 + '"',
        'body contains "' + "x" * 1001 + '"',
        "status " + ", ".join(["200"] * (MAX_STATUS_RANGES + 1)),
        "header " + "x" * 101,
        "header a\x00b",
        "header a\r\nb: c",
        "latency < " + "9" * 5000 + "s",
        "x" * (MAX_ASSERTION_CHARS + 1),
        "json $.a one of " + ",".join(["1"] * 51),
        " or ".join(["status 200"] * 11),
    ],
)
def test_what_could_cost_too_much_is_refused_when_saved(text: str) -> None:
    assert refuse(text).sentence


def test_assertion_is_as_long_as_its_column_at_most() -> None:
    text = 'body contains "{}"'
    room = 1000 - len(text.format(""))
    assert len(str(parse_assertions(text.format("x" * room))[0])) == 1000
    assert "at most 1000 characters" in refuse(text.format("x" * (room + 1))).sentence


def test_several_lines_are_parsed_without_the_empty_ones() -> None:
    parsed = parse_assertions('\nstatus 200\r\n   \nbody contains "a" degraded\n')
    assert [str(assertion) for assertion in parsed] == ["status 200", 'body contains "a" degraded']
    assert [assertion.severity for assertion in parsed] == [State.DOWN, State.DEGRADED]
    assert [assertion.needs_body for assertion in parsed] == [False, True]
    assert parse_assertions("") == ()


def test_mistake_in_several_lines_names_the_line_and_the_place_in_the_text() -> None:
    text = "status 200\n\n  status 2xx"
    with pytest.raises(ConfigurationError) as caught:
        parse_assertions(text)
    assert caught.value.sentence == "Line 3: Write status codes and ranges, for example: status 200-299, 301."
    assert caught.value.position == text.index("2xx")


def test_too_many_assertions_are_refused() -> None:
    assert len(parse_assertions("status 200\n" * MAX_ASSERTIONS)) == MAX_ASSERTIONS
    with pytest.raises(ConfigurationError):
        parse_assertions("status 200\n" * (MAX_ASSERTIONS + 1))


def test_operands_of_different_types_are_different_assertions() -> None:
    assert parse_assertion("json $.a == true") != parse_assertion("json $.a == 1")
    assert parse_assertion('json $.a == "1"') != parse_assertion("json $.a == 1")


PIECES = [
    *(
        "status",
        "body",
        "json",
        "header",
        "latency",
        "certificate",
        "not",
        "contains",
        "matches",
        "==",
        "!=",
        "<",
        ">=",
    ),
    *(
        "200-299",
        "301",
        ",",
        "$",
        "$.a",
        "..",
        "[",
        "]",
        "?",
        "@.b",
        "*",
        '"',
        '"x"',
        "'",
        "\\",
        "800",
        "ms",
        "s",
        "14",
    ),
    *("or", "in", "to", "one of", "length", "age", "exists", "size", "redirects", "address", "kB", "min", "tls"),
    *("days", "degraded", "down", "(", ")", "1e9", "-", "null", "\n", "\0", "\ud800", "é", " "),
]


@given(st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=10).map(" ".join))
def test_any_text_is_parsed_back_or_refused_with_a_sentence(text: str) -> None:
    refusal: ConfigurationError | None = None
    try:
        parsed = parse_assertions(text)
    except ConfigurationError as error:
        refusal = error
    if refusal is None:
        assert parse_assertions("\n".join(str(assertion) for assertion in parsed)) == parsed
    else:
        assert refusal.sentence
        assert 0 <= (refusal.position or 0) <= len(text)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MEMBERS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
SEVERITIES = st.sampled_from(["", " degraded", " down"])
TEXT_TESTS = st.builds(
    lambda operator, text: f"{operator} {json.dumps(text)}", st.sampled_from(["contains", "not contains"]), WORDS
)
RANGES = st.integers(100, 999).flatmap(lambda low: st.integers(low, 999).map(lambda high: f"{low}-{high}"))
NAMES = st.text("abcXYZ019-_", min_size=1, max_size=20)
ASSERTIONS = st.one_of(
    st.lists(RANGES, min_size=1, max_size=5).map(lambda ranges: "status " + ",".join(ranges)),
    TEXT_TESTS.map("body {}".format),
    st.builds("json $[{}] {}".format, MEMBERS.map(json.dumps), TEXT_TESTS),
    st.builds("json $.a {} {}".format, st.sampled_from(["==", "!=", "<", ">"]), st.integers(-(10**9), 10**9)),
    st.builds("header {} {}".format, NAMES, TEXT_TESTS),
    NAMES.map("header {}".format),
    st.integers(1, 600_000).map("latency < {}ms".format),
    st.integers(0, 3650).map("certificate > {} days".format),
    st.builds("loss <= {}.{:03}%".format, st.integers(0, 99), st.integers(0, 999)),
    st.builds("json $.a age < {}ms".format, st.integers(0, 36_500 * 86_400_000)),
    st.builds("json $.a age < {}.{:03}h".format, st.integers(0, 876_000 - 1), st.integers(0, 999)),
    st.builds("header {} length {} {}".format, NAMES, st.sampled_from(["<", ">=", "!="]), st.integers(0, 10**6)),
    st.lists(st.integers(-5, 5) | st.booleans().map(lambda truth: str(truth).lower()), min_size=1, max_size=5).map(
        lambda values: "json $.a one of " + ",".join(map(str, values))
    ),
    st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=2).map(
        lambda bounds: "json $.a not in {} to {}".format(*sorted(bounds))
    ),
    st.builds("size <= {}".format, st.integers(0, 10**12)),
    st.builds("size <= {}.{:03}MB".format, st.integers(0, 10**6 - 1), st.integers(0, 999)),
    st.ip_addresses().map('address != "{}"'.format),
)


@given(st.lists(ASSERTIONS, min_size=1, max_size=3).map(" or ".join), SEVERITIES)
def test_every_form_survives_the_round_trip(text: str, severity: str) -> None:
    parsed: Assertion = parse_assertion(text + severity)
    assert parse_assertion(str(parsed)) == parsed
    assert parsed.severity is (State.DEGRADED if severity == " degraded" else State.DOWN)
