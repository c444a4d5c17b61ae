"""The text form of assertions, one per line. Parsed when saved and again when a run is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from healthcheck.engine.assertions.any_of import MAX_ALTERNATIVES, AnyOf
from healthcheck.engine.assertions.model import Assertion
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.assertions.subjects.body import parse_body, parse_size
from healthcheck.engine.assertions.subjects.certificate import parse_certificate
from healthcheck.engine.assertions.subjects.connection import parse_address, parse_protocol, parse_redirects
from healthcheck.engine.assertions.subjects.css import parse_css
from healthcheck.engine.assertions.subjects.dns_answer import parse_answers, parse_rcode, parse_ttl
from healthcheck.engine.assertions.subjects.echo import parse_jitter, parse_loss
from healthcheck.engine.assertions.subjects.header import parse_header
from healthcheck.engine.assertions.subjects.json_value import parse_json
from healthcheck.engine.assertions.subjects.latency import parse_latency
from healthcheck.engine.assertions.subjects.status import parse_status
from healthcheck.engine.types import ConfigurationError, State

# What the column of the model holds.
MAX_ASSERTION_CHARS = 1000
MAX_ASSERTIONS = 50
# Each looks at every element of a document: a tenth of a second at the worst.
MAX_SELECTORS = 10

SUBJECTS: Mapping[str, Callable[[Scanner], Assertion]] = {
    "status": parse_status,
    "body": parse_body,
    "json": parse_json,
    "css": parse_css,
    "header": parse_header,
    "latency": parse_latency,
    "certificate": parse_certificate,
    "size": parse_size,
    "redirects": parse_redirects,
    "address": parse_address,
    "protocol": parse_protocol,
    "loss": parse_loss,
    "jitter": parse_jitter,
    "rcode": parse_rcode,
    "answers": parse_answers,
    "ttl": parse_ttl,
}
_SEVERITIES: Mapping[str, State] = {"down": State.DOWN, "degraded": State.DEGRADED}
_OR = re.compile(r"or(?![\w-])")


def parse_assertions(text: str) -> tuple[Assertion, ...]:
    """Parse one assertion per line; empty lines are left out. Raises ConfigurationError that names the line."""
    parsed: list[Assertion] = []
    offset = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            parsed.append(_parse_line(line, number=number, offset=offset))
            _refuse_many_selectors(parsed, number=number, offset=offset)
        if len(parsed) > MAX_ASSERTIONS:
            raise ConfigurationError(
                f"Line {number}: use at most {MAX_ASSERTIONS} assertions for one endpoint.", position=offset
            )
        offset += len(line) + 1
    return tuple(parsed)


def _refuse_many_selectors(parsed: Sequence[Assertion], *, number: int, offset: int) -> None:
    if sum(len(each.selectors) for each in parsed) > MAX_SELECTORS:
        raise ConfigurationError(
            f"Line {number}: use at most {MAX_SELECTORS} selectors for one endpoint.", position=offset
        )


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
    alternatives = [_parse_alternative(scanner)]
    while scanner.take(_OR):
        if len(alternatives) >= MAX_ALTERNATIVES:
            scanner.fail(f"Use at most {MAX_ALTERNATIVES} alternatives.")
        alternatives.append(_parse_alternative(scanner))
    parsed = alternatives[0] if len(alternatives) == 1 else AnyOf(alternatives=tuple(alternatives))
    return replace(parsed, severity=_take_severity(scanner), written=text.strip())


def _parse_alternative(scanner: Scanner) -> Assertion:
    start = scanner.position
    parse = SUBJECTS.get(scanner.take_word())
    if parse is None:
        scanner.fail(f"Begin with what is judged: {', '.join(SUBJECTS)}.", position=start)
    return parse(scanner)


def _take_severity(scanner: Scanner) -> State:
    if scanner.is_at_end:
        return State.DOWN
    start = scanner.position
    severity = _SEVERITIES.get(scanner.take_word())
    if severity is None or not scanner.is_at_end:
        scanner.fail("Only “degraded” or “down” may follow here, as the last word.", position=start)
    return severity
