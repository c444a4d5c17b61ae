"""`json $.status == "ok"`: what a path selects in a JSON document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from healthcheck.engine.assertions.condition import Condition, Operator
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.json_document import UnreadableJsonError
from healthcheck.engine.assertions.json_path import JsonPath, TooManyValuesError, compile_path
from healthcheck.engine.assertions.model import TOO_LONG, Assertion, Fault, describe_value
from healthcheck.engine.assertions.operands import VALUES, take_condition
from healthcheck.engine.assertions.patterns import TooMuchToSearchError
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.types import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonAssertion(Assertion):
    """Something is selected, and the condition holds for all of it; or, with `not exists`, nothing is selected."""

    path: JsonPath
    condition: Condition | None = None

    @property
    def expected(self) -> str:
        return f"json {self.path.text}" + (f" {self.condition}" if self.condition else "")

    @property
    def needs_body(self) -> bool:
        return True

    @property
    def is_absence(self) -> bool:
        return self.condition is not None and self.condition.operator is Operator.NOT_EXISTS

    def estimate_ns(self, observation: Observation) -> int:
        # Measured: reading small values costs 100 to 250 ns per byte, a visit of nested ones up to 10 us.
        cost = 10_000 if self.path.is_wide else 250
        return (cost + (self.condition.ns_per_byte if self.condition else 0)) * len(observation.body or b"")

    def find_fault(self, facts: Facts) -> Fault | None:
        document = facts.document
        if isinstance(document, UnreadableJsonError):
            return Fault(str(document), facts.cut_excerpt())
        try:
            found = self._find_fault_in(document, facts)
        except TooManyValuesError:
            found = "a path that visits too many values"
        except TooMuchToSearchError:
            found = TOO_LONG
        return Fault(found, facts.cut_excerpt()) if found else None

    def _find_fault_in(self, document: Any, facts: Facts) -> str:
        is_found = False
        if self.path.is_wide and self.condition is not None:
            self.condition.bound_search(len(facts.observation.body or b""))
        for value in self.path.select(document):
            if self.condition is None:
                return ""
            if self.is_absence:
                return describe_value(value)
            is_found = True
            if not self.condition.holds_for_value(value, facts.now):
                return _describe(value, self.condition, facts)
        return "" if is_found or self.is_absence else "nothing at that path"

    def describe_held(self, facts: Facts) -> str:
        if self.is_absence:
            return "nothing at that path"
        if self.path.is_wide:
            return "something at that path" if self.condition is None else "so for everything at that path"
        return _describe(next(self.path.select(facts.document)), self.condition, facts)


def parse_json(scanner: Scanner) -> Assertion:
    start = scanner.position
    text = scanner.take_json_path()
    if not text:
        scanner.fail("Write a JSON path that begins with $, for example: json $.status.")
    path = compile_path(text, position=start)
    condition = take_condition(scanner, VALUES)
    is_bare = condition is not None and condition.operator is Operator.EXISTS
    return JsonAssertion(path=path, condition=None if is_bare else condition)


def _describe(value: Any, condition: Condition | None, facts: Facts) -> str:
    measure = condition.describe_measure(value, facts.now) if condition else ""
    return f"{describe_value(value)}, {measure}" if measure else describe_value(value)
