"""The assertions: one small frozen class per subject, each judging the facts and printing its own text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar

from healthcheck.engine.assertions.condition import Condition
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.json_document import UnreadableJsonError
from healthcheck.engine.assertions.json_path import JsonPath, TooManyValuesError
from healthcheck.engine.assertions.patterns import TooMuchToSearchError
from healthcheck.engine.types import AssertionOutcome, ErrorKind, State

SHOWN_CHARS = 100
_TOO_LONG = "a text too long for this regular expression"


@dataclass(frozen=True, slots=True)
class Fault:
    """What was found instead. Bounded text, for staff only."""

    found: str
    excerpt: str = ""
    # For a limit of time: by how much it was missed, which our own lag may explain.
    excess_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion(ABC):
    """What is expected of an observation. `str()` gives its canonical text, which parses back to an equal value."""

    subject: ClassVar[str]
    kind: ClassVar[ErrorKind] = ErrorKind.ASSERTION
    needs_body: ClassVar[bool] = False

    # What a failure means: DOWN or DEGRADED.
    severity: State = State.DOWN
    # The text as the person wrote it; empty for one that nobody wrote.
    written: str = field(default="", compare=False, repr=False)

    @property
    @abstractmethod
    def expected(self) -> str:
        """The text without the severity."""

    @property
    def ns_per_byte(self) -> int:
        """About the most that judging costs per byte looked at, in nanoseconds; decides whether it leaves the loop."""
        return 2

    @abstractmethod
    def find_fault(self, facts: Facts) -> Fault | None:
        """Return what was found instead, or None when the assertion holds. Bounded work on any observation."""

    @abstractmethod
    def describe_held(self, facts: Facts) -> str:
        """Say what was found by an assertion that holds. Searches nothing a second time."""

    def explain(self, facts: Facts, fault: Fault | None) -> AssertionOutcome:
        """Return the outcome; `fault` is what `find_fault` returned for these facts."""
        found, verdict = (self.describe_held(facts), State.UP) if fault is None else (fault.found, self.severity)
        return AssertionOutcome(self.written or str(self), self.expected, found, verdict)

    def __str__(self) -> str:
        return f"{self.expected} {self.severity.word}" if self.severity is State.DEGRADED else self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAssertion(Assertion):
    """`status 200-299, 301`: inclusive ranges of HTTP status codes."""

    subject: ClassVar[str] = "status"
    kind: ClassVar[ErrorKind] = ErrorKind.STATUS
    ranges: tuple[tuple[int, int], ...]

    @property
    def expected(self) -> str:
        return "status " + ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in self.ranges)

    def find_fault(self, facts: Facts) -> Fault | None:
        status = facts.observation.status
        if status is None:
            return Fault("no HTTP status")
        if any(low <= status <= high for low, high in self.ranges):
            return None
        return Fault(f"status {status}", facts.cut_excerpt())

    def describe_held(self, facts: Facts) -> str:
        return f"status {facts.observation.status}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyAssertion(Assertion):
    """`body contains "text"`, `body matches "regex"` and their negations."""

    subject: ClassVar[str] = "body"
    needs_body: ClassVar[bool] = True
    condition: Condition

    @property
    def expected(self) -> str:
        return f"body {self.condition}"

    @property
    def ns_per_byte(self) -> int:
        return self.condition.ns_per_byte

    def find_fault(self, facts: Facts) -> Fault | None:
        try:
            offset = self.condition.find_offset(facts.text, facts.encoded)
        except TooMuchToSearchError:
            return Fault(_TOO_LONG, facts.cut_excerpt())
        if (offset is not None) is not self.condition.is_negated:
            return None
        found = "not in the body" if offset is None else f"in the body at character {offset + 1}"
        return Fault(found, facts.cut_excerpt(offset or 0))

    def describe_held(self, facts: Facts) -> str:
        return "not in the body" if self.condition.is_negated else "in the body"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonAssertion(Assertion):
    """`json $.path`, optionally with a condition: something is selected, and the condition holds for all of it."""

    subject: ClassVar[str] = "json"
    needs_body: ClassVar[bool] = True
    path: JsonPath
    condition: Condition | None = None

    @property
    def expected(self) -> str:
        return f"json {self.path.text}" + (f" {self.condition}" if self.condition else "")

    @property
    def ns_per_byte(self) -> int:
        # Measured: reading small values costs 100 to 250 ns per byte, a visit of nested ones up to 10 us.
        cost = 10_000 if self.path.is_wide else 250
        return cost + (self.condition.ns_per_byte if self.condition else 0)

    def find_fault(self, facts: Facts) -> Fault | None:
        document = facts.document
        if isinstance(document, UnreadableJsonError):
            return Fault(str(document), facts.cut_excerpt())
        try:
            found = self._find_fault_in(document)
        except TooManyValuesError:
            found = "a path that visits too many values"
        except TooMuchToSearchError:
            found = _TOO_LONG
        return Fault(found, facts.cut_excerpt()) if found else None

    def _find_fault_in(self, document: Any) -> str:
        is_found = False
        for value in self.path.select(document):
            if self.condition is None:
                return ""
            is_found = True
            if not self.condition.holds_for_value(value):
                return _describe(value)
        return "" if is_found else "nothing at that path"

    def describe_held(self, facts: Facts) -> str:
        if self.path.is_wide:
            return "something at that path" if self.condition is None else "so for everything at that path"
        return _describe(next(self.path.select(facts.document)))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderAssertion(Assertion):
    """`header name`, optionally with a condition. A negated condition holds for a header that is absent."""

    subject: ClassVar[str] = "header"
    name: str
    condition: Condition | None = None

    @property
    def expected(self) -> str:
        return f"header {self.name}" + (f" {self.condition}" if self.condition else "")

    @property
    def ns_per_byte(self) -> int:
        return self.condition.ns_per_byte if self.condition else 2

    def find_fault(self, facts: Facts) -> Fault | None:
        value = facts.find_header(self.name)
        if value is None:
            is_fine = self.condition is not None and self.condition.is_negated
            return None if is_fine else Fault("no such header")
        if self.condition is None:
            return None
        try:
            return None if self.condition.holds_for_text(value) else Fault(_describe(value))
        except TooMuchToSearchError:
            return Fault(_TOO_LONG)

    def describe_held(self, facts: Facts) -> str:
        value = facts.find_header(self.name)
        return "no such header" if value is None else _describe(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyAssertion(Assertion):
    """`latency < 800ms`."""

    subject: ClassVar[str] = "latency"
    below_ms: int

    @property
    def expected(self) -> str:
        return f"latency < {self.below_ms}ms"

    def find_fault(self, facts: Facts) -> Fault | None:
        latency_us = facts.observation.latency_us
        excess_us = latency_us - self.below_ms * 1000
        return None if excess_us < 0 else Fault(self.describe_held(facts), excess_us=excess_us)

    def describe_held(self, facts: Facts) -> str:
        return f"{facts.observation.latency_us / 1000:.0f}ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAssertion(Assertion):
    """`certificate > 14 days`: how long the leaf certificate is still valid."""

    subject: ClassVar[str] = "certificate"
    kind: ClassVar[ErrorKind] = ErrorKind.CERTIFICATE
    above_days: int

    @property
    def expected(self) -> str:
        return f"certificate > {self.above_days} days"

    def find_fault(self, facts: Facts) -> Fault | None:
        certificate = facts.observation.certificate
        if certificate is None:
            return Fault("no certificate")
        if certificate.not_after - facts.now > timedelta(days=self.above_days):
            return None
        return Fault(self.describe_held(facts))

    def describe_held(self, facts: Facts) -> str:
        certificate = facts.observation.certificate
        assert certificate is not None
        left = certificate.not_after - facts.now
        return f"{left / timedelta(days=1):.1f} days, until {certificate.not_after:%Y-%m-%d %H:%M} UTC"


def _describe(value: Any) -> str:
    """Return a short text for a value, without ever walking through a large one."""
    if isinstance(value, dict):
        return f"an object with {len(value)} members"
    if isinstance(value, list):
        return f"a list of {len(value)} items"
    if isinstance(value, str):
        return f'"{value[:SHOWN_CHARS]}"' + (
            f" and {len(value) - SHOWN_CHARS} more" if len(value) > SHOWN_CHARS else ""
        )
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)[:SHOWN_CHARS]
