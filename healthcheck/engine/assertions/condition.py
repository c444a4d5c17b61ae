"""What a found value is compared with: an operator and its operands. Parsed by `operands.py`, bounded when parsed."""

from __future__ import annotations

import enum
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from healthcheck.engine.assertions.instants import read_instant
from healthcheck.engine.assertions.patterns import (
    MAX_SEARCH_WORK,
    NS_PER_BYTE_AND_INSTRUCTION,
    Pattern,
    TooMuchToSearchError,
)
from healthcheck.engine.assertions.spans import write_seconds
from healthcheck.engine.assertions.work import count_work, refuse_more

MAX_NUMBER_CHARS = 40
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?", re.ASCII)

Scalar = str | int | float | bool | None


class Operator(enum.StrEnum):
    EQUAL = "=="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    CONTAINS = "contains"
    NOT_CONTAINS = "not contains"
    MATCHES = "matches"
    NOT_MATCHES = "not matches"
    ONE_OF = "one of"
    NOT_ONE_OF = "not one of"
    IN = "in"
    NOT_IN = "not in"
    EXISTS = "exists"
    NOT_EXISTS = "not exists"


class Measure(enum.StrEnum):
    """What of a value is compared: the value itself, how long it is, or how old the instant is that it names."""

    VALUE = ""
    LENGTH = "length"
    AGE = "age"


ORDERINGS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
}
EQUALITIES = frozenset({Operator.EQUAL, Operator.NOT_EQUAL})
SEARCHES = frozenset({Operator.CONTAINS, Operator.NOT_CONTAINS, Operator.MATCHES, Operator.NOT_MATCHES})
CHOICES = frozenset({Operator.ONE_OF, Operator.NOT_ONE_OF})
RANGES = frozenset({Operator.IN, Operator.NOT_IN})
PRESENCES = frozenset({Operator.EXISTS, Operator.NOT_EXISTS})
# What compares numbers, and nothing else.
NUMERICS = frozenset(ORDERINGS) | RANGES
# What holds when there is nothing to look at.
NEGATIONS = frozenset(each for each in Operator if each.startswith(("!", "not ")))


@dataclass(frozen=True, slots=True)
class Condition:
    """An operator and its operands. `literal` is the operands as written, which decides equality: `true` is not `1`.

    The operands of `one of` are any number, those of `in` the lower and the upper bound, both inclusive; `exists` has
    none. Of a length they are whole numbers, of an age seconds. What is no number, has no length or is no point in time
    fits none of these, with `not` as without.
    """

    operator: Operator
    literal: str = ""
    operands: tuple[Scalar, ...] = field(compare=False, default=())
    pattern: Pattern | None = field(compare=False, repr=False, default=None)
    measure: Measure = Measure.VALUE

    def __str__(self) -> str:
        return " ".join(part for part in (self.measure, self.operator, self.literal) if part)

    @property
    def is_negated(self) -> bool:
        return self.operator in NEGATIONS

    @property
    def ns_per_byte(self) -> int:
        return self.pattern.program.programsize * NS_PER_BYTE_AND_INSTRUCTION if self.pattern else 2

    def bound_search(self, size: int) -> None:
        """Raises TooMuchToSearchError where searching texts of so many bytes together could take too long."""
        if self.pattern is not None and size * self.pattern.program.programsize > MAX_SEARCH_WORK:
            raise TooMuchToSearchError

    def find_offset(self, text: str, encoded: bytes) -> int | None:
        """Return where the operand is found in the text, in characters, or None. Raises TooMuchToSearchError."""
        refuse_more()
        count_work(self.ns_per_byte * max(len(encoded), len(text)))
        if self.pattern is None:
            offset = text.find(str(self.operands[0]))
            return offset if offset >= 0 else None
        span = self.pattern.find(encoded)
        return len(encoded[: span[0]].decode("utf-8", "ignore")) if span else None

    def holds_for_text(self, text: str, now: datetime) -> bool:
        """Whether it holds for a text, which is a number too where it reads as one. Raises TooMuchToSearchError."""
        if self.measure is not Measure.VALUE:
            return self._holds_for_measure(text, now)
        if self.operator in NUMERICS:
            number = _read_number(text)
            return number is not None and self.holds_for_number(number)
        return self._holds_for_string(text)

    def holds_for_value(self, value: Any, now: datetime) -> bool:
        """Whether it holds for a JSON value; types never convert. Raises TooMuchToSearchError."""
        if self.measure is not Measure.VALUE:
            return self._holds_for_measure(value, now)
        if self.operator in EQUALITIES or self.operator in CHOICES:
            return any(_is_same(value, each) for each in self.operands) is not self.is_negated
        if self.operator in NUMERICS:
            return _is_number(value) and self.holds_for_number(value)
        if isinstance(value, str):
            return self._holds_for_string(value)
        if isinstance(value, list) and self.pattern is None and self.operator in SEARCHES:
            return (self.operands[0] in value) is not self.is_negated
        return self.is_negated

    def holds_for_number(self, value: float) -> bool:
        """Whether it holds for a number."""
        if self.operator in RANGES:
            low, high = self.operands
            return bool(low <= value <= high) is not self.is_negated  # type: ignore[operator]  # parsed as numbers
        ordering = ORDERINGS.get(self.operator)
        if ordering is not None:
            return ordering(value, self.operands[0])
        return (value in self.operands) is not self.is_negated

    def describe_measure(self, value: Any, now: datetime) -> str:
        """Say how long a value is, or how old; empty where the value itself is compared."""
        measured = self._measure(value, now)
        if self.measure is Measure.LENGTH:
            return "without a length" if measured is None else f"of length {measured:.0f}"
        if self.measure is Measure.AGE:
            return "which is no point in time" if measured is None else f"{write_seconds(measured)} old"
        return ""

    def _holds_for_string(self, text: str) -> bool:
        if self.operator in EQUALITIES or self.operator in CHOICES:
            return (text in self.operands) is not self.is_negated
        found = self.find_offset(text, text.encode("utf-8", "replace") if self.pattern else b"")
        return (found is not None) is not self.is_negated

    def _holds_for_measure(self, value: Any, now: datetime) -> bool:
        measured = self._measure(value, now)
        return measured is not None and self.holds_for_number(measured)

    def _measure(self, value: Any, now: datetime) -> float | None:
        if self.measure is Measure.LENGTH:
            return len(value) if isinstance(value, (str, list, dict)) else None
        instant = read_instant(value) if self.measure is Measure.AGE else None
        return None if instant is None else (now - instant).total_seconds()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _read_number(text: str) -> float | None:
    # Not what else Python reads: underscores, other digits, infinity.
    stripped = text.strip()
    return float(stripped) if len(stripped) <= MAX_NUMBER_CHARS and _NUMBER.fullmatch(stripped) else None


def _is_same(value: Any, operand: Scalar) -> bool:
    # In Python True equals 1, in JSON it does not.
    return isinstance(value, bool) == isinstance(operand, bool) and bool(value == operand)
