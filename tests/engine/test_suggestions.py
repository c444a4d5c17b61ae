from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.assertions import judge, parse_assertion
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.suggestions import suggest_assertions
from healthcheck.engine.types import Certificate, Observation, State

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LATENCY = "latency < 200ms degraded"


def see(body: str | bytes = b"", content_type: str = "", **values: Any) -> Observation:
    headers = (("content-type", content_type),) if content_type else ()
    body = body.encode() if isinstance(body, str) else body
    return Observation(**{"latency_us": 12_000, "status": 200, "headers": headers, "body": body, **values})


def make_certificate(days: float) -> Certificate:
    return Certificate("CN=a", "CN=b", NOW, NOW + timedelta(days=days), "00")


def test_page_is_known_by_its_title() -> None:
    seen = see("<html><head><title lang=en>\n  Shop of “Anna” &amp; Co\n</title>", "text/html; charset=utf-8")
    assert suggest_assertions(seen, now=NOW) == (
        "status 200",
        'header content-type contains "html"',
        'body contains "Shop of “Anna” &amp; Co"',
        LATENCY,
    )


def test_json_is_known_by_what_says_that_all_is_well() -> None:
    body = json.dumps({"time": 1, "db": {"ok": True, "n": 3}, "status": "ok", "queue": {"state": "down"}})
    assert suggest_assertions(see(body, "application/health+json"), now=NOW) == (
        "status 200",
        'header content-type contains "json"',
        'json $.status == "ok"',
        "json $.db.ok == true",
        LATENCY,
    )


@pytest.mark.parametrize("word", ["fail", "critical", "Unhealthy", "not ok", "partial outage", "offline", "warn"])
def test_word_that_says_failure_is_not_expected(word: str) -> None:
    proposed = suggest_assertions(see(json.dumps({"status": word, "state": "ok"})), now=NOW)
    assert [each for each in proposed if each.startswith("json")] == ['json $.state == "ok"']


def test_json_that_says_nothing_is_known_by_a_member() -> None:
    assert 'json $["a b"]' in suggest_assertions(see('{"a b": 1, "c": 2}'), now=NOW)


@pytest.mark.parametrize(
    ("body", "text"),
    [("pong\n", 'body contains "pong"'), ("All systems go", 'body contains "All systems go"')],
)
def test_text_is_known_by_its_first_line(body: str, text: str) -> None:
    assert suggest_assertions(see(body), now=NOW) == ("status 200", text, LATENCY)


@pytest.mark.parametrize(
    "body", ["", "1717171717", "2026-01-02T03:04:05Z", "<p>hello</p>", b"\xff\x00\x01", "a\u202eb"]
)
def test_body_without_a_lasting_text_is_left_alone(body: str | bytes) -> None:
    assert suggest_assertions(see(body), now=NOW) == ("status 200", LATENCY)


@pytest.mark.parametrize(
    ("latency_us", "text"),
    [(1, "latency < 200ms degraded"), (100_000, "latency < 500ms degraded"), (100_001, "latency < 1000ms degraded")],
)
def test_latency_leaves_room(latency_us: int, text: str) -> None:
    assert text in suggest_assertions(see(latency_us=latency_us), now=NOW)


@pytest.mark.parametrize(
    ("days", "texts"),
    [
        (90, ["certificate > 14 days degraded"]),
        (10, ["certificate > 7 days degraded"]),
        (2, []),
    ],
)
def test_certificate_is_watched_before_it_ends(days: float, texts: list[str]) -> None:
    seen = see(certificate=make_certificate(days))
    suggested = suggest_assertions(seen, now=NOW, is_encrypted=True)
    assert [each for each in suggested if each.startswith("certificate")] == texts


def test_answer_that_is_a_failure_is_no_model() -> None:
    assert suggest_assertions(see("broken", status=500), now=NOW) == ()


def test_secret_is_never_suggested() -> None:
    seen = see("<title>Hello canary-123</title>")
    assert 'body contains "Hello canary-123"' in suggest_assertions(seen, now=NOW)
    assert suggest_assertions(seen, now=NOW, redactor=Redactor(["canary-123"])) == ("status 200", LATENCY)
    assert suggest_assertions(see('{"token": {"ok": true}}'), now=NOW) == ("status 200", "json $.token", LATENCY)


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["ok", "up", "down"])
NAMES = st.text(max_size=8) | st.sampled_from(["status", "ok", "state", "a.b", "it's", 'say "x"'])
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
BODIES = (
    DOCUMENTS.map(lambda document: json.dumps(document).encode("utf-8", "replace"))
    | st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: f"<title>{text}</title>".encode("utf-8", "replace"))
)


@given(
    body=BODIES,
    status=st.integers(100, 599) | st.none(),
    latency_us=st.integers(0, 10**10),
    days=st.floats(-10, 1000),
    content_type=st.sampled_from(["application/json", "text/html", "text/plain; charset=utf-16", "JSON", ""]),
)
def test_every_suggestion_parses_and_holds(
    body: bytes, status: int | None, latency_us: int, days: float, content_type: str
) -> None:
    certificate = make_certificate(days)
    seen = see(body, content_type, status=status, latency_us=latency_us, certificate=certificate)
    for text in suggest_assertions(seen, now=NOW, is_encrypted=True):
        # So that no status is implied.
        judged = [parse_assertion("status 100-999"), parse_assertion(text)][status is None :]
        assert text.isprintable()
        assert judge(judged, seen, now=NOW).verdict is State.UP
