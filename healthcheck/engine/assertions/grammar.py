"""The text form of assertions, one per line. Parsed when saved and again when a run is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from healthcheck.engine.assertions.condition import EQUALITIES, ORDERINGS, SEARCHES, Condition, Operator, Scalar
from healthcheck.engine.assertions.json_path import compile_path
from healthcheck.engine.assertions.model import (
    Assertion,
    BodyAssertion,
    CertificateAssertion,
    HeaderAssertion,
    JsonAssertion,
    LatencyAssertion,
    StatusAssertion,
)
from healthcheck.engine.assertions.patterns import compile_pattern
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.types import ConfigurationError, State

# What the column of the model holds.
MAX_ASSERTION_CHARS = 1000
MAX_ASSERTIONS = 50
MAX_STATUS_RANGES = 20
MAX_LATENCY_MS = 600_000
MAX_CERTIFICATE_DAYS = 3650
MAX_HEADER_NAME_CHARS = 100

_SEVERITIES: Mapping[str, State] = {"down": State.DOWN, "degraded": State.DEGRADED}
_TEXT_OPERATORS = EQUALITIES | SEARCHES
_ALL_OPERATORS = _TEXT_OPERATORS | frozenset(ORDERINGS)

_OPERATOR = re.compile(r"==|!=|<=|>=|<|>|(?:not[ \t]+)?(?:contains|matches)(?![\w-])")
_RANGE = re.compile(r"(\d{1,4})(?:[ \t]*-[ \t]*(\d{1,4}))?(?!\w)")
_COMMA = re.compile(",")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,17})?(?:[eE][+-]?\d{1,3})?(?![\w.])", re.ASCII)
_CONSTANT = re.compile(r"(?:true|false|null)(?!\w)")
_BELOW = re.compile(r"<")
_ABOVE = re.compile(r">")
_DURATION = re.compile(r"(\d{1,9})(?:\.(\d{1,3}))?[ \t]*(ms|s)(?!\w)", re.ASCII)
_DAYS = re.compile(r"(\d{1,6})[ \t]*days?(?!\w)", re.ASCII)


def parse_assertions(text: str) -> tuple[Assertion, ...]:
    """Parse one assertion per line; empty lines are left out. Raises ConfigurationError that names the line."""
    parsed: list[Assertion] = []
    offset = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            parsed.append(_parse_line(line, number=number, offset=offset))
        if len(parsed) > MAX_ASSERTIONS:
            raise ConfigurationError(
                f"Line {number}: use at most {MAX_ASSERTIONS} assertions for one endpoint.", position=offset
            )
        offset += len(line) + 1
    return tuple(parsed)


def _parse_line(line: str, *, number: int, offset: int) -> Assertion:
    try:
        return parse_assertion(line)
    except ConfigurationError as error:
        position = offset + (error.position or 0)
        raise ConfigurationError(f"Line {number}: {error.sentence}", position=position) from None


# Every run parses the assertions of its endpoints again; the values are frozen, so that they can be shared.
@lru_cache(maxsize=1024)
def parse_assertion(text: str) -> Assertion:
    """Parse one assertion. Raises ConfigurationError with a sentence that names the cure, and the position."""
    if len(text) > MAX_ASSERTION_CHARS:
        raise ConfigurationError(
            f"The assertion is too long; use at most {MAX_ASSERTION_CHARS} characters.", position=0
        )
    scanner = Scanner(text.rstrip())
    start = scanner.position
    subject = scanner.take_word()
    parse = _SUBJECTS.get(subject)
    if parse is None:
        scanner.fail(f"Begin with what is judged: {', '.join(_SUBJECTS)}.", position=start)
    return replace(parse(scanner), written=text.strip())


def _take_severity(scanner: Scanner) -> State:
    if scanner.is_at_end:
        return State.DOWN
    start = scanner.position
    severity = _SEVERITIES.get(scanner.take_word())
    if severity is None or not scanner.is_at_end:
        scanner.fail("Only “degraded” or “down” may follow here, as the last word.", position=start)
    return severity


def _parse_status(scanner: Scanner) -> Assertion:
    ranges = [_take_range(scanner)]
    while scanner.take(_COMMA):
        if len(ranges) >= MAX_STATUS_RANGES:
            scanner.fail(f"Use at most {MAX_STATUS_RANGES} ranges.")
        ranges.append(_take_range(scanner))
    return StatusAssertion(ranges=tuple(ranges), severity=_take_severity(scanner))


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


def _parse_body(scanner: Scanner) -> Assertion:
    condition = _take_condition(scanner, SEARCHES, required=True)
    assert condition is not None
    return BodyAssertion(condition=condition, severity=_take_severity(scanner))


def _parse_json(scanner: Scanner) -> Assertion:
    start = scanner.position
    text = scanner.take_json_path()
    if not text:
        scanner.fail("Write a JSON path that begins with $, for example: json $.status.")
    path = compile_path(text, position=start)
    condition = _take_condition(scanner, _ALL_OPERATORS)
    return JsonAssertion(path=path, condition=condition, severity=_take_severity(scanner))


def _parse_header(scanner: Scanner) -> Assertion:
    start = scanner.position
    name = scanner.take(_HEADER_NAME)
    if name is None or len(name) > MAX_HEADER_NAME_CHARS:
        scanner.fail("Write the name of a header, for example: header content-type.", position=start)
    condition = _take_condition(scanner, _TEXT_OPERATORS)
    return HeaderAssertion(name=name.lower(), condition=condition, severity=_take_severity(scanner))


def _parse_latency(scanner: Scanner) -> Assertion:
    start = scanner.position
    found = _DURATION.match(scanner.text, scanner.position) if scanner.take(_BELOW) else None
    if found is None:
        scanner.fail("Write the limit as < and milliseconds or seconds, for example: latency < 800ms.", position=start)
    scanner.take(_DURATION)
    fraction = (found[2] or "").ljust(3, "0")
    below_ms = int(found[1]) * 1000 + int(fraction) if found[3] == "s" else int(found[1])
    if not 1 <= below_ms <= MAX_LATENCY_MS or (found[3] == "ms" and found[2]):
        scanner.fail(f"The limit is a whole number of milliseconds, from 1 to {MAX_LATENCY_MS}.", position=start)
    return LatencyAssertion(below_ms=below_ms, severity=_take_severity(scanner))


def _parse_certificate(scanner: Scanner) -> Assertion:
    start = scanner.position
    found = _DAYS.match(scanner.text, scanner.position) if scanner.take(_ABOVE) else None
    if found is None or int(found[1]) > MAX_CERTIFICATE_DAYS:
        scanner.fail(
            f"Write > and days, at most {MAX_CERTIFICATE_DAYS}, for example: certificate > 14 days.", position=start
        )
    scanner.take(_DAYS)
    return CertificateAssertion(above_days=int(found[1]), severity=_take_severity(scanner))


def _take_condition(scanner: Scanner, allowed: frozenset[Operator], *, required: bool = False) -> Condition | None:
    start = scanner.position
    word = scanner.take(_OPERATOR)
    if word is None:
        if required:
            scanner.fail(f"Compare with one of: {_list_operators(allowed)}.")
        return None
    chosen = Operator(" ".join(word.split()))
    if chosen not in allowed:
        scanner.fail(f"“{chosen}” does not work here; use one of: {_list_operators(allowed)}.", position=start)
    if chosen in (Operator.MATCHES, Operator.NOT_MATCHES):
        return _take_pattern(scanner, chosen)
    if chosen in ORDERINGS:
        return _take_number(scanner, chosen)
    if chosen in EQUALITIES and allowed == _ALL_OPERATORS and scanner.text[scanner.position :][:1] != '"':
        return _take_number(scanner, chosen)
    operand = scanner.take_quoted()
    return Condition(chosen, _quote(operand), operand)


def _take_pattern(scanner: Scanner, chosen: Operator) -> Condition:
    start = scanner.position
    text = scanner.take_quoted()
    return Condition(chosen, _quote(text), text, compile_pattern(text, position=start))


def _take_number(scanner: Scanner, chosen: Operator) -> Condition:
    start = scanner.position
    literal = scanner.take(_NUMBER)
    if literal is None and chosen in EQUALITIES:
        literal = scanner.take(_CONSTANT)
        if literal is None:
            scanner.fail('Compare with a "text" in double quotes, a number, true, false or null.')
    if literal is None:
        scanner.fail("Compare with a number, for example: json $.queue < 100.")
    operand: Scalar = json.loads(literal)
    if isinstance(operand, float) and abs(operand) == float("inf"):
        scanner.fail("The number is too large.", position=start)
    return Condition(chosen, literal, operand)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _list_operators(allowed: frozenset[Operator]) -> str:
    return ", ".join(operator for operator in Operator if operator in allowed)


_SUBJECTS: Mapping[str, Callable[[Scanner], Assertion]] = {
    StatusAssertion.subject: _parse_status,
    BodyAssertion.subject: _parse_body,
    JsonAssertion.subject: _parse_json,
    HeaderAssertion.subject: _parse_header,
    LatencyAssertion.subject: _parse_latency,
    CertificateAssertion.subject: _parse_certificate,
}
