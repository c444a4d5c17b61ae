"""The DNS probe against a server on loopback that answers, and misbehaves, by name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from healthcheck.engine.dialer import get_dialer
from healthcheck.engine.types import AddressMode, AddressRules, ErrorKind, Limits, Phase
from tests.dns_server import DnsServer, Reply
from tests.engine.conftest import Attempt, Run, serve_with


@pytest.fixture(scope="module")
def shared(authority: trustme.CA) -> Iterator[DnsServer]:
    with DnsServer(tls=serve_with(authority.issue_cert("127.0.0.1"))) as server:
        yield server


@pytest.fixture
def server(shared: DnsServer) -> Iterator[DnsServer]:
    shared.forget()
    yield shared
    shared.forget()


def ask(server: str, name: str, kind: str = "A", **options: Any) -> Attempt:
    given = {"record_type": kind, "server": server, **options}
    timeout = given.pop("timeout", 5.0)
    rules = given.pop("rules", Attempt.rules)
    return Attempt(f"dns://{name}", given, kind="dns", timeout=timeout, rules=rules)


def test_answers_of_the_asked_type_are_seen(run: Run, server: DnsServer) -> None:
    server.add("a.example", "A 192.0.2.1", "A 192.0.2.2", "MX 10 mail.a.example.", ttl=30)
    seen = run(ask(server.address, "a.example").observe())
    assert [each.data for each in seen.dns.answers] == ["192.0.2.1", "192.0.2.2"]
    assert (seen.dns.rcode, seen.dns.ttl, seen.protocol, seen.address) == ("NOERROR", 30, "udp", "127.0.0.1")
    assert seen.body == b"a.example. 30 IN A 192.0.2.1\na.example. 30 IN A 192.0.2.2"
    assert seen.phases.headers_us > 0
    assert seen.phases.connect_us == 0


@pytest.mark.parametrize(
    ("kind", "written", "data"),
    [
        ("AAAA", "AAAA 2001:DB8:0::1", "2001:db8::1"),
        ("CNAME", "CNAME b.example.", "b.example."),
        ("MX", "MX 10 mail.example.", "10 mail.example."),
        ("TXT", 'TXT "v=spf1 " "-all"', "v=spf1 -all"),
        ("SRV", "SRV 1 2 443 www.example.", "1 2 443 www.example."),
        ("CAA", 'CAA 0 issue "ca.example"', '0 issue "ca.example"'),
        ("HTTPS", "HTTPS 1 . alpn=h2", '1 . alpn="h2"'),
        ("TYPE65400", r"TYPE65400 \# 2 0102", r"\# 2 0102"),
    ],
)
def test_data_reads_as_in_a_zone_file(run: Run, server: DnsServer, kind: str, written: str, data: str) -> None:
    server.add("a.example", written)
    seen = run(ask(server.address, "a.example", kind).observe())
    assert [each.data for each in seen.dns.answers] == [data]


def test_address_is_asked_for_its_name(run: Run, server: DnsServer) -> None:
    server.add("1.2.0.192.in-addr.arpa", "PTR host.example.")
    seen = run(ask(server.address, "192.0.2.1", "PTR").observe())
    assert [each.data for each in seen.dns.answers] == ["host.example."]


def test_answers_stand_behind_the_aliases(run: Run, server: DnsServer) -> None:
    server.add("www.example", "CNAME a.example.", "a.example. 9 IN A 192.0.2.1")
    seen = run(ask(server.address, "WWW.example").observe())
    assert ([each.data for each in seen.dns.answers], seen.dns.end, seen.dns.ttl) == (["192.0.2.1"], "a.example.", 9)


def test_name_that_does_not_exist_is_an_answer(run: Run, server: DnsServer) -> None:
    seen = run(ask(server.address, "nowhere.example").observe())
    assert (seen.dns.rcode, seen.dns.answers) == ("NXDOMAIN", ())


def test_lost_question_is_sent_again(run: Run, server: DnsServer) -> None:
    server.play("a.example", Reply(("A 192.0.2.1",), drops=1))
    seen = run(ask(server.address, "a.example", timeout=2.0).observe())
    assert [each.data for each in seen.dns.answers] == ["192.0.2.1"]
    assert server.count("a.example") == 2


def test_truncated_answer_is_asked_for_over_tcp(run: Run, server: DnsServer) -> None:
    server.play("a.example", Reply(("A 192.0.2.1",), is_truncated=True))
    seen = run(ask(server.address, "a.example").observe())
    assert (seen.protocol, len(seen.dns.answers)) == ("tcp", 1)
    assert [each.protocol for each in server.questions] == ["udp", "tcp"]


def test_two_hundred_addresses_are_all_seen(run: Run, server: DnsServer) -> None:
    server.add("many.example", *(f"A 192.0.2.{number}" for number in range(200)))
    seen = run(ask(server.address, "many.example").observe())
    assert (seen.protocol, len(seen.dns.answers)) == ("tcp", 200)


def test_large_datagram_is_heard_as_well(run: Run, server: DnsServer) -> None:
    records = tuple(f"A 192.0.2.{number}" for number in range(200))
    server.play("many.example", Reply(records, is_oversized=True))
    seen = run(ask(server.address, "many.example").observe())
    assert (seen.protocol, len(seen.dns.answers)) == ("udp", 200)


def test_question_goes_over_tcp_where_it_is_told_to(run: Run, server: DnsServer) -> None:
    server.add("a.example", "A 192.0.2.1")
    seen = run(ask(f"tcp://{server.address}", "a.example").observe())
    assert (seen.protocol, [each.protocol for each in server.questions]) == ("tcp", ["tcp"])
    assert seen.phases.connect_us > 0


def test_question_goes_over_tls(run: Run, server: DnsServer, authority: trustme.CA) -> None:
    server.add("a.example", "A 192.0.2.1")
    trust = {"verify": "custom", "ca_pem": authority.cert_pem.bytes().decode()}
    seen = run(ask(server.tls_address, "a.example", **trust).observe())
    assert (seen.protocol, [each.protocol for each in server.questions]) == ("tls", ["tls"])
    assert seen.certificate is not None
    assert seen.phases.tls_us > 0


def test_unknown_authority_is_refused_before_anything_is_asked(run: Run, server: DnsServer) -> None:
    failure = run(ask(server.tls_address, "a.example").fail())
    assert (failure.kind, failure.phase, server.questions) == (ErrorKind.CERTIFICATE, Phase.TLS, [])


@pytest.mark.parametrize("how", ["id", "question", "source"])
def test_forged_answer_is_passed_over(run: Run, server: DnsServer, how: str) -> None:
    server.play("a.example", Reply(("A 192.0.2.1",), forgeries=(how,)))
    seen = run(ask(server.address, "a.example").observe())
    assert [each.data for each in seen.dns.answers] == ["192.0.2.1"]


@pytest.mark.parametrize("protocol", ["", "tcp://"])
def test_silent_server_ends_with_the_deadline(run: Run, server: DnsServer, protocol: str) -> None:
    server.play("a.example", Reply(is_silent=True))
    failure = run(ask(f"{protocol}{server.address}", "a.example", timeout=0.4).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.TIMEOUT, Phase.HEADERS)


@pytest.mark.parametrize("protocol", ["", "tcp://"])
def test_server_that_is_not_there_refuses(run: Run, protocol: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    failure = run(ask(f"{protocol}127.0.0.1:{port}", "a.example").fail())
    assert failure.kind is ErrorKind.REFUSED


_GARBAGE = {
    "nothing behind the flags": b"\x80\x00",
    "no question": b"\x80\x00" + bytes(8),
    "a question cut": b"\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a",
    "a name that points at itself": b"\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01",
    "another opcode": b"\xa8\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x07example\x00\x00\x01\x00\x01",
    "records that are not there": b"\x80\x00\x00\x01\x00\x02\x00\x00\x00\x00\x01a\x07example\x00\x00\x01\x00\x01",
    "data beyond the end": b"\x80\x00\x00\x01\x00\x01\x00\x00\x00\x00\x01a\x07example\x00\x00\x01\x00\x01"
    b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\xff\xff\x7f\x00",
    "an address of three bytes": b"\x80\x00\x00\x01\x00\x01\x00\x00\x00\x00\x01a\x07example\x00\x00\x01\x00\x01"
    b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x01\x00\x03\x7f\x00\x00",
}


@pytest.mark.parametrize("protocol", ["", "tcp://"])
@pytest.mark.parametrize("garbage", _GARBAGE)
def test_garbage_breaks_the_protocol(run: Run, server: DnsServer, garbage: str, protocol: str) -> None:
    server.play("a.example", Reply(raw=_GARBAGE[garbage]))
    failure = run(ask(f"{protocol}{server.address}", "a.example").fail())
    assert (failure.kind, failure.phase) == (ErrorKind.PROTOCOL, Phase.HEADERS)


def test_aliases_in_a_circle_break_the_protocol(run: Run, server: DnsServer) -> None:
    server.add("a.example", "CNAME b.example.", "b.example. 60 IN CNAME a.example.")
    failure = run(ask(server.address, "a.example").fail())
    assert (failure.kind, failure.found) == (ErrorKind.PROTOCOL, "more than 16 aliases, or a circle of them")


def test_more_records_than_anybody_needs_are_too_much(run: Run, server: DnsServer) -> None:
    server.add("many.example", *(f"A 192.0.{number // 250}.{number % 250}" for number in range(301)))
    failure = run(ask(server.address, "many.example").fail())
    assert (failure.kind, failure.found) == (ErrorKind.TOO_LARGE, "more than 300 records")


def test_answer_that_is_cut_is_a_broken_connection(run: Run, server: DnsServer) -> None:
    server.play("a.example", Reply(("A 192.0.2.1",), is_cut=True))
    failure = run(ask(f"tcp://{server.address}", "a.example").fail())
    assert failure.kind is ErrorKind.CONNECTION


def test_server_that_reads_no_edns_is_asked_without(run: Run, server: DnsServer) -> None:
    server.play("a.example", Reply(rcode="FORMERR"), Reply(("A 192.0.2.1",)))
    seen = run(ask(server.address, "a.example").observe())
    assert (seen.dns.rcode, len(seen.dns.answers), server.count("a.example")) == ("NOERROR", 1, 2)


@pytest.mark.parametrize("protocol", ["", "tcp://"])
def test_named_server_is_subject_to_the_address_policy(run: Run, server: DnsServer, protocol: str) -> None:
    rules = AddressRules(AddressMode.PUBLIC)
    failure = run(ask(f"{protocol}{server.address}", "a.example", rules=rules).fail())
    assert (failure.kind, failure.phase, failure.found) == (ErrorKind.BLOCKED, Phase.RESOLVE, "loopback")
    assert server.questions == []


def test_nothing_is_left_of_checks_that_were_ended(run: Run, server: DnsServer) -> None:
    server.play("a.example", Reply(is_silent=True))
    attempt = ask(server.address, "a.example", timeout=0.2)

    async def end() -> tuple[int, int]:
        before = count_sockets()
        await asyncio.gather(*(attempt.fail() for _ in range(3)))
        # Cancelled from outside, before its own deadline.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(server.address, "a.example").observe(), 0.2)
        caps = get_dialer(Limits(60.0, address_rules=attempt.rules, control_name="")).caps
        return count_sockets() - before, len(caps)

    assert run(end()) == (0, 0)
    assert server.count("a.example") >= 4


def count_sockets() -> int:
    links = [each.readlink() for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum(str(link).startswith("socket:") for link in links)
