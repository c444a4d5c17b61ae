"""The tests' own DNS server does what its replies say, seen through another client than ours."""

from __future__ import annotations

from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.dns_server import FORGED_RECORD, DnsServer, Reply


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer() as server:
        yield server


def ask(server: DnsServer, name: str, kind: str = "A", *, timeout: float = 5.0) -> dns.message.Message:
    query = dns.message.make_query(name, kind, use_edns=False)
    return dns.query.udp(query, server.host, port=server.port, timeout=timeout, ignore_errors=True)


def test_records_are_answered_to_questions_for_their_type(server: DnsServer) -> None:
    server.add("a.example", "A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1", ttl=30)
    [found] = ask(server, "a.example").answer
    assert ([str(each) for each in found], found.ttl) == (["192.0.2.1", "192.0.2.2"], 30)


def test_alias_is_answered_with_what_stands_behind_it(server: DnsServer) -> None:
    server.add("www.example", "CNAME a.example.", "a.example. 9 IN A 192.0.2.1")
    names = [f"{found.name} {found[0]}" for found in ask(server, "www.example").answer]
    assert names == ["www.example. a.example.", "a.example. 192.0.2.1"]


def test_unknown_name_does_not_exist(server: DnsServer) -> None:
    assert ask(server, "nowhere.example").rcode() == dns.rcode.NXDOMAIN
    assert server.questions == [("nowhere.example", "A", "udp")]


def test_replies_are_played_in_turn_and_the_last_one_stays(server: DnsServer) -> None:
    server.play("a.example", Reply(("A 192.0.2.1",)), Reply(("A 127.0.0.1",)))
    found = [str(ask(server, "a.example").answer[0][0]) for _ in range(3)]
    assert found == ["192.0.2.1", "127.0.0.1", "127.0.0.1"]


def test_many_addresses_are_truncated_for_udp_and_whole_over_tcp(server: DnsServer) -> None:
    server.add("many.example", *(f"A 192.0.2.{number}" for number in range(200)))
    assert ask(server, "many.example").flags & dns.flags.TC
    whole = dns.query.tcp(dns.message.make_query("many.example", "A"), server.host, port=server.port, timeout=5)
    assert len(whole.answer[0]) == 200


def test_question_is_dropped_and_the_next_one_answered(server: DnsServer) -> None:
    server.play("a.example", Reply(("A 192.0.2.1",), drops=1))
    with pytest.raises(dns.exception.Timeout):
        ask(server, "a.example", timeout=0.2)
    assert ask(server, "a.example").answer


@pytest.mark.parametrize("how", ["id", "question"])
def test_forgery_comes_before_the_true_answer(server: DnsServer, how: str) -> None:
    server.play("a.example", Reply(("A 192.0.2.1",), forgeries=(how,)))
    found = ask(server, "a.example").answer[0][0]
    assert (str(found), FORGED_RECORD) == ("192.0.2.1", "A 203.0.113.66")
