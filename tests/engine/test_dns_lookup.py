"""The option `resolver`: a host's addresses from a name server of a person's choice, in every kind that connects."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from healthcheck.engine.types import AddressMode, AddressRules, ErrorKind, Phase
from tests.dns_server import DnsServer, Reply
from tests.engine.conftest import LAPTOP, Attempt, Run
from tests.hostile import HostileServer, redirect_to


@pytest.fixture(scope="module")
def shared() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


@pytest.fixture
def server(shared: DnsServer) -> Iterator[DnsServer]:
    shared.forget()
    yield shared
    shared.forget()


def ask(
    server: DnsServer | str, url: str, *, timeout: float = 5.0, rules: AddressRules = LAPTOP, **given: Any
) -> Attempt:
    resolver = server if isinstance(server, str) else server.address
    kind = url.partition("://")[0]
    return Attempt(url, {"resolver": resolver, **given}, timeout=timeout, rules=rules, kind=kind)


def test_http_connects_to_what_the_resolver_says(run: Run, server: DnsServer, hostile: HostileServer) -> None:
    server.add("a.example", "A 127.0.0.1")
    seen = run(ask(server, f"http://a.example:{hostile.listen('good')}/").observe())
    assert (seen.status, seen.address, seen.body) == (200, "127.0.0.1", b"hello")
    assert sorted(each.type for each in server.questions) == ["A", "AAAA"]
    assert seen.phases.resolve_us > 0


@pytest.mark.parametrize(("family", "types"), [("ipv4", ["A"]), ("ipv6", ["AAAA"]), ("any", ["A", "AAAA"])])
def test_family_says_what_is_asked(
    run: Run, server: DnsServer, hostile: HostileServer, family: str, types: list[str]
) -> None:
    server.add("a.example", "A 127.0.0.1", "AAAA ::1")
    port = hostile.listen("silent", host="::1" if family == "ipv6" else "127.0.0.1")
    run(ask(server, f"tcp://a.example:{port}", family=family).observe())
    assert sorted(each.type for each in server.questions) == types


def test_other_family_is_tried_where_one_does_not_answer(run: Run, server: DnsServer, hostile: HostileServer) -> None:
    server.add("a.example", "A 127.0.0.1", "AAAA ::1")
    seen = run(ask(server, f"tcp://a.example:{hostile.listen('silent')}").observe())
    assert seen.address == "127.0.0.1"


def test_every_hop_of_a_redirect_is_asked_of_the_resolver(run: Run, server: DnsServer, hostile: HostileServer) -> None:
    server.add("a.example", "A 127.0.0.1")
    server.add("b.example", "A 127.0.0.1")
    second = hostile.listen("good")
    first = hostile.listen(redirect_to(f"http://b.example:{second}/"))
    seen = run(ask(server, f"http://a.example:{first}/").observe())
    assert (seen.status, {each.name for each in server.questions}) == (200, {"a.example", "b.example"})


def test_alias_that_leads_out_of_the_answer_is_followed(run: Run, server: DnsServer, hostile: HostileServer) -> None:
    server.add("www.example", "CNAME a.example.")
    server.add("a.example", "A 127.0.0.1")
    seen = run(ask(server, f"tcp://www.example:{hostile.listen('silent')}").observe())
    assert seen.address == "127.0.0.1"
    assert server.count("a.example") == 2


def test_truncated_addresses_are_asked_for_over_tcp(run: Run, server: DnsServer, hostile: HostileServer) -> None:
    server.play("a.example", Reply(("A 127.0.0.1",), is_truncated=True))
    seen = run(ask(server, f"tcp://a.example:{hostile.listen('silent')}").observe())
    assert (seen.address, server.count("a.example", "tcp")) == ("127.0.0.1", 2)
    # The connection to the resolver is a part of resolving.
    assert seen.phases.resolve_us > seen.phases.connect_us


def test_lost_question_is_no_outage(run: Run, server: DnsServer, hostile: HostileServer) -> None:
    server.play("a.example", Reply(("A 127.0.0.1",), drops=1))
    seen = run(ask(server, f"tcp://a.example:{hostile.listen('silent')}", timeout=2.0).observe())
    assert seen.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (Reply(rcode="NXDOMAIN"), "no such name"),
        (Reply(), "no such name"),
        (Reply(rcode="SERVFAIL"), "the name servers failed"),
        (Reply(rcode="REFUSED"), "the name servers failed"),
    ],
)
def test_failures_are_told_in_the_words_of_the_system(run: Run, server: DnsServer, reply: Reply, found: str) -> None:
    server.play("a.example", reply)
    failure = run(ask(server, "http://a.example/").fail())
    assert (failure.kind, failure.phase, failure.found) == (ErrorKind.DNS, Phase.RESOLVE, found)


@pytest.mark.parametrize(
    ("first", "second"), [("CNAME b.example.", "CNAME a.example."), ("CNAME c.example.", "CNAME d.example.")]
)
def test_aliases_without_an_end_are_a_failure_of_the_name(run: Run, server: DnsServer, first: str, second: str) -> None:
    server.add("a.example", first)
    server.add("b.example", second)
    failure = run(ask(server, "http://a.example/").fail())
    assert (failure.kind, failure.phase) == (ErrorKind.DNS, Phase.RESOLVE)


def test_silent_resolver_is_a_timeout_while_resolving(run: Run, server: DnsServer) -> None:
    server.play("a.example", Reply(is_silent=True))
    failure = run(ask(server, "http://a.example/", timeout=0.4).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.TIMEOUT, Phase.RESOLVE)


def test_resolver_that_is_not_there_fails_the_name(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failure = run(ask(f"127.0.0.1:{port}", "http://a.example/").fail())
    assert (failure.kind, failure.phase) == (ErrorKind.DNS, Phase.RESOLVE)
    assert failure.found == f"refused from the resolver 127.0.0.1:{port}: ECONNREFUSED"


def test_resolver_is_subject_to_the_address_policy(run: Run, server: DnsServer) -> None:
    failure = run(ask(server, "http://a.example/", rules=AddressRules(AddressMode.PUBLIC)).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.BLOCKED, Phase.RESOLVE)
    assert failure.found == f"the resolver {server.address}: loopback"
    assert server.questions == []


def test_what_the_resolver_says_is_subject_to_the_address_policy(
    run: Run, server: DnsServer, hostile: HostileServer
) -> None:
    server.play("a.example", Reply(("A 127.0.0.2",)))
    rules = AddressRules(AddressMode.PUBLIC, allow=("127.0.0.1/32",))
    port = hostile.listen("good", host="127.0.0.2")
    failure = run(ask(server, f"http://a.example:{port}/", rules=rules).fail())
    assert (failure.kind, hostile.accepted[port]) == (ErrorKind.BLOCKED, 0)


def test_name_that_changes_between_two_answers_is_judged_each_time(
    run: Run, server: DnsServer, hostile: HostileServer
) -> None:
    server.play("a.example", Reply(("A 127.0.0.1",)), Reply(("A 127.0.0.2",)))
    port = hostile.listen("good")
    first = hostile.listen(redirect_to(f"http://a.example:{port}/"))
    forbidden = AddressRules(AddressMode.PUBLIC, allow=("127.0.0.1/32",))
    failure = run(ask(server, f"http://a.example:{first}/", rules=forbidden, family="ipv4").fail())
    assert (failure.kind, hostile.accepted[port]) == (ErrorKind.BLOCKED, 0)


def test_address_is_its_own_answer(run: Run, server: DnsServer, hostile: HostileServer) -> None:
    run(ask(server, f"tcp://127.0.0.1:{hostile.listen('silent')}").observe())
    assert server.questions == []
