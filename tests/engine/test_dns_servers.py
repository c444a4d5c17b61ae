"""Whom to ask: as people write it, as the system has it, and whose fault it is when the system's servers fail."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from healthcheck.engine.check import CheckSession
from healthcheck.engine.dialer import get_dialer
from healthcheck.engine.dns.client import Heard, ask_system
from healthcheck.engine.dns.message import Question, write_name
from healthcheck.engine.dns.servers import MAX_CONFIGURATION_BYTES, DnsProtocol, NameServer, SystemServers, read_server
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import AddressMode, AddressRules, ErrorKind, Limits, Phase
from tests.dns_server import DnsServer, Reply
from tests.engine.conftest import Run

UDP, TCP, TLS = DnsProtocol
# Nothing of loopback may be checked: what is the system's own is asked all the same.
PUBLIC = Limits(60.0, address_rules=AddressRules(AddressMode.PUBLIC), control_name="")


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.1", NameServer("192.0.2.1")),
        ("2001:db8::1", NameServer("2001:db8::1")),
        ("[2001:db8::1]:5353", NameServer("2001:db8::1", 5353)),
        ("ns1.example.com:5353", NameServer("ns1.example.com", 5353)),
        (" TCP://192.0.2.1 ", NameServer("192.0.2.1", 53, TCP)),
        ("tls://dns.example.com", NameServer("dns.example.com", 853, TLS)),
        ("tls://[2001:db8::1]:8853", NameServer("2001:db8::1", 8853, TLS)),
        ("192.0.2.1:0", None),
        ("192.0.2.1:65536", None),
        ("https://192.0.2.1", None),
        ("[ns1.example.com]", None),
        ("fe80::1%eth0", None),
        ("a b", None),
        ("a" * 301, None),
        ("", None),
    ],
)
def test_server_is_read_as_people_write_it(text: str, server: NameServer | None) -> None:
    assert read_server(text) == server
    assert server is None or read_server(str(server)) == server


def test_system_has_its_servers_in_a_file_that_may_change(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    servers = SystemServers(path)
    assert servers.read() == (NameServer("127.0.0.1"),)
    path.write_text("# nameserver 192.0.2.9\nsearch a.example\nnameserver\nnameserver x\nnameserver 192.0.2.1\n")
    assert servers.read() == (NameServer("192.0.2.1"),)
    path.write_text("".join(f"nameserver 192.0.2.{number}\n" for number in range(2, 9)) + "options rotate\n")
    assert [each.host for each in servers.read()] == ["192.0.2.2", "192.0.2.3", "192.0.2.4"]
    path.write_text("nameserver fe80::1%eth0\n")
    assert servers.read() == (NameServer("fe80::1%eth0"),)


def test_file_without_an_end_is_read_at_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("#" * MAX_CONFIGURATION_BYTES + "\nnameserver 192.0.2.1\n")
    assert SystemServers(path).read() == (NameServer("127.0.0.1"),)


def test_file_is_read_once_while_it_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\n")
    servers, before = SystemServers(path), path.stat()
    assert servers.read() == (NameServer("192.0.2.1"),)
    path.write_text("nameserver 192.0.2.2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert servers.read() == (NameServer("192.0.2.1"),)


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


def find_dead_server() -> NameServer:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return NameServer("127.0.0.1", taken.getsockname()[1])


async def ask(*servers: NameServer, seconds: float = 5.0) -> tuple[Heard, CheckSession]:
    async with asyncio.timeout(seconds) as deadline:
        hard_deadline = asyncio.get_running_loop().time() + 60.0
        session = CheckSession(dialer=get_dialer(PUBLIC), deadline=deadline, hard_deadline=hard_deadline)
        return await ask_system(session, Question(write_name("a.example"), 1), servers), session
    raise AssertionError


def test_system_is_asked_whatever_the_policy_says(run: Run, server: DnsServer) -> None:
    server.play("a.example", Reply(("A 192.0.2.1",), is_truncated=True))
    heard, session = run(ask(NameServer("127.0.0.1", server.port)))
    assert (len(heard.answer.answers), heard.protocol, session.address) == (1, TCP, "127.0.0.1")
    phases = session.stopwatch.phases
    assert (phases.resolve_us > 0, phases.connect_us, phases.headers_us) == (True, 0, 0)


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_next_server_is_asked_where_one_does_not_know(run: Run, server: DnsServer, rcode: str) -> None:
    server.add("a.example", "A 192.0.2.1")
    with DnsServer() as first:
        first.play("a.example", Reply(rcode=rcode))
        heard, _ = run(ask(NameServer("127.0.0.1", first.port), NameServer("127.0.0.1", server.port)))
    assert (heard.answer.rcode, len(heard.answer.answers)) == ("NOERROR", 1)


def test_next_server_is_asked_where_one_is_silent(run: Run, server: DnsServer) -> None:
    server.add("a.example", "A 192.0.2.1")
    with DnsServer() as first:
        first.play("a.example", Reply(is_silent=True))
        places = NameServer("127.0.0.1", first.port), find_dead_server(), NameServer("127.0.0.1", server.port)
        heard, _ = run(ask(*places, seconds=2.0))
    assert len(heard.answer.answers) == 1


def test_failure_of_all_servers_is_what_the_last_one_says(run: Run, server: DnsServer) -> None:
    server.play("a.example", Reply(rcode="SERVFAIL"))
    heard, _ = run(ask(NameServer("127.0.0.1", server.port)))
    assert heard.answer.rcode == "SERVFAIL"


def test_servers_that_are_not_there_are_our_own_fault(run: Run) -> None:
    async def fail() -> ProbeFailure:
        with pytest.raises(ProbeFailure) as caught:
            await ask(find_dead_server(), find_dead_server())
        return caught.value

    failure = run(fail())
    assert (failure.kind, failure.phase) == (ErrorKind.CAPACITY, Phase.RESOLVE)
    assert failure.found == "our resolver: ECONNREFUSED"
