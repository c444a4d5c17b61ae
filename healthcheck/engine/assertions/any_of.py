"""`status 200 or body contains "maintenance"`: one of several is enough."""

from __future__ import annotations

from dataclasses import dataclass

from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import Assertion, Fault
from healthcheck.engine.assertions.selectors import Selector
from healthcheck.engine.types import ErrorKind, Observation

MAX_ALTERNATIVES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(Assertion):
    """Holds when one alternative does; they are tried in the order in which they were written."""

    alternatives: tuple[Assertion, ...]

    @property
    def expected(self) -> str:
        return " or ".join(each.expected for each in self.alternatives)

    @property
    def error_kind(self) -> ErrorKind:
        kinds = {each.error_kind for each in self.alternatives}
        return kinds.pop() if len(kinds) == 1 else ErrorKind.ASSERTION

    @property
    def needs_body(self) -> bool:
        return any(each.needs_body for each in self.alternatives)

    @property
    def selectors(self) -> tuple[Selector, ...]:
        return tuple(selector for each in self.alternatives for selector in each.selectors)

    @property
    def speaks_of_status(self) -> bool:
        return any(each.speaks_of_status for each in self.alternatives)

    @property
    def speaks_of_rcode(self) -> bool:
        return any(each.speaks_of_rcode for each in self.alternatives)

    @property
    def speaks_of_answers(self) -> bool:
        return any(each.speaks_of_answers for each in self.alternatives)

    @property
    def is_of_time(self) -> bool:
        return any(each.is_of_time for each in self.alternatives)

    def estimate_ns(self, observation: Observation) -> int:
        return sum(each.estimate_ns(observation) for each in self.alternatives)

    def find_fault(self, facts: Facts) -> Fault | None:
        faults: list[Fault] = []
        for each in self.alternatives:
            fault = each.find_fault(facts)
            if fault is None:
                facts.held[id(self)] = each
                return None
            faults.append(fault)
        # The one that was missed by the least: had it not been for our lag, this would hold.
        excesses = [fault.excess_us for fault in faults if fault.excess_us is not None]
        excerpt = next((fault.excerpt for fault in faults if fault.excerpt), "")
        found = "; ".join(fault.found for fault in faults)
        return Fault(found, excerpt, excess_us=min(excesses, default=None))

    def describe_held(self, facts: Facts) -> str:
        held: Assertion = facts.held[id(self)]
        return held.describe_held(facts)
