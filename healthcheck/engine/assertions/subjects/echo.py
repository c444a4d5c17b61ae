"""`loss <= 20%` and `jitter < 30ms`: how many echo requests came back, and how evenly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from healthcheck.engine.assertions.condition import EQUALITIES, NUMERICS, Condition
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import Assertion, Fault
from healthcheck.engine.assertions.operands import Operand, Vocabulary, require_condition
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.assertions.subjects.latency import LIMITS, find_excess_us

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)[ \t]*%", re.ASCII)
_NONE = "no echo requests were sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class LossAssertion(Assertion):
    """How many of the echo requests stayed unanswered, in percent."""

    condition: Condition

    @property
    def expected(self) -> str:
        return f"loss {self.condition}"

    def find_fault(self, facts: Facts) -> Fault | None:
        echoes = facts.observation.echoes
        if echoes is None:
            return Fault(_NONE)
        is_held = self.condition.holds_for_number(echoes.loss_percent)
        return None if is_held else Fault(self.describe_held(facts))

    def describe_held(self, facts: Facts) -> str:
        echoes = facts.observation.echoes
        assert echoes is not None
        return f"{echoes.loss_percent:.4g}%, {echoes.received} of {echoes.sent} came back"


@dataclass(frozen=True, slots=True, kw_only=True)
class JitterAssertion(Assertion):
    """By how much one round trip differs from the next, on average, in microseconds."""

    condition: Condition

    @property
    def expected(self) -> str:
        return f"jitter {self.condition}"

    @property
    def is_of_time(self) -> bool:
        return True

    def find_fault(self, facts: Facts) -> Fault | None:
        echoes = facts.observation.echoes
        if echoes is None:
            return Fault(_NONE)
        if echoes.jitter_us is None:
            return Fault("fewer than two replies to compare")
        if self.condition.holds_for_number(echoes.jitter_us):
            return None
        return Fault(self.describe_held(facts), excess_us=find_excess_us(self.condition, echoes.jitter_us))

    def describe_held(self, facts: Facts) -> str:
        echoes = facts.observation.echoes
        assert echoes is not None
        assert echoes.jitter_us is not None
        return f"{echoes.jitter_us / 1000:.1f}ms"


def parse_loss(scanner: Scanner) -> Assertion:
    return LossAssertion(condition=require_condition(scanner, _PERCENTS))


def parse_jitter(scanner: Scanner) -> Assertion:
    return JitterAssertion(condition=require_condition(scanner, LIMITS))


def _take_percent(scanner: Scanner) -> Operand:
    start = scanner.position
    found = _PERCENT.match(scanner.text, start)
    if found is None or float(found[1]) > 100:
        scanner.fail("Write a share from 0% to 100%, for example: loss <= 20%.", position=start)
    scanner.take(_PERCENT)
    return f"{float(found[1]):g}%", float(found[1])


_PERCENTS = Vocabulary(EQUALITIES | NUMERICS, _take_percent, take_number=_take_percent)
