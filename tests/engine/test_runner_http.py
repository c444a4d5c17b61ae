"""The whole way of a check: the runner, the real HTTP probe and a real server that misbehaves."""

import asyncio
import json
import re
import socket
import time
from datetime import UTC, datetime

from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.loop import EngineLoop
from healthcheck.engine.probes import load_probe
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import (
    AddressMode,
    AddressRules,
    ErrorKind,
    Limits,
    Outcome,
    Phase,
    State,
    Target,
)
from tests.hostile import BEHAVIOURS, HostileServer, answer, play

NOW = datetime(2026, 1, 2, tzinfo=UTC)
LIMITS = Limits(deadline_seconds=20.0, address_rules=AddressRules(AddressMode.EVERYTHING), control_name="")


def make_target(port: int, *, assertions: str = "", timeout: float = 10.0) -> Target:
    url = f"http://127.0.0.1:{port}/"
    options = load_probe("http").parse(url, {})
    return Target(port, "http", url, options, parse_assertions(assertions), timeout)


def probe(*targets: Target, limits: Limits = LIMITS, details: bool = False) -> list[Outcome]:
    """Run them as a worker does: on the engine's loop, from another thread."""
    engine = EngineLoop()
    # A meter at rest, so that a busy test machine takes no blame.
    calm = LagMeter()
    try:
        return engine.submit(probe_all(targets, limits, now=NOW, lag=calm, details=details)).result(30)
    finally:
        assert engine.stop()


def find_closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def summarise(outcome: Outcome) -> tuple[State, ErrorKind | None, Phase | None, int]:
    return outcome.verdict, outcome.error_kind, outcome.phase, outcome.attempts


def test_good_and_hostile_targets_keep_their_places(hostile: HostileServer) -> None:
    good, silent, cut = (hostile.listen(name) for name in ("good", "silent", "cut_header"))
    outcomes = probe(
        make_target(good, assertions='status 200\nbody contains "hello"'),
        make_target(find_closed_port()),
        make_target(silent, timeout=0.3),
        make_target(good, assertions='body contains "bye"'),
        make_target(cut),
        make_target(good, assertions='latency < 60s\nheader content-length == "5"'),
    )
    assert [summarise(outcome) for outcome in outcomes] == [
        (State.UP, None, None, 1),
        (State.DOWN, ErrorKind.REFUSED, Phase.CONNECT, 2),
        (State.DOWN, ErrorKind.TIMEOUT, Phase.HEADERS, 1),
        (State.DOWN, ErrorKind.ASSERTION, Phase.ASSERT, 2),
        (State.DOWN, ErrorKind.CONNECTION, Phase.HEADERS, 2),
        (State.UP, None, None, 1),
    ]
    assert [outcome.http_status for outcome in outcomes] == [200, 0, 0, 200, 0, 200]
    evidence = outcomes[3].evidence
    assert evidence
    assert (evidence.expected, evidence.excerpt, evidence.address) == ('body contains "bye"', "hello", "127.0.0.1")
    assert outcomes[0].latency_us >= outcomes[0].phases.connect_us > 0


def test_failure_that_is_gone_on_a_fresh_connection_is_up(hostile: HostileServer) -> None:
    requests: list[int] = []

    async def fail_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        requests.append(1)
        status = b"500 Broken" if len(requests) == 1 else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    [outcome] = probe(make_target(hostile.listen(fail_once)))
    assert (summarise(outcome), outcome.http_status, len(requests)) == ((State.UP, None, None, 2), 200, 2)


def test_places_per_address_are_waited_for_outside_the_deadline(hostile: HostileServer) -> None:
    async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.3)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    port = hostile.listen(answer_late)
    limits = Limits(deadline_seconds=20.0, per_address=1, address_rules=LIMITS.address_rules, control_name="")
    outcomes = probe(*[make_target(port, timeout=0.8)] * 3, limits=limits)
    assert [summarise(outcome) for outcome in outcomes] == [(State.UP, None, None, 1)] * 3
    assert max(outcome.latency_us for outcome in outcomes) < 800_000


def test_blocked_address_is_asked_nothing(hostile: HostileServer) -> None:
    port = hostile.listen("good")
    rules = AddressRules(AddressMode.EVERYTHING, deny=("127.0.0.0/8",))
    limits = Limits(deadline_seconds=20.0, address_rules=rules, control_name="")
    [outcome] = probe(make_target(port), limits=limits)
    assert summarise(outcome) == (State.UNKNOWN, ErrorKind.BLOCKED, Phase.RESOLVE, 1)
    assert hostile.accepted[port] == 0


def test_every_misbehaviour_at_once_hurts_no_healthy_target(hostile: HostileServer) -> None:
    good = make_target(hostile.listen("good"), assertions='body contains "hello"\njson $..a degraded')
    bad = [make_target(hostile.listen(name), assertions="json $..a", timeout=3.0) for name in BEHAVIOURS]
    outcomes = probe(*bad, *[good] * 100)
    assert {summarise(outcome) for outcome in outcomes[len(bad) :]} == {
        (State.DEGRADED, ErrorKind.ASSERTION, Phase.ASSERT, 1)
    }
    # No misbehaviour is a defect of ours, and none passes for an answer with that JSON.
    assert {outcome.verdict for outcome in outcomes[: len(bad)]} == {State.DOWN}


def test_placeholders_are_shown_and_secrets_beside_them_are_not(hostile: HostileServer) -> None:
    url = f"http://127.0.0.1:{hostile.listen('echo')}/?t={{uuid}}&key=canary-{{random}}"
    written = {"query": {"r": "{random}", "own": "canary-{timestamp}"}, "headers": {"X-Key": "canary:{random}"}}
    target = Target(1, "http", url, load_probe("http").parse(url, written), parse_assertions('body == "x"'), 10.0)
    [outcome] = probe(target, details=True)
    assert outcome.details is not None
    [exchange] = outcome.details.exchanges
    assert re.fullmatch(r".*/\?t=[0-9a-f-]{36}&key=\[hidden\]&r=[0-9a-f]{16}&own=\[hidden\]", exchange.url)
    told = repr((outcome.evidence, exchange, outcome.details.excerpt))
    assert "t=" in told
    assert "canary" not in told


def test_cookies_of_a_chain_are_in_no_evidence(hostile: HostileServer) -> None:
    page = f"http://127.0.0.1:{hostile.listen('echo')}/"
    lines = ("Set-Cookie: session=canary-of-a-chain", f"Location: {page}", "Content-Length: 0")
    port = hostile.listen(play(answer("HTTP/1.1 302 Found", *lines)))
    [outcome] = probe(make_target(port, assertions='body matches "Cookie: session=canary" degraded\nbody == "x"'))
    assert outcome.evidence is not None
    assert [each.held for each in outcome.evidence.assertions] == [True, True, False]
    assert "Cookie: session=[hidden]" in outcome.evidence.excerpt
    assert "canary-of" not in repr(outcome)


def measure_on_loop(target: Target) -> tuple[float, Outcome]:
    """Return the CPU seconds of the loop's own thread, and the outcome."""

    async def measure() -> tuple[float, list[Outcome]]:
        started = time.thread_time()
        outcomes = await probe_all([target], LIMITS, now=NOW, lag=LagMeter())
        return time.thread_time() - started, outcomes

    spent, [outcome] = asyncio.run(measure())
    return spent, outcome


def test_looking_for_long_secrets_leaves_the_loop() -> None:
    body = json.dumps([f"{number}-{'x' * 2_000}" for number in range(100)])
    url = f"http://127.0.0.1:{find_closed_port()}/"
    options = load_probe("http").parse(url, {"method": "POST", "body": body, "body_type": "json"})
    on_loop, outcome = measure_on_loop(Target(1, "http", url, options, timeout_seconds=5.0))
    started = time.thread_time()
    Redactor(options.secrets)
    assert on_loop < (time.thread_time() - started) / 2
    assert outcome.error_kind is ErrorKind.REFUSED


def test_looking_for_secrets_in_many_assertions_leaves_the_loop(hostile: HostileServer) -> None:
    url = f"http://127.0.0.1:{hostile.listen('good')}/"
    headers = {f"X-{number}": f"{'a' * 18}{number:02}" for number in range(24)}
    options = load_probe("http").parse(url, {"headers": headers})
    assertions = parse_assertions("\n".join(["status 500", *(f'header x != "{"a" * 50}{n}"' for n in range(49))]))
    on_loop, outcome = measure_on_loop(Target(1, "http", url, options, assertions, 5.0))
    assert outcome.evidence is not None
    started = time.thread_time()
    Redactor(options.secrets).clean_evidence(outcome.evidence)
    assert on_loop < time.thread_time() - started
