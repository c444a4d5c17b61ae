"""One outcome of several addresses: what decides it, how long it took, and what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from healthcheck.engine.combined import Part, combine_parts
from healthcheck.engine.details import Details
from healthcheck.engine.faults import VERDICTS
from healthcheck.engine.types import ErrorKind, Evidence, Outcome, Phase, PhaseTimes, State, SubResult

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def up(address: str, milliseconds: int = 1) -> Part:
    micros = milliseconds * 1000
    return Part(address, Outcome(State.UP, NOW, latency_us=micros, phases=PhaseTimes(connect_us=micros)))


def fail(address: str, kind: ErrorKind, found: str, *, at: str = "", milliseconds: int = 5) -> Part:
    evidence = Evidence("sentence", found=found, address=at or address)
    seen = {"error_kind": kind, "phase": Phase.CONNECT, "latency_us": milliseconds * 1000, "evidence": evidence}
    return Part(address, Outcome(VERDICTS[kind], NOW, **seen))  # type: ignore[arg-type]


def degrade(address: str, milliseconds: int = 1) -> Part:
    evidence = Evidence("sentence", found="slow", address=address)
    kind = ErrorKind.ASSERTION
    seen = Outcome(State.DEGRADED, NOW, error_kind=kind, latency_us=milliseconds * 1000, evidence=evidence)
    return Part(address, seen)


@pytest.mark.parametrize(("rule", "milliseconds"), [("any", 10), ("at least 2", 20), ("all", 30)])
def test_latency_is_that_of_the_last_address_that_was_needed(rule: str, milliseconds: int) -> None:
    combined = combine_parts(rule, [up("192.0.2.1", 20), up("192.0.2.2", 30), up("192.0.2.3", 10)])
    assert (combined.verdict, combined.latency_us) == (State.UP, milliseconds * 1000)
    assert combined.phases == PhaseTimes(connect_us=milliseconds * 1000)
    assert combined.evidence is None


def test_first_failing_address_tells_what_happened() -> None:
    late = fail("192.0.2.3", ErrorKind.TIMEOUT, "no answer")
    parts = [up("192.0.2.1"), fail("192.0.2.2", ErrorKind.REFUSED, "ECONNREFUSED", milliseconds=7), late]
    combined = combine_parts("all", parts)
    assert (combined.verdict, combined.error_kind, combined.phase) == (State.DOWN, ErrorKind.REFUSED, Phase.CONNECT)
    assert combined.latency_us == 7000
    assert combined.evidence
    assert combined.evidence.found == "2 of 3 addresses failed: 192.0.2.2: ECONNREFUSED; 192.0.2.3: no answer"
    assert combined.evidence.parts == (
        SubResult("192.0.2.1", State.UP, latency_us=1000),
        SubResult("192.0.2.2", State.DOWN, ErrorKind.REFUSED, Phase.CONNECT, 7000, "ECONNREFUSED"),
        SubResult("192.0.2.3", State.DOWN, ErrorKind.TIMEOUT, Phase.CONNECT, 5000, "no answer"),
    )


def test_only_the_first_few_addresses_are_named() -> None:
    combined = combine_parts("any", [fail(f"192.0.2.{n}", ErrorKind.REFUSED, "no") for n in range(5)], left_over=2)
    assert combined.evidence
    assert combined.evidence.found == (
        "5 of 5 addresses failed: 192.0.2.0: no; 192.0.2.1: no; 192.0.2.2: no; …; 2 more were not asked"
    )


def test_degraded_address_degrades_the_whole() -> None:
    combined = combine_parts("all", [up("192.0.2.1", 9), degrade("192.0.2.2", 4)])
    assert (combined.verdict, combined.error_kind, combined.latency_us) == (State.DEGRADED, ErrorKind.ASSERTION, 9000)
    assert combined.evidence
    assert combined.evidence.found == "1 of 2 addresses degraded: 192.0.2.2: slow"


def test_our_own_fault_makes_no_outage() -> None:
    combined = combine_parts("all", [up("192.0.2.1"), fail("192.0.2.2", ErrorKind.CAPACITY, "EMFILE")])
    assert (combined.verdict, combined.error_kind) == (State.UNKNOWN, ErrorKind.CAPACITY)
    assert combined.evidence
    assert combined.evidence.found == "1 of 2 addresses could not be checked: 192.0.2.2: EMFILE"


@pytest.mark.parametrize("lack", ["ENETUNREACH", "EAFNOSUPPORT", "EADDRNOTAVAIL"])
@pytest.mark.parametrize(("rule", "first", "verdict"), [("all", up, State.UP), ("any", fail, State.DOWN)])
def test_family_without_a_way_is_listed_and_not_counted(lack: str, rule: str, first: object, verdict: State) -> None:
    known = up("192.0.2.1") if first is up else fail("192.0.2.1", ErrorKind.REFUSED, "no")
    lost = [fail(f"2001:db8::{n}", ErrorKind.CAPACITY, lack) for n in (1, 2)]
    known = Part(known.address, replace(known.outcome, details=Details()))
    combined = combine_parts(rule, [*lost, known])
    assert combined.verdict is verdict
    assert combined.details
    note = f"{lack}; not counted, because this machine has no way to any IPv6 address"
    assert [part.found for part in combined.details.parts] == [note, note, known.found]


@pytest.mark.parametrize(
    "parts",
    [
        # One of the family was reached: the others are missing, and counted.
        [up("192.0.2.1"), up("2001:db8::1"), fail("2001:db8::2", ErrorKind.CAPACITY, "ENETUNREACH")],
        # No way at all.
        [fail("192.0.2.1", ErrorKind.CAPACITY, "ENETUNREACH"), fail("2001:db8::1", ErrorKind.CAPACITY, "ENETUNREACH")],
        # Ports used up, which is no matter of a family.
        [fail("192.0.2.1", ErrorKind.CAPACITY, "EADDRNOTAVAIL"), up("2001:db8::1")],
        # Reached, and sent to where there is no way.
        [up("192.0.2.1"), fail("2001:db8::1", ErrorKind.CAPACITY, "ENETUNREACH", at="2001:db8::9")],
    ],
)
def test_other_lacks_of_ours_are_counted(parts: list[Part]) -> None:
    assert combine_parts("all", parts).verdict is State.UNKNOWN


def test_addresses_that_are_missing_are_a_failure_of_their_own() -> None:
    combined = combine_parts("at least 3", [up("192.0.2.1"), up("192.0.2.2")])
    assert (combined.verdict, combined.error_kind) == (State.DOWN, ErrorKind.ASSERTION)
    assert combined.evidence
    assert (combined.evidence.expected, combined.evidence.found) == ("at least 3 addresses", "2 addresses of the name")


def test_addresses_without_a_way_may_be_those_that_are_missing() -> None:
    combined = combine_parts("at least 2", [up("192.0.2.1"), fail("2001:db8::1", ErrorKind.CAPACITY, "ENETUNREACH")])
    assert (combined.verdict, combined.error_kind) == (State.UNKNOWN, ErrorKind.CAPACITY)


def test_outcome_is_as_new_as_its_newest_part() -> None:
    later = NOW + timedelta(seconds=3)
    parts = [fail("192.0.2.1", ErrorKind.REFUSED, "no"), Part("192.0.2.2", Outcome(State.UP, later))]
    assert combine_parts("all", parts).observed_at == later
