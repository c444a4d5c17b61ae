"""`status 200-299, 301`: the HTTP status."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import Assertion, Fault
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.types import ErrorKind

MAX_STATUS_RANGES = 20
_RANGE = re.compile(r"(\d{1,4})(?:[ \t]*-[ \t]*(\d{1,4}))?(?!\w)", re.ASCII)
_COMMA = re.compile(",")
_NOT = re.compile(r"not(?!\w)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAssertion(Assertion):
    """Inclusive ranges of HTTP status codes, or, negated, none of them."""

    kind: ClassVar[ErrorKind] = ErrorKind.STATUS
    ranges: tuple[tuple[int, int], ...]
    is_negated: bool = False

    @property
    def expected(self) -> str:
        ranges = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in self.ranges)
        return f"status not {ranges}" if self.is_negated else f"status {ranges}"

    @property
    def speaks_of_status(self) -> bool:
        return True

    def find_fault(self, facts: Facts) -> Fault | None:
        status = facts.observation.status
        if status is None:
            return Fault("no HTTP status")
        if any(low <= status <= high for low, high in self.ranges) is not self.is_negated:
            return None
        return Fault(f"status {status}", facts.cut_excerpt())

    def describe_held(self, facts: Facts) -> str:
        return f"status {facts.observation.status}"


def parse_status(scanner: Scanner) -> Assertion:
    is_negated = scanner.take(_NOT) is not None
    ranges = [_take_range(scanner)]
    while scanner.take(_COMMA):
        if len(ranges) >= MAX_STATUS_RANGES:
            scanner.fail(f"Use at most {MAX_STATUS_RANGES} ranges.")
        ranges.append(_take_range(scanner))
    return StatusAssertion(ranges=tuple(ranges), is_negated=is_negated)


def _take_range(scanner: Scanner) -> tuple[int, int]:
    start = scanner.position
    found = _RANGE.match(scanner.text, start)
    if found is None:
        scanner.fail("Write status codes and ranges, for example: status 200-299, 301.")
    low = int(found[1])
    high = int(found[2]) if found[2] else low
    if not 100 <= low <= high <= 999:
        scanner.fail("Status codes go from 100 to 999, the lower one first.", position=start)
    scanner.take(_RANGE)
    return low, high
