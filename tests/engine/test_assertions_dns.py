"""Assertions on what a name server said: rcode, answers, ttl, and what is implied without a word on them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from healthcheck.engine.assertions import parse_assertion, parse_assertions
from healthcheck.engine.assertions.judge import evaluate, judge
from healthcheck.engine.dns.data import read_expected
from healthcheck.engine.types import ConfigurationError, DnsAnswer, DnsRecord, ErrorKind, Observation, State

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def make_record(kind: str, data: str, *, name: str = "a.example.", ttl: int = 60) -> DnsRecord:
    return DnsRecord(name, kind, ttl, data, read_expected(kind, data) or data.encode())


def observe(kind: str, *data: str, rcode: str = "NOERROR", aliases: tuple[DnsRecord, ...] = ()) -> Observation:
    records = tuple(make_record(kind, each) for each in data)
    return Observation(1000, dns=DnsAnswer(kind, rcode, (*aliases, *records), records, "a.example."))


TWO = observe("A", "192.0.2.1", "192.0.2.2")
NONE = observe("A")
GONE = observe("A", rcode="NXDOMAIN")
ALIAS = observe("A", aliases=(make_record("CNAME", "b.example."),))
MAIL = observe("MX", "10 mail.example.", "20 backup.example.")
TEXT = observe("TXT", "v=spf1 -all", "other")


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("rcode == NOERROR", TWO),
        ("rcode one of NXDOMAIN, noerror", TWO),
        ("rcode != NOERROR", GONE),
        ("rcode == NXDOMAIN", GONE),
        ('answers contains "192.0.2.2"', TWO),
        ('answers not contains "192.0.2.20"', TWO),
        ('answers one of "192.0.2.1", "192.0.2.2", "192.0.2.3"', TWO),
        ('answers any one of "192.0.2.2", "192.0.2.9"', TWO),
        ('answers not one of "192.0.2.3"', TWO),
        ('answers exactly "192.0.2.2", "192.0.2.1"', TWO),
        ('answers all matches "^192\\\\.0\\\\.2\\\\."', TWO),
        ("answers count in 2 to 3", TWO),
        ("answers exists", TWO),
        ("answers not exists", NONE),
        ("answers not exists", ALIAS),
        ("answers count == 0", NONE),
        ('answers contains "10 MAIL.example"', MAIL),
        ('answers exactly "20 backup.example", "10 mail.example."', MAIL),
        ('answers any contains "spf1"', TEXT),
        ('answers contains "v=spf1 -all"', TEXT),
        ("ttl in 60 to 90", TWO),
        ("ttl < 61", TWO),
    ],
)
def test_line_holds(line: str, seen: Observation) -> None:
    judgement = judge(parse_assertions(line), seen, now=NOW, details=True)
    assert judgement.verdict is State.UP, judgement


@pytest.mark.parametrize(
    ("line", "seen", "error", "found"),
    [
        ("rcode == NXDOMAIN", TWO, ErrorKind.STATUS, "NOERROR"),
        ('answers contains "192.0.2.3"', TWO, ErrorKind.ASSERTION, '"192.0.2.1", "192.0.2.2"'),
        ('answers one of "192.0.2.1"', TWO, ErrorKind.ASSERTION, '"192.0.2.1", "192.0.2.2"'),
        ('answers exactly "192.0.2.1"', TWO, ErrorKind.ASSERTION, '"192.0.2.1", "192.0.2.2"'),
        ('answers exactly "192.0.2.1", "192.0.2.2", "192.0.2.3"', TWO, ErrorKind.ASSERTION, '"192.0.2.1", "192.0.2.2"'),
        ('answers any matches "^10"', TWO, ErrorKind.ASSERTION, '"192.0.2.1", "192.0.2.2"'),
        ('answers contains "spf1"', TEXT, ErrorKind.ASSERTION, '"v=spf1 -all", "other"'),
        ("answers count > 2", TWO, ErrorKind.ASSERTION, "2 answers"),
        ("ttl >= 300", TWO, ErrorKind.ASSERTION, "60"),
        ("ttl >= 300", ALIAS, ErrorKind.ASSERTION, "no A record, but an alias to a.example."),
        ("rcode == NOERROR", Observation(1), ErrorKind.STATUS, "no answer of a name server"),
    ],
)
def test_line_fails(line: str, seen: Observation, error: ErrorKind, found: str) -> None:
    judgement = judge(parse_assertions(line), seen, now=NOW)
    assert judgement.evidence is not None
    assert (judgement.verdict, judgement.error_kind, judgement.evidence.found) == (State.DOWN, error, found)


@pytest.mark.parametrize(
    ("lines", "seen", "expected"),
    [
        ("", TWO, None),
        ("latency < 5s", GONE, "rcode == NOERROR"),
        ("", NONE, "answers exists"),
        ("", ALIAS, "answers exists"),
        ("answers count == 0", GONE, "rcode == NOERROR"),
        ("answers count == 0", NONE, None),
        ("rcode == NOERROR", NONE, None),
        ('rcode == NXDOMAIN or answers contains "192.0.2.1"', GONE, None),
    ],
)
def test_without_a_word_the_name_exists_and_has_an_answer(lines: str, seen: Observation, expected: str | None) -> None:
    evidence = judge(parse_assertions(lines), seen, now=NOW).evidence
    assert (evidence.expected if evidence else None) == expected


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("rcode one  of noerror,NXDOMAIN degraded", "rcode one of NOERROR, NXDOMAIN degraded"),
        ('answers  exactly "a" ,"b"', 'answers exactly "a", "b"'),
        ('answers all == "a"', 'answers == "a"'),
        ('answers any not contains "a"', 'answers any not contains "a"'),
        ("answers count>=2", "answers count >= 2"),
        ("ttl  in 1 to 3", "ttl in 1 to 3"),
    ],
)
def test_text_reads_back_as_the_same(written: str, canonical: str) -> None:
    parsed = parse_assertion(written)
    assert str(parsed) == canonical
    assert parse_assertion(canonical) == parsed


@pytest.mark.parametrize(
    ("line", "position", "beginning"),
    [
        ("rcode == OK", 9, "Write a response code, one of: NOERROR, FORMERR, "),
        ("rcode contains NOERROR", 6, "“contains” does not work here; use one of: ==, !=, one of, not one of."),
        ("rcode", 5, "Compare with one of: ==, !=, one of, not one of."),
        ("answers 192.0.2.1", 8, "Compare with one of: "),
        ("answers any exists", 12, "“exists” does not work here; "),
        ("answers exactly", 15, "Put the text in double quotes"),
        ("answers count 2", 14, "Compare with one of: "),
        ("answers exactly " + ", ".join(['"a"'] * 51), 266, "Use at most 50 values."),
        ("ttl == 5min", 7, "Compare with a whole number"),
    ],
)
def test_mistake_is_named_with_its_place(line: str, position: int, beginning: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_assertion(line)
    assert (caught.value.position, caught.value.sentence[: len(beginning)]) == (position, beginning)


def test_many_answers_are_told_shortly() -> None:
    seen = observe("A", *(f"192.0.2.{number}" for number in range(9)))
    evidence = judge(parse_assertions("answers count == 1 or answers not exists"), seen, now=NOW).evidence
    assert evidence is not None
    assert evidence.found.endswith('"192.0.2.4" and 4 more')


async def test_dear_comparison_leaves_the_loop() -> None:
    seen = observe("A", *(f"192.0.2.{number % 250}" for number in range(300)))
    wanted = ", ".join(f'"198.51.100.{number}"' for number in range(50))
    [assertion] = parse_assertions(f"answers not one of {wanted}")
    assert assertion.estimate_ns(seen) > 4_000_000
    assert (await evaluate([assertion], seen, now=NOW)).verdict is State.UP
