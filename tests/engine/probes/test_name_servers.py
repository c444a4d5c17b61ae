"""The DNS probe and the option `resolver` against BIND: up, misconfigured, stopped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import trustme

from healthcheck.engine.assertions import evaluate, parse_assertions
from healthcheck.engine.types import ErrorKind, Observation, Phase, State
from tests.engine.conftest import Attempt, Run
from tests.hostile import HostileServer
from tests.name_servers import NameServerPorts, run_bind

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def bind(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[NameServerPorts]:
    with run_bind(tmp_path_factory.mktemp("bind"), authority) as ports:
        yield ports


def ask(server: str, name: str, kind: str, **options: Any) -> Attempt:
    return Attempt(f"dns://{name}", {"record_type": kind, "server": server, **options}, kind="dns")


@pytest.mark.parametrize(
    ("name", "kind", "line"),
    [
        ("web.good.example", "A", 'answers exactly "192.0.2.1", "192.0.2.2"'),
        ("web.good.example", "AAAA", 'answers == "2001:DB8::1"'),
        ("www.good.example", "A", "ttl == 60"),
        ("good.example", "MX", 'answers contains "10 mail.good.example"'),
        ("good.example", "TXT", 'answers any matches "^v=spf1 mx"'),
        ("good.example", "CAA", 'answers contains "0 issue \\"ca.example\\""'),
        ("good.example", "SOA", 'answers any contains "hostmaster"'),
        ("good.example", "NS", 'answers one of "NS1.good.example", "ns2.good.example"'),
        ("_sip._tcp.good.example", "SRV", 'answers contains "1 2 5060 web.good.example"'),
        ("_443._tcp.web.good.example", "TLSA", 'answers any matches "^3 1 1 [0-9a-f]{64}"'),
        ("web.good.example", "TYPE65", 'answers contains "1 . alpn=h2"'),
        ("192.0.2.1", "PTR", 'answers == "web.good.example"'),
        ("many.good.example", "A", "answers count == 200"),
        ("good.example", "ANY", "answers count >= 4"),
    ],
)
def test_every_type_is_asked_and_judged(run: Run, bind: NameServerPorts, name: str, kind: str, line: str) -> None:
    seen: Observation = run(ask(f"127.0.0.1:{bind.plain}", name, kind, is_iterative=True).observe())
    judgement = run(evaluate(parse_assertions(line), seen, now=NOW, details=True))
    assert (judgement.verdict, seen.dns and seen.dns.rcode) == (State.UP, "NOERROR"), judgement


@pytest.mark.parametrize(
    ("name", "error", "found"),
    [
        ("nowhere.good.example", ErrorKind.STATUS, "NXDOMAIN"),
        ("broken.example", ErrorKind.STATUS, "SERVFAIL"),
        ("elsewhere.example", ErrorKind.STATUS, "REFUSED"),
        ("good.example", ErrorKind.ASSERTION, "no A record"),
    ],
)
def test_what_is_misconfigured_is_named(
    run: Run, bind: NameServerPorts, name: str, error: ErrorKind, found: str
) -> None:
    seen = run(ask(f"127.0.0.1:{bind.plain}", name, "A").observe())
    judgement = run(evaluate((), seen, now=NOW))
    assert (judgement.verdict, judgement.error_kind, judgement.evidence.found) == (State.DOWN, error, found)


def test_question_goes_over_tls(run: Run, bind: NameServerPorts, authority: trustme.CA) -> None:
    trust = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
    seen = run(ask(f"tls://localhost:{bind.encrypted}", "web.good.example", "A", **trust).observe())
    assert (seen.protocol, len(seen.dns.answers)) == ("tls", 2)


@pytest.mark.parametrize("scheme", ["", "tcp://"])
def test_server_that_was_stopped_refuses(
    run: Run, tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA, scheme: str
) -> None:
    with run_bind(tmp_path_factory.mktemp("bind"), authority) as ports:
        pass
    failure = run(ask(f"{scheme}127.0.0.1:{ports.plain}", "web.good.example", "A").fail())
    assert failure.kind is ErrorKind.REFUSED


def test_host_is_found_by_a_resolver_of_its_own(run: Run, bind: NameServerPorts, hostile: HostileServer) -> None:
    options = {"resolver": f"127.0.0.1:{bind.plain}"}
    seen = run(Attempt(f"http://local.good.example:{hostile.listen('good')}/", options).observe())
    assert (seen.status, seen.address) == (200, "127.0.0.1")
    failure = run(Attempt("http://nowhere.good.example/", options).fail())
    assert (failure.kind, failure.phase, failure.found) == (ErrorKind.DNS, Phase.RESOLVE, "no such name")
