"""`header content-type contains "json"`: a header of the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from healthcheck.engine.assertions.condition import Condition, Operator
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import TOO_LONG, Assertion, Fault, describe_value
from healthcheck.engine.assertions.operands import HEADERS, take_condition
from healthcheck.engine.assertions.patterns import TooMuchToSearchError
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.types import Observation

MAX_HEADER_NAME_CHARS = 100
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NONE = "no such header"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderAssertion(Assertion):
    """It is there, and the condition holds for its values, joined. A negated condition holds for one that is absent."""

    name: str
    condition: Condition | None = None

    @property
    def expected(self) -> str:
        return f"header {self.name}" + (f" {self.condition}" if self.condition else "")

    def estimate_ns(self, observation: Observation) -> int:
        size = sum(len(name) + len(value) for name, value in observation.headers)
        return (self.condition.ns_per_byte if self.condition else 2) * size

    def find_fault(self, facts: Facts) -> Fault | None:
        value = facts.find_header(self.name)
        if value is None:
            is_fine = self.condition is not None and self.condition.is_negated
            return None if is_fine else Fault(_NONE)
        if self.condition is None:
            return None
        if self.condition.operator is Operator.NOT_EXISTS:
            return Fault(describe_value(value))
        try:
            is_held = self.condition.holds_for_text(value, facts.now)
        except TooMuchToSearchError:
            return Fault(TOO_LONG)
        return None if is_held else Fault(self._describe(value, facts))

    def describe_held(self, facts: Facts) -> str:
        value = facts.find_header(self.name)
        return _NONE if value is None else self._describe(value, facts)

    def _describe(self, value: str, facts: Facts) -> str:
        measure = self.condition.describe_measure(value, facts.now) if self.condition else ""
        return f"{describe_value(value)}, {measure}" if measure else describe_value(value)


def parse_header(scanner: Scanner) -> Assertion:
    start = scanner.position
    name = scanner.take(_NAME)
    if name is None or len(name) > MAX_HEADER_NAME_CHARS:
        scanner.fail("Write the name of a header, for example: header content-type.", position=start)
    condition = take_condition(scanner, HEADERS)
    is_bare = condition is not None and condition.operator is Operator.EXISTS
    return HeaderAssertion(name=name.lower(), condition=None if is_bare else condition)
