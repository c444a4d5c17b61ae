"""Reading an operator and its operands from a line. What each subject allows is a vocabulary of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from healthcheck.engine.assertions.condition import (
    CHOICES,
    EQUALITIES,
    NUMERICS,
    ORDERINGS,
    PRESENCES,
    RANGES,
    SEARCHES,
    Condition,
    Measure,
    Operator,
    Scalar,
)
from healthcheck.engine.assertions.patterns import compile_pattern
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.assertions.spans import take_ms, write_ms

MAX_CHOICES = 50

_OPERATOR = re.compile(r"==|!=|<=|>=|<|>|(?:not[ \t]+)?(?:contains|matches|one[ \t]+of|in|exists)(?![\w-])")
_MEASURE = re.compile(r"(?:length|age)(?![\w-])")
_COMMA = re.compile(",")
_TO = re.compile(r"to(?!\w)")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?(?:[eE][+-]?\d{1,3})?(?![\w.])", re.ASCII)
_WHOLE = re.compile(r"(?:0|[1-9]\d{0,17})(?![\w.])", re.ASCII)
_CONSTANT = re.compile(r"(?:true|false|null)(?!\w)")

# One operand: its canonical text and its value.
Operand = tuple[str, Scalar]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What may stand after a subject, and how its operands are read."""

    operators: frozenset[Operator]
    take_operand: Callable[[Scanner], Operand]
    measures: frozenset[Measure] = frozenset()
    # How its numbers are read, where they are not plain ones.
    take_number: Callable[[Scanner], Operand] | None = None


def require_condition(scanner: Scanner, vocabulary: Vocabulary) -> Condition:
    """Consume a condition, which must be there."""
    condition = take_condition(scanner, vocabulary)
    if condition is None:
        scanner.fail(f"Compare with one of: {list_operators(vocabulary)}.")
    return condition


def take_condition(scanner: Scanner, vocabulary: Vocabulary) -> Condition | None:
    """Consume a condition; None when there is none."""
    if measure := _take_measure(scanner, vocabulary):
        return replace(require_condition(scanner, _MEASURED[measure]), measure=measure)
    start = scanner.position
    word = scanner.take(_OPERATOR)
    if word is None:
        return None
    chosen = Operator(" ".join(word.split()))
    if chosen not in vocabulary.operators:
        scanner.fail(f"“{chosen}” does not work here; use one of: {list_operators(vocabulary)}.", position=start)
    return _take_operands(scanner, vocabulary, chosen)


def take_text(scanner: Scanner) -> Operand:
    """Consume a quoted text."""
    text = scanner.take_quoted()
    return _quote(text), text


def take_number(scanner: Scanner) -> Operand:
    """Consume a JSON number."""
    start = scanner.position
    literal = scanner.take(_NUMBER)
    if literal is None:
        scanner.fail("Compare with a number, for example: json $.queue < 100.")
    value: Scalar = json.loads(literal)
    if isinstance(value, float) and abs(value) == float("inf"):
        scanner.fail("The number is too large.", position=start)
    return literal, value


def take_whole(scanner: Scanner) -> Operand:
    """Consume a whole number, as lengths and counts are."""
    literal = scanner.take(_WHOLE)
    if literal is None:
        scanner.fail("Compare with a whole number, for example: length >= 3.")
    return literal, int(literal)


def take_scalar(scanner: Scanner) -> Operand:
    """Consume a quoted text, a number, true, false or null."""
    if scanner.text[scanner.position :][:1] == '"':
        return take_text(scanner)
    if literal := scanner.take(_CONSTANT):
        return literal, json.loads(literal)
    if _NUMBER.match(scanner.text, scanner.position) is None:
        scanner.fail('Compare with a "text" in double quotes, a number, true, false or null.')
    return take_number(scanner)


def take_duration(scanner: Scanner) -> Operand:
    """Consume a duration; its value is seconds."""
    amount = take_ms(scanner, "age < 5min")
    return write_ms(amount), amount / 1000


def list_operators(vocabulary: Vocabulary) -> str:
    """Name what may follow, in the order in which people look for it."""
    measures = [each for each in Measure if each in vocabulary.measures]
    return ", ".join([*(each for each in Operator if each in vocabulary.operators), *measures])


def _take_measure(scanner: Scanner, vocabulary: Vocabulary) -> Measure | None:
    found = _MEASURE.match(scanner.text, scanner.position)
    measure = Measure(found.group()) if found else None
    if measure is None or measure not in vocabulary.measures:
        return None
    scanner.take(_MEASURE)
    return measure


def _take_operands(scanner: Scanner, vocabulary: Vocabulary, chosen: Operator) -> Condition:
    if chosen in PRESENCES:
        return Condition(chosen)
    if chosen in RANGES:
        return _take_range(scanner, vocabulary.take_number or take_number, chosen)
    if chosen in ORDERINGS:
        return _build(chosen, [(vocabulary.take_number or take_number)(scanner)])
    if chosen in SEARCHES:
        return _take_search(scanner, chosen)
    operands = [vocabulary.take_operand(scanner)]
    while chosen in CHOICES and scanner.take(_COMMA):
        if len(operands) >= MAX_CHOICES:
            scanner.fail(f"Use at most {MAX_CHOICES} values.")
        operands.append(vocabulary.take_operand(scanner))
    return _build(chosen, operands)


def _take_search(scanner: Scanner, chosen: Operator) -> Condition:
    start = scanner.position
    literal, text = take_text(scanner)
    is_pattern = chosen in (Operator.MATCHES, Operator.NOT_MATCHES)
    pattern = compile_pattern(str(text), position=start) if is_pattern else None
    return Condition(chosen, literal, (text,), pattern)


def _take_range(scanner: Scanner, take: Callable[[Scanner], Operand], chosen: Operator) -> Condition:
    start = scanner.position
    low = take(scanner)
    if scanner.take(_TO) is None:
        scanner.fail("Write the lower and the upper bound with “to” between them, for example: in 1 to 10.")
    high = take(scanner)
    if low[1] > high[1]:  # type: ignore[operator]  # both are numbers
        scanner.fail("Write the lower bound first.", position=start)
    return Condition(chosen, f"{low[0]} to {high[0]}", (low[1], high[1]))


def _build(chosen: Operator, operands: list[Operand]) -> Condition:
    return Condition(chosen, ", ".join(literal for literal, _ in operands), tuple(value for _, value in operands))


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


WHOLE_NUMBERS = Vocabulary(EQUALITIES | NUMERICS, take_whole, take_number=take_whole)
_MEASURED: Mapping[Any, Vocabulary] = {
    Measure.LENGTH: WHOLE_NUMBERS,
    # Equal ages do not happen.
    Measure.AGE: Vocabulary(NUMERICS, take_duration, take_number=take_duration),
}
TEXTS = Vocabulary(EQUALITIES | SEARCHES | CHOICES, take_text)
# Of texts that may also be read as numbers, and may be missing.
HEADERS = Vocabulary(TEXTS.operators | NUMERICS | PRESENCES, take_text, frozenset({Measure.LENGTH, Measure.AGE}))
VALUES = Vocabulary(HEADERS.operators, take_scalar, HEADERS.measures)
