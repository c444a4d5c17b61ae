"""`body contains "text"` and `size < 100kB`: the body as a text, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass

from healthcheck.engine.assertions.condition import EQUALITIES, NUMERICS, SEARCHES, Condition, Measure, Operator
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import TOO_LONG, Assertion, Fault
from healthcheck.engine.assertions.operands import Operand, Vocabulary, require_condition, take_text
from healthcheck.engine.assertions.patterns import TooMuchToSearchError
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.assertions.spans import take_bytes, write_bytes
from healthcheck.engine.types import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyAssertion(Assertion):
    """A search in the body, or the whole of it."""

    condition: Condition

    @property
    def expected(self) -> str:
        return f"body {self.condition}"

    @property
    def needs_body(self) -> bool:
        return True

    def estimate_ns(self, observation: Observation) -> int:
        return self.condition.ns_per_byte * len(observation.body or b"")

    def find_fault(self, facts: Facts) -> Fault | None:
        if self.condition.measure is not Measure.VALUE:
            is_held = self.condition.holds_for_text(facts.text, facts.now)
            return None if is_held else Fault(self.describe_held(facts), facts.cut_excerpt())
        if self.condition.operator in EQUALITIES:
            is_same = facts.text == self.condition.operands[0]
            return (
                None
                if is_same is not self.condition.is_negated
                else Fault(_describe_equality(is_same), facts.cut_excerpt())
            )
        try:
            offset = self.condition.find_offset(facts.text, facts.encoded)
        except TooMuchToSearchError:
            return Fault(TOO_LONG, facts.cut_excerpt())
        if (offset is not None) is not self.condition.is_negated:
            return None
        found = "not in the body" if offset is None else f"in the body at character {offset + 1}"
        return Fault(found, facts.cut_excerpt(offset or 0))

    def describe_held(self, facts: Facts) -> str:
        if self.condition.measure is not Measure.VALUE:
            return f"a body {self.condition.describe_measure(facts.text, facts.now)}"
        if self.condition.operator in EQUALITIES:
            return _describe_equality(self.condition.operator is Operator.EQUAL)
        return "not in the body" if self.condition.is_negated else "in the body"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeAssertion(Assertion):
    """The bytes of the body, as they came over the network unless somebody asked for its content."""

    condition: Condition

    @property
    def expected(self) -> str:
        return f"size {self.condition}"

    def find_fault(self, facts: Facts) -> Fault | None:
        is_held = self.condition.holds_for_number(facts.observation.body_size)
        return None if is_held else Fault(self.describe_held(facts), facts.cut_excerpt())

    def describe_held(self, facts: Facts) -> str:
        return f"{facts.observation.body_size} bytes"


def parse_body(scanner: Scanner) -> Assertion:
    return BodyAssertion(condition=require_condition(scanner, _BODIES))


def parse_size(scanner: Scanner) -> Assertion:
    return SizeAssertion(condition=require_condition(scanner, _SIZES))


def _describe_equality(is_same: bool) -> str:
    return "exactly that" if is_same else "another text"


def _take_size(scanner: Scanner) -> Operand:
    size = take_bytes(scanner, "size < 100kB")
    return write_bytes(size), size


_BODIES = Vocabulary(EQUALITIES | SEARCHES, take_text, frozenset({Measure.LENGTH}))
_SIZES = Vocabulary(EQUALITIES | NUMERICS, _take_size, take_number=_take_size)
