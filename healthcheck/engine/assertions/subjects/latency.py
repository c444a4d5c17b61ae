"""`latency < 800ms` and `latency tls < 200ms`: how long the check took, and each phase of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from healthcheck.engine.assertions.condition import NUMERICS, Condition, Operator
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import Assertion, Fault
from healthcheck.engine.assertions.operands import Operand, Vocabulary, take_condition
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.assertions.spans import take_us, write_us

MAX_LATENCY_US = 600_000_000
_PHASE = re.compile(r"(?:resolve|connect|tls|headers|body)(?!\w)")
_UPPER = frozenset({Operator.LESS, Operator.LESS_OR_EQUAL, Operator.IN})


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyAssertion(Assertion):
    """A limit of time, in microseconds; `phase` is a phase's word, or empty for the whole check."""

    condition: Condition
    phase: str = ""

    @property
    def expected(self) -> str:
        return " ".join(part for part in ("latency", self.phase, str(self.condition)) if part)

    @property
    def is_of_time(self) -> bool:
        return True

    def find_fault(self, facts: Facts) -> Fault | None:
        latency_us = self._read_us(facts)
        if self.condition.holds_for_number(latency_us):
            return None
        return Fault(self.describe_held(facts), excess_us=find_excess_us(self.condition, latency_us))

    def describe_held(self, facts: Facts) -> str:
        latency_us = self._read_us(facts)
        # What a limit below a millisecond is missed by is not told by whole ones.
        return f"{latency_us}us" if latency_us < 1000 else f"{latency_us / 1000:.0f}ms"

    def _read_us(self, facts: Facts) -> int:
        observation = facts.observation
        return int(getattr(observation.phases, f"{self.phase}_us")) if self.phase else observation.latency_us


def find_excess_us(condition: Condition, measured_us: int) -> int | None:
    """Return by how much an upper limit was missed; None where it was not, or there is none."""
    if condition.operator not in _UPPER:
        return None
    limit = condition.operands[-1]
    assert isinstance(limit, int)
    # What is too fast for a range is no lag of ours.
    excess_us = measured_us - limit
    return excess_us if excess_us >= 0 else None


def parse_latency(scanner: Scanner) -> Assertion:
    phase = scanner.take(_PHASE) or ""
    condition = take_condition(scanner, LIMITS)
    if condition is None:
        scanner.fail("Write a limit of time, for example: latency < 800ms.")
    return LatencyAssertion(condition=condition, phase=phase)


def _take_limit(scanner: Scanner) -> Operand:
    start = scanner.position
    amount = take_us(scanner, "latency < 800ms")
    if not 1 <= amount <= MAX_LATENCY_US:
        scanner.fail("The limit is from 1us to 10min, in whole microseconds.", position=start)
    return write_us(amount), amount


LIMITS = Vocabulary(NUMERICS - {Operator.NOT_IN}, _take_limit, take_number=_take_limit)
