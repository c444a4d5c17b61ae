"""What every assertion is: a small frozen value that judges the facts and prints its own text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.selectors import Selector
from healthcheck.engine.types import AssertionOutcome, ErrorKind, Observation, State

SHOWN_CHARS = 100
TOO_LONG = "a text too long for this regular expression"


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

    # Of the class, or for one subject among several of a class.
    kind: ClassVar[ErrorKind] = ErrorKind.ASSERTION

    # What a failure means: DOWN or DEGRADED.
    severity: State = State.DOWN
    # The text as the person wrote it; empty for one that nobody wrote.
    written: str = field(default="", compare=False, repr=False)

    @property
    @abstractmethod
    def expected(self) -> str:
        """The text without the severity."""

    @property
    def error_kind(self) -> ErrorKind:
        """What its failure is called."""
        return self.kind

    @property
    def needs_body(self) -> bool:
        return False

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """What it will ask of an HTML or XML body."""
        return ()

    @property
    def speaks_of_status(self) -> bool:
        """Whether it says which status is good, so that nothing is implied."""
        return False

    @property
    def speaks_of_rcode(self) -> bool:
        """The same of a name server's response code, which says as well whether there has to be an answer."""
        return False

    @property
    def speaks_of_answers(self) -> bool:
        """The same of a name server's answers."""
        return False

    @property
    def is_of_time(self) -> bool:
        """Whether our own lag can make it fail: it comes last among equals, and must not excuse what else is wrong."""
        return False

    def estimate_ns(self, observation: Observation) -> int:
        """About the most that judging can cost; decides whether it leaves the loop."""
        return 1000

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


def describe_value(value: Any) -> str:
    """Return a short text for a value, without ever walking through a large one."""
    if isinstance(value, dict):
        return f"an object with {len(value)} members"
    if isinstance(value, list):
        return f"a list of {len(value)} items"
    if isinstance(value, str):
        more = f" and {len(value) - SHOWN_CHARS} more" if len(value) > SHOWN_CHARS else ""
        return f'"{value[:SHOWN_CHARS]}"{more}'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)[:SHOWN_CHARS]
