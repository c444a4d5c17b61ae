"""What a text or a JSON value is compared with: an operator and its operand."""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from healthcheck.engine.assertions.patterns import NS_PER_BYTE_AND_INSTRUCTION, Pattern

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


ORDERINGS: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.LESS: operator.lt,
    Operator.LESS_OR_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_OR_EQUAL: operator.ge,
}
EQUALITIES = frozenset({Operator.EQUAL, Operator.NOT_EQUAL})
SEARCHES = frozenset({Operator.CONTAINS, Operator.NOT_CONTAINS, Operator.MATCHES, Operator.NOT_MATCHES})
# What holds when there is nothing to look at.
NEGATIONS = frozenset({Operator.NOT_EQUAL, Operator.NOT_CONTAINS, Operator.NOT_MATCHES})


@dataclass(frozen=True, slots=True)
class Condition:
    """An operator and its operand. `literal` is the operand as written, which decides equality: `true` is not `1`."""

    operator: Operator
    literal: str
    operand: Scalar = field(compare=False)
    pattern: Pattern | None = field(compare=False, repr=False, default=None)

    def __str__(self) -> str:
        return f"{self.operator} {self.literal}"

    @property
    def is_negated(self) -> bool:
        return self.operator in NEGATIONS

    @property
    def ns_per_byte(self) -> int:
        return self.pattern.program.programsize * NS_PER_BYTE_AND_INSTRUCTION if self.pattern else 2

    def find_offset(self, text: str, encoded: bytes) -> int | None:
        """Return where the operand is found in the text, in characters, or None. Raises TooMuchToSearchError."""
        if self.pattern is None:
            offset = text.find(str(self.operand))
            return offset if offset >= 0 else None
        span = self.pattern.find(encoded)
        return len(encoded[: span[0]].decode("utf-8", "ignore")) if span else None

    def holds_for_text(self, text: str) -> bool:
        """Whether it holds for a text as a whole. Raises TooMuchToSearchError."""
        if self.operator in EQUALITIES:
            return (text == self.operand) is not self.is_negated
        found = self.find_offset(text, text.encode("utf-8", "replace") if self.pattern else b"")
        return (found is not None) is not self.is_negated

    def holds_for_value(self, value: Any) -> bool:
        """Whether it holds for a JSON value; types never convert. Raises TooMuchToSearchError."""
        if self.operator in EQUALITIES:
            return _is_same(value, self.operand) is not self.is_negated
        ordering = ORDERINGS.get(self.operator)
        if ordering is not None:
            return _is_number(value) and ordering(value, self.operand)
        if isinstance(value, str):
            return self.holds_for_text(value)
        if isinstance(value, list) and self.pattern is None:
            return (self.operand in value) is not self.is_negated
        return self.is_negated


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_same(value: Any, operand: Scalar) -> bool:
    # In Python True equals 1, in JSON it does not.
    return isinstance(value, bool) == isinstance(operand, bool) and bool(value == operand)
