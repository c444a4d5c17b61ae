import asyncio
import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.assertions import Judgement, evaluate, judge, parse_assertions
from healthcheck.engine.assertions.facts import EXCERPT_CHARS
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import (
    AssertionOutcome,
    Certificate,
    ErrorKind,
    Evidence,
    Observation,
    Phase,
    PhaseTimes,
    State,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CERTIFICATE = Certificate("CN=a", "CN=b", NOW, NOW + timedelta(days=14), "00")
BODY = json.dumps(
    {
        "status": "ok",
        "ready": True,
        "queue": 12,
        "load": 0.5,
        "none": None,
        "tags": ["a", "b"],
        "updated": "2026-01-01T23:55:00Z",
        "services": [{"name": "db", "state": "up"}, {"name": "mail", "state": "down"}],
    }
).encode()
SEEN = Observation(
    latency_us=250_000,
    status=200,
    headers=(
        ("content-type", "text/html"),
        ("X-Cache", " HIT "),
        ("x-cache", "MISS"),
        ("last-modified", "Thu, 01 Jan 2026 23:00:00 GMT"),
        ("x-left", "12"),
    ),
    body=BODY,
    body_size=len(BODY),
    address="192.0.2.1",
    certificate=CERTIFICATE,
    phases=PhaseTimes(connect_us=5_000, tls_us=20_000),
    redirects=("https://b/",),
    protocol="HTTP/1.1",
    read_chain=lambda: (CERTIFICATE, replace(CERTIFICATE, subject="CN=b", not_after=NOW + timedelta(days=3))),
)


def look(text: str, observation: Observation = SEEN) -> Judgement:
    return judge(parse_assertions(text), observation, now=NOW)


def test_less_than_a_millisecond_is_told_in_microseconds() -> None:
    quick = replace(SEEN, latency_us=480)
    assert look("latency <= 0.48ms", quick).verdict is State.UP
    judgement = look("latency < 480us", quick)
    assert (judgement.verdict, judgement.excess_us) == (State.DOWN, 0)
    assert judgement.evidence
    assert judgement.evidence.found == "480us"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "status 100-199, 200",
        'body contains "status"',
        'body not contains "error"',
        'body matches "(?i)STATUS.*ok"',
        'body not matches "err(or)+"',
        "json $.status",
        "json $.none",
        'json $.status == "ok"',
        'json $.status != "down"',
        'json $.status contains "k"',
        'json $.status matches "^o"',
        "json $.ready == true",
        "json $.ready != 1",
        "json $.none == null",
        "json $.queue == 12.0",
        "json $.queue < 100",
        "json $.load >= 0.5",
        'json $.tags contains "a"',
        'json $.tags not contains "c"',
        "json $.services[?@.name == 'db'].state == \"up\"",
        'json $..name matches "db|mail"',
        "json $.services[?length(@.name) > 2].state",
        "header X-CACHE",
        'header x-cache == "HIT, MISS"',
        'header content-type contains "html"',
        'header content-type not matches "json"',
        'header absent not contains "x"',
        'header absent != "x"',
        "latency < 251ms",
        "certificate > 13 days",
        "status not 500-599",
        'body contains "ok" or status 500',
        'status 500 or body contains "ok"',
        "body length > 3",
        "json $.absent not exists",
        'json $.status one of "ok", "fine"',
        "json $.ready one of 1, true",
        'json $.status not one of "down", 1',
        "json $.queue in 12 to 12",
        "json $.queue not in 13 to 20",
        "json $.tags length == 2",
        "json $.status length in 1 to 2",
        "json $.none length < 5 or json $.none == null",
        "json $.updated age < 5min or json $.updated age <= 5min",
        "json $.updated age in 4min to 6min",
        "header last-modified age > 59min",
        "header x-left >= 12",
        "header x-left in 10 to 20",
        "header x-left length == 2",
        "header absent not exists",
        'header x-left one of "12", "13"',
        "latency <= 250ms",
        "latency tls in 20ms to 20ms",
        "latency connect < 6ms",
        "latency connect < 5001us",
        "latency > 100ms",
        "certificate chain > 2 days",
        'certificate issuer == "CN=b"',
        'certificate subject not matches "^CN=b$"',
        'certificate fingerprint one of "00", "11"',
        f"size == {len(BODY)}",
        "size < 1kB",
        "redirects == 1",
        "redirects in 0 to 2",
        'address one of "192.0.2.0/24", "2001:db8::/32"',
        'address != "192.0.2.2"',
        'protocol one of "HTTP/1.1", "HTTP/2"',
    ],
)
def test_assertion_that_holds_is_up(text: str) -> None:
    assert look(text) == Judgement(State.UP)


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("status 201-299", ErrorKind.STATUS, "status 200"),
        ('body contains "error"', ErrorKind.ASSERTION, "not in the body"),
        ('body not contains "status"', ErrorKind.ASSERTION, "in the body at character 3"),
        ('body matches "^x"', ErrorKind.ASSERTION, "not in the body"),
        ('body not matches "stat"', ErrorKind.ASSERTION, "in the body at character 3"),
        ("json $.absent", ErrorKind.ASSERTION, "nothing at that path"),
        ('json $.absent != "x"', ErrorKind.ASSERTION, "nothing at that path"),
        ('json $.status == "down"', ErrorKind.ASSERTION, '"ok"'),
        ("json $.ready == 1", ErrorKind.ASSERTION, "true"),
        ('json $.queue == "12"', ErrorKind.ASSERTION, "12"),
        ("json $.ready < 5", ErrorKind.ASSERTION, "true"),
        ("json $.none != null", ErrorKind.ASSERTION, "null"),
        ("json $.load > 0.5", ErrorKind.ASSERTION, "0.5"),
        ('json $.queue contains "1"', ErrorKind.ASSERTION, "12"),
        ('json $.tags contains "c"', ErrorKind.ASSERTION, "a list of 2 items"),
        ('json $.tags matches "a"', ErrorKind.ASSERTION, "a list of 2 items"),
        ('json $ == "ok"', ErrorKind.ASSERTION, "an object with 8 members"),
        ('json $.services[*].state == "up"', ErrorKind.ASSERTION, '"down"'),
        ("header absent", ErrorKind.ASSERTION, "no such header"),
        ('header absent == "x"', ErrorKind.ASSERTION, "no such header"),
        ('header x-cache == "HIT"', ErrorKind.ASSERTION, '"HIT, MISS"'),
        ("latency < 250ms", ErrorKind.ASSERTION, "250ms"),
        ("certificate > 14 days", ErrorKind.CERTIFICATE, "14.0 days, until 2026-01-16 00:00 UTC"),
        ("status not 200-299", ErrorKind.STATUS, "status 200"),
        ('body == "ok"', ErrorKind.ASSERTION, "another text"),
        ("body length < 3", ErrorKind.ASSERTION, f"a body of length {len(BODY)}"),
        ("json $.queue not exists", ErrorKind.ASSERTION, "12"),
        ('json $.status one of "fine", true', ErrorKind.ASSERTION, '"ok"'),
        ("json $.ready one of 1, 2", ErrorKind.ASSERTION, "true"),
        ("json $.ready in 0 to 2", ErrorKind.ASSERTION, "true"),
        ("json $.status in 0 to 2", ErrorKind.ASSERTION, '"ok"'),
        ("json $.queue length < 5", ErrorKind.ASSERTION, "12, without a length"),
        ("json $.tags length > 2", ErrorKind.ASSERTION, "a list of 2 items, of length 2"),
        ("json $.updated age < 5min", ErrorKind.ASSERTION, '"2026-01-01T23:55:00Z", 5.0 min old'),
        ("json $.status age < 5min", ErrorKind.ASSERTION, '"ok", which is no point in time'),
        ("header last-modified age < 1h", ErrorKind.ASSERTION, '"Thu, 01 Jan 2026 23:00:00 GMT", 1.0 h old'),
        ("header x-left not exists", ErrorKind.ASSERTION, '"12"'),
        ("header content-type > 1", ErrorKind.ASSERTION, '"text/html"'),
        ("header absent > 1", ErrorKind.ASSERTION, "no such header"),
        ("latency tls < 20ms", ErrorKind.ASSERTION, "20ms"),
        ("latency connect < 4999us", ErrorKind.ASSERTION, "5ms"),
        ("latency > 1000ms", ErrorKind.ASSERTION, "250ms"),
        ("certificate chain > 3 days", ErrorKind.CERTIFICATE, '3.0 days, until 2026-01-05 00:00 UTC, of "CN=b"'),
        ('certificate issuer contains "Example"', ErrorKind.CERTIFICATE, '"CN=b"'),
        ("size > 1MB", ErrorKind.ASSERTION, f"{len(BODY)} bytes"),
        ("redirects == 0", ErrorKind.ASSERTION, "1"),
        ('address not one of "192.0.2.0/24"', ErrorKind.ASSERTION, "192.0.2.1"),
        ('protocol == "HTTP/2"', ErrorKind.ASSERTION, '"HTTP/1.1"'),
        ("status 404 or status 500", ErrorKind.STATUS, "status 200; status 200"),
        ("status 404 or header absent", ErrorKind.ASSERTION, "status 200; no such header"),
    ],
)
def test_assertion_that_fails_says_what_was_found(text: str, kind: ErrorKind, found: str) -> None:
    judgement = look(text)
    assert (judgement.verdict, judgement.error_kind, judgement.phase) == (State.DOWN, kind, Phase.ASSERT)
    assert judgement.evidence
    assert (judgement.evidence.sentence, judgement.evidence.expected) == (SENTENCES[kind], text)
    assert judgement.evidence.found == found


def test_failure_carries_its_evidence() -> None:
    observation = Observation(
        latency_us=1,
        status=500,
        body=b"broken",
        address="192.0.2.1",
        certificate=CERTIFICATE,
        redirects=("https://b/",),
    )
    assert look("status 200", observation).evidence == Evidence(
        sentence="It answered with an unexpected status.",
        expected="status 200",
        found="status 500",
        address="192.0.2.1",
        excerpt="broken",
        certificate=CERTIFICATE,
        redirects=("https://b/",),
        assertions=(AssertionOutcome("status 200", "status 200", "status 500", State.DOWN),),
    )


def test_failure_tells_of_every_assertion_as_it_was_written() -> None:
    texts = 'latency  <  1s\nbody contains "nope" degraded\njson $.queue == 12\nstatus 201\njson $.status == "down"'
    judgement = look(texts)
    assert judgement.evidence
    assert judgement.evidence.assertions == judgement.assertions
    assert judgement.assertions == (
        AssertionOutcome("latency  <  1s", "latency < 1000ms", "250ms", State.UP),
        AssertionOutcome('body contains "nope" degraded', 'body contains "nope"', "not in the body", State.DEGRADED),
        AssertionOutcome("json $.queue == 12", "json $.queue == 12", "12", State.UP),
        AssertionOutcome("status 201", "status 201", "status 200", State.DOWN),
        AssertionOutcome('json $.status == "down"', 'json $.status == "down"', '"ok"', State.DOWN),
    )
    assert (judgement.error_kind, judgement.evidence.expected) == (ErrorKind.STATUS, "status 201")


def test_failure_tells_of_the_implied_status_first() -> None:
    assert look("latency < 1ms", replace(SEEN, redirects=())).assertions == (
        AssertionOutcome("status 200-399", "status 200-399", "status 200", State.UP),
        AssertionOutcome("latency < 1ms", "latency < 1ms", "250ms", State.DOWN),
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("status 200", "status 200"),
        ('body contains "status"', "in the body"),
        ('body not contains "error"', "not in the body"),
        ("json $.tags", "a list of 2 items"),
        ("json $.services[*].name", "something at that path"),
        ('json $.services[*].name != "x"', "so for everything at that path"),
        ("header x-cache", '"HIT, MISS"'),
        ('header absent != "x"', "no such header"),
        ("latency < 251ms", "250ms"),
        ("certificate > 13 days", "14.0 days, until 2026-01-16 00:00 UTC"),
    ],
)
def test_assertion_that_holds_tells_what_was_found_on_demand(text: str, found: str) -> None:
    judgement = judge(parse_assertions(text), SEEN, now=NOW, details=True)
    assert judgement.evidence is None
    assert [(each.text, each.found, each.held) for each in judgement.assertions][-1] == (text, found, True)


def test_degraded_failure_carries_its_kind() -> None:
    judgement = look("latency < 100ms degraded")
    assert (judgement.verdict, judgement.error_kind) == (State.DEGRADED, ErrorKind.ASSERTION)


def test_worst_failure_decides_and_among_equals_the_first() -> None:
    judgement = look("latency < 1ms degraded\nstatus 200\nheader absent\nstatus 500")
    assert judgement.evidence
    assert (judgement.verdict, judgement.evidence.expected) == (State.DOWN, "header absent")


@pytest.mark.parametrize(
    ("status", "redirects", "verdict"),
    [
        (200, (), State.UP),
        (304, (), State.UP),
        (199, (), State.DOWN),
        (400, (), State.DOWN),
        (204, ("https://b/",), State.UP),
        (304, ("https://b/",), State.DOWN),
        (None, (), State.UP),
    ],
)
def test_status_is_judged_when_no_assertion_speaks_of_it(
    status: int | None, redirects: tuple[str, ...], verdict: State
) -> None:
    observation = Observation(latency_us=1, status=status, redirects=redirects)
    assert look("latency < 1s", observation).verdict is verdict


def test_status_that_an_assertion_speaks_of_is_judged_by_it_alone() -> None:
    assert look("status 503", replace(SEEN, status=503)).verdict is State.UP


def test_what_was_not_observed_does_not_hold() -> None:
    nothing = Observation(latency_us=1)
    expected = {
        "status 200": "no HTTP status",
        "certificate > 1 days": "no certificate",
        'body contains "a"': "not in the body",
        "certificate chain > 1 days": "no certificate",
        'certificate subject == "a"': "no certificate",
        'address == "::1"': "no address",
        'protocol == "HTTP/1.1"': "no protocol",
        "json $": "not JSON: expecting value in line 1, column 1",
    }
    for text, found in expected.items():
        evidence = look(text, nothing).evidence
        assert evidence
        assert evidence.found == found


def test_alternatives_speak_of_status_and_want_the_body_when_one_of_them_does() -> None:
    (either,) = parse_assertions('status 503 or body contains "ok"')
    assert either.needs_body
    assert judge([either], replace(SEEN, status=503, body=b""), now=NOW).verdict is State.UP


def test_lag_can_excuse_what_an_alternative_of_time_would_have_held() -> None:
    assert look("status 500 or latency < 100ms or latency < 200ms").excess_us == 50_000
    # Too fast is no lag of ours, and neither is what nothing of time could have held.
    assert look("latency in 1s to 2s").excess_us is None
    assert look("status 500 or header absent").excess_us is None
    assert look("latency tls <= 10ms").excess_us == 10_000


def test_excerpt_surrounds_what_was_found_and_is_capped() -> None:
    body = "ä" * 5000 + "broken" + "ö" * 5000
    judgement = look('body not matches "broken"', replace(SEEN, body=body.encode()))
    assert judgement.evidence
    assert judgement.evidence.found == "in the body at character 5001"
    assert "äbrokenö" in judgement.evidence.excerpt
    assert len(judgement.evidence.excerpt) == EXCERPT_CHARS


def test_body_is_read_in_its_charset() -> None:
    latin = replace(SEEN, body="naïve".encode("latin-1"), charset="latin-1")
    assert look('body contains "naïve"', latin).verdict is State.UP
    assert look('body contains "naïve"', replace(latin, charset="utf-8")).verdict is State.DOWN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_json_is_read_in_every_encoding_it_may_have(encoding: str) -> None:
    assert look('json $.a == "é"', replace(SEEN, body='{"a": "é"}'.encode(encoding))).verdict is State.UP


async def test_small_bodies_are_judged_on_the_loop_and_large_ones_elsewhere() -> None:
    assertions = parse_assertions("json $.a == 1")
    small, large = b'{"a": 1}', b'{"a": 1, "b": "' + b"x" * 200_000 + b'"}'
    before = set(threading.enumerate())
    assert (await evaluate(assertions, replace(SEEN, body=small), now=NOW)).verdict is State.UP
    assert set(threading.enumerate()) - before == set()
    beside = asyncio.create_task(asyncio.sleep(0, "ran"))
    assert (await evaluate(assertions, replace(SEEN, body=large), now=NOW)).verdict is State.UP
    assert beside.done()


async def test_dear_condition_on_a_header_is_judged_elsewhere() -> None:
    assertions = parse_assertions('header x-a not matches "[01]*1[01]{300}x"')
    beside = asyncio.create_task(asyncio.sleep(0, "ran"))
    observation = replace(SEEN, headers=(("x-a", "01" * 20_000),), body=None)
    assert (await evaluate(assertions, observation, now=NOW)).verdict is State.UP
    assert beside.done()


def test_latency_decides_only_when_nothing_else_of_its_severity_fails() -> None:
    judgement = look("latency < 1ms\nheader absent")
    assert judgement.evidence
    assert (judgement.evidence.expected, judgement.excess_us) == ("header absent", None)
    assert look("latency < 1ms\nheader absent degraded").excess_us == 249_000


@given(st.binary(max_size=300) | st.text("[]{},:\"\\0u1.eE-truefalsn NaIity'", max_size=60).map(str.encode))
def test_any_body_gets_a_judgement(body: bytes) -> None:
    text = 'json $..a[?@.b == 1] == 1\nbody not matches "x+y"\nbody not contains "never"'
    assert look(text, replace(SEEN, body=body)).verdict in {State.UP, State.DOWN}
