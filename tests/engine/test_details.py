"""What a check tells to who asks, seen through the runner and the real probe."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme

from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.credentials import parse_credential
from healthcheck.engine.details import VALUE_BYTES, Details, Exchange, Trace, read_excerpt
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import load_probe
from healthcheck.engine.redaction import MASK
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import (
    AssertionOutcome,
    ErrorKind,
    Limits,
    Observation,
    Outcome,
    Phase,
    State,
    Target,
)
from tests.engine.conftest import LAPTOP, Run, serve_with
from tests.hostile import BEHAVIOURS, HostileServer, play, redirect_to

NOW = datetime(2026, 1, 2, tzinfo=UTC)
# They end with the timeout, whatever is asked.
ENDLESS = {"silent", "never_read", "header_drip", "body_drip", "handshake_drip", "endless_continue"}
LIMITS = Limits(20.0, address_rules=LAPTOP, control_name="")


def look(run: Run, url: str, *, assertions: str = "", details: bool = True, **options: Any) -> Outcome:
    target = Target(1, "http", url, load_probe("http").parse(url, options), parse_assertions(assertions), 5.0)
    [outcome] = run(probe_all([target], LIMITS, now=NOW, lag=LagMeter(), details=details))
    assert isinstance(outcome, Outcome)
    return outcome


def look_closely(run: Run, url: str, *, assertions: str = "", **options: Any) -> Details:
    details = look(run, url, assertions=assertions, **options).details
    assert details is not None
    return details


def test_nothing_is_told_unasked(hostile: HostileServer, run: Run) -> None:
    assert look(run, f"http://localhost:{hostile.listen('good')}/", details=False).details is None


def test_request_is_told_as_sent_with_its_secrets_hidden(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("good")
    headers = [["X-Api-Key", "canary"], ["User-Agent", "me"]]
    details = look_closely(
        run, f"http://localhost:{port}/ä?token=canary&q=1", method="POST", headers=headers, body="canary"
    )
    [exchange] = details.exchanges
    assert exchange == Exchange(
        method="POST",
        url=f"http://localhost:{port}/%C3%A4?token=[hidden]&q=1",
        request_headers=(
            ("Host", f"localhost:{port}"),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
            ("X-Api-Key", "[hidden]"),
            ("User-Agent", "me"),
            ("Content-Length", "6"),
            ("Connection", "close"),
        ),
        request_body_size=6,
        host="localhost",
        port=port,
        address="127.0.0.1",
        protocol="HTTP/1.1",
        status=200,
        headers=(("Content-Length", "5"),),
    )
    assert "canary" not in repr(details)


def test_body_is_told_although_no_assertion_needs_it(hostile: HostileServer, run: Run) -> None:
    details = look_closely(run, f"http://localhost:{hostile.listen('good')}/")
    assert details.observation is not None
    assert (details.excerpt, details.observation.body, details.observation.body_size) == ("hello", b"hello", 5)


def test_each_hop_of_a_redirect_is_told(hostile: HostileServer, run: Run) -> None:
    last = f"http://127.0.0.1:{hostile.listen('good')}/end?secret=canary"
    first = f"http://127.0.0.1:{hostile.listen(redirect_to(last, 307))}/"
    outcome = look(run, first, assertions="status 500")
    assert outcome.details
    assert outcome.evidence
    shown = last.replace("canary", "[hidden]")
    assert [(each.url, each.status) for each in outcome.details.exchanges] == [(first, 307), (shown, 200)]
    assert outcome.details.exchanges[0].headers == (("Location", shown), ("Content-Length", "0"))
    assert outcome.evidence.redirects == (shown,)


def test_long_value_of_a_header_is_told_in_part() -> None:
    trace = Trace()
    trace.note_request(Exchange("GET", "http://a.test/"))
    location = b"/?token=canary" + b"&a=b" * VALUE_BYTES
    trace.note_answer(302, [(b"Location", location)], protocol="HTTP/1.1", tls=None)
    [(_, told)] = trace.exchanges[0].headers
    assert told.startswith(f"/?token={MASK}&a=b&a=b")
    assert len(told) == VALUE_BYTES - len("canary") + len(MASK)


def test_tls_and_the_chain_are_told(hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    leaf = authority.create_child_ca().issue_cert("localhost")
    port = hostile.listen("good", tls=serve_with(leaf))
    details = look_closely(
        run, f"https://localhost:{port}/", verify="custom", ca_pem=authority.cert_pem.bytes().decode()
    )
    [exchange] = details.exchanges
    assert exchange.tls is not None
    assert exchange.tls.version == "TLSv1.3"
    assert exchange.tls.cipher.startswith("TLS_")
    assert len(details.chain) == 2
    assert details.observation is not None
    assert details.chain[0] == details.observation.certificate


def test_failure_to_connect_tells_what_would_have_been_sent(run: Run) -> None:
    outcome = look(run, "http://127.0.0.1:1/")
    assert outcome.error_kind is ErrorKind.REFUSED
    assert outcome.details
    [exchange] = outcome.details.exchanges
    assert (exchange.url, exchange.address, exchange.status) == ("http://127.0.0.1:1/", "127.0.0.1", None)


def test_refused_certificate_tells_its_chain(hostile: HostileServer, authority: trustme.CA, run: Run) -> None:
    leaf = authority.create_child_ca().issue_cert("localhost")
    outcome = look(run, f"https://localhost:{hostile.listen('good', tls=serve_with(leaf))}/")
    assert outcome.details
    assert outcome.evidence
    assert outcome.details.chain == outcome.evidence.chain
    assert len(outcome.evidence.chain) == 2


def test_timeout_tells_of_its_request(hostile: HostileServer, run: Run) -> None:
    url = f"http://127.0.0.1:{hostile.listen('silent')}/"
    target = Target(1, "http", url, load_probe("http").parse(url, {}), (), 1.0)
    [outcome] = run(probe_all([target], LIMITS, now=NOW, lag=LagMeter(), details=True))
    assert (outcome.error_kind, outcome.phase) == (ErrorKind.TIMEOUT, Phase.HEADERS)
    assert [each.address for each in outcome.details.exchanges] == ["127.0.0.1"]


def test_assertions_that_hold_are_told_too(hostile: HostileServer, run: Run) -> None:
    details = look_closely(run, f"http://localhost:{hostile.listen('good')}/", assertions='body contains "hello"')
    assert details.assertions == (
        AssertionOutcome("status 200-399", "status 200-399", "status 200", State.UP),
        AssertionOutcome('body contains "hello"', 'body contains "hello"', "in the body", State.UP),
    )


def test_failure_of_a_scheduled_check_keeps_its_assertions_and_chain(
    hostile: HostileServer, authority: trustme.CA, run: Run
) -> None:
    port = hostile.listen("good", tls=serve_with(authority.issue_cert("localhost")))
    outcome = look(run, f"https://localhost:{port}/", assertions="status 201", details=False, verify="off")
    assert outcome.details is None
    assert outcome.evidence is not None
    assert outcome.evidence.assertions == (AssertionOutcome("status 201", "status 201", "status 200", State.DOWN),)
    assert outcome.evidence.chain == (outcome.evidence.certificate,)


def test_secret_that_the_target_repeats_is_hidden_in_all_that_is_told(hostile: HostileServer, run: Run) -> None:
    headers = [["Authorization", "Bearer canary-123"]]
    url = f"http://localhost:{hostile.listen('echo')}/?key=canary-456"
    options: dict[str, Any] = {"method": "POST", "headers": headers, "body": "user=me&pin=canary-789"}
    outcome = look(run, url, assertions='body matches "^x"', **options)
    assert outcome.evidence
    assert outcome.details
    assert "POST /?key=[hidden]" in outcome.evidence.excerpt
    assert outcome.details.excerpt.endswith(
        "Authorization: Bearer [hidden]\r\nContent-Length: 22\r\nConnection: close\r\n\r\n[hidden]"
    )
    assert "canary" not in repr(outcome)


def test_credential_that_the_target_repeats_is_hidden(hostile: HostileServer, run: Run) -> None:
    url = f"http://localhost:{hostile.listen('echo')}/"
    credential = parse_credential("bearer", {}, {"token": "canary-123"})
    target = Target(1, "http", url, load_probe("http").parse(url, {}), (), 5.0, credential)
    [outcome] = run(probe_all([target], LIMITS, now=NOW, lag=LagMeter(), details=True))
    assert ("Authorization", "[hidden]") in outcome.details.exchanges[0].request_headers
    assert "Authorization: Bearer [hidden]\r\n" in outcome.details.excerpt
    assert outcome.details.redactor.clean("canary-123") == "[hidden]"


@pytest.mark.parametrize("behaviour", sorted(set(BEHAVIOURS) - ENDLESS))
def test_asking_for_details_changes_no_verdict(behaviour: str, hostile: HostileServer, run: Run) -> None:
    url = f"http://127.0.0.1:{hostile.listen(behaviour)}/"
    plain, told = (look(run, url, details=details, max_body_bytes=100_000) for details in (False, True))
    assert (told.verdict, told.error_kind, told.phase) == (plain.verdict, plain.error_kind, plain.phase)


def test_body_in_an_encoding_that_cannot_be_read_is_left_out(hostile: HostileServer, run: Run) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nhello"
    outcome = look(run, f"http://127.0.0.1:{hostile.listen(play(answer))}/")
    assert outcome.details
    assert outcome.details.observation
    assert (outcome.verdict, outcome.details.excerpt, outcome.details.observation.body) == (State.UP, "", None)


def test_packed_body_is_unpacked(hostile: HostileServer, run: Run) -> None:
    packed = gzip.compress(b"hello")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    details = look_closely(run, f"http://127.0.0.1:{hostile.listen(play(head.encode() + packed))}/")
    assert details.excerpt == "hello"


@pytest.mark.parametrize(
    ("body", "content_type", "excerpt"),
    [
        (b"hello", "", "hello"),
        (b"hello", "text/plain", "hello"),
        (b'{"token": "canary-1"}', "application/json", '{"token": "[hidden]"}'),
        (b"hello", "image/png", ""),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x00", "", ""),
        (b"gr\xfc\xdfe", "text/plain; charset=latin-1", "grüße"),
        (None, "", ""),
        ("ä".encode() * 5000, "text/plain", "ä" * 2048),
        (b"x" + "ä".encode() * 5000, "text/plain", "x" + "ä" * 2047),
    ],
)
def test_excerpt_is_text_and_bounded(body: bytes | None, content_type: str, excerpt: str) -> None:
    seen = Observation(1, body=body, headers=(("Content-Type", content_type),), charset="utf-8")
    if "charset" in content_type:
        seen = replace(seen, charset="latin-1")
    assert read_excerpt(seen) == excerpt
