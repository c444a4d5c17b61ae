"""`rcode == NOERROR`, `answers exactly "192.0.2.1"`, `ttl >= 300`: what a name server said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from healthcheck.engine.assertions.condition import CHOICES, EQUALITIES, PRESENCES, SEARCHES, Condition, Operator
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import SHOWN_CHARS, TOO_LONG, Assertion, Fault, describe_value
from healthcheck.engine.assertions.operands import (
    MAX_CHOICES,
    WHOLE_NUMBERS,
    Operand,
    Vocabulary,
    require_condition,
    take_text,
)
from healthcheck.engine.assertions.patterns import TooMuchToSearchError
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.dns.data import read_expected
from healthcheck.engine.types import DnsAnswer, DnsRecord, ErrorKind, Observation

# The registry of RFC 6895 (2.3), as far as a header can say it.
RCODES = (
    *("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"),
    *("YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"),
)
SHOWN_ANSWERS = 5
_RCODE = re.compile(r"[A-Za-z]+(?![\w.-])", re.ASCII)
_QUANTIFIER = re.compile(r"(?:any|all)(?!\w)")
_COUNT = re.compile(r"count(?!\w)")
_EXACTLY = re.compile(r"exactly(?!\w)")
_COMMA = re.compile(",")
_NOT_ASKED = "no answer of a name server"


@dataclass(frozen=True, slots=True, kw_only=True)
class RcodeAssertion(Assertion):
    """How the name server says that it went."""

    kind: ClassVar[ErrorKind] = ErrorKind.STATUS
    condition: Condition

    @property
    def expected(self) -> str:
        return f"rcode {self.condition}"

    @property
    def speaks_of_rcode(self) -> bool:
        return True

    def find_fault(self, facts: Facts) -> Fault | None:
        answer = facts.observation.dns
        if answer is None:
            return Fault(_NOT_ASKED)
        return None if self.condition.holds_for_text(answer.rcode, facts.now) else Fault(answer.rcode)

    def describe_held(self, facts: Facts) -> str:
        return facts.observation.dns.rcode if facts.observation.dns is not None else _NOT_ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class TtlAssertion(Assertion):
    """For how many seconds the answer may be kept: the least of its records, aliases included."""

    condition: Condition

    @property
    def expected(self) -> str:
        return f"ttl {self.condition}"

    def find_fault(self, facts: Facts) -> Fault | None:
        answer = facts.observation.dns
        ttl = answer.ttl if answer is not None else None
        if ttl is None:
            return Fault(describe_answers(answer))
        return None if self.condition.holds_for_number(ttl) else Fault(self.describe_held(facts))

    def describe_held(self, facts: Facts) -> str:
        return str(facts.observation.dns.ttl) if facts.observation.dns is not None else _NOT_ASKED


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersAssertion(Assertion):
    """A condition for every answer or, with `is_any`, for one; `contains` without it asks for an answer among them."""

    condition: Condition
    is_any: bool = False

    @property
    def expected(self) -> str:
        return f"answers {'any ' if self.is_any else ''}{self.condition}"

    @property
    def speaks_of_answers(self) -> bool:
        return True

    def estimate_ns(self, observation: Observation) -> int:
        found = observation.dns.answers if observation.dns is not None else ()
        size = sum(len(each.data) for each in found)
        return self.condition.ns_per_byte * size + _estimate_comparing(len(found), len(self.condition.operands))

    def find_fault(self, facts: Facts) -> Fault | None:
        answer = facts.observation.dns
        if answer is None:
            return Fault(_NOT_ASKED)
        try:
            is_held = self._holds_for(answer, facts)
        except TooMuchToSearchError:
            return Fault(TOO_LONG)
        return None if is_held else Fault(describe_answers(answer))

    def _holds_for(self, answer: DnsAnswer, facts: Facts) -> bool:
        condition, found = self.condition, answer.answers
        if condition.operator in PRESENCES:
            return bool(found) is not condition.is_negated
        if condition.operator in _MEMBERSHIPS and not self.is_any:
            is_there = any(_is_one_of(each, condition.operands) for each in found)
            return is_there is not condition.is_negated
        condition.bound_search(sum(len(each.data) for each in found) * 4)
        if not found:
            return condition.is_negated
        return (any if self.is_any else all)(self._holds_for_one(each, facts) for each in found)

    def _holds_for_one(self, record: DnsRecord, facts: Facts) -> bool:
        if self.condition.operator in SEARCHES:
            return self.condition.holds_for_text(record.data, facts.now)
        return _is_one_of(record, self.condition.operands) is not self.condition.is_negated

    def describe_held(self, facts: Facts) -> str:
        return describe_answers(facts.observation.dns)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactAnswersAssertion(Assertion):
    """These and no others, in any order."""

    literals: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def expected(self) -> str:
        return f"answers exactly {', '.join(self.literals)}"

    @property
    def speaks_of_answers(self) -> bool:
        return True

    def estimate_ns(self, observation: Observation) -> int:
        count = len(observation.dns.answers) if observation.dns is not None else 0
        return _estimate_comparing(count, len(self.values))

    def find_fault(self, facts: Facts) -> Fault | None:
        answer = facts.observation.dns
        if answer is None:
            return Fault(_NOT_ASKED)
        is_complete = all(any(_is_same(each, value) for each in answer.answers) for value in self.values)
        is_alone = all(_is_one_of(each, self.values) for each in answer.answers)
        return None if is_complete and is_alone else Fault(describe_answers(answer))

    def describe_held(self, facts: Facts) -> str:
        return describe_answers(facts.observation.dns)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCountAssertion(Assertion):
    """How many answers there are."""

    condition: Condition

    @property
    def expected(self) -> str:
        return f"answers count {self.condition}"

    @property
    def speaks_of_answers(self) -> bool:
        return True

    def find_fault(self, facts: Facts) -> Fault | None:
        answer = facts.observation.dns
        if answer is None:
            return Fault(_NOT_ASKED)
        return None if self.condition.holds_for_number(len(answer.answers)) else Fault(self.describe_held(facts))

    def describe_held(self, facts: Facts) -> str:
        count = len(facts.observation.dns.answers) if facts.observation.dns is not None else 0
        return "1 answer" if count == 1 else f"{count} answers"


def _estimate_comparing(answers: int, values: int) -> int:
    # Reading an expected value takes some 50 us, once for all answers of all runs.
    return 1000 * answers * values + 50_000 * values


def describe_answers(answer: DnsAnswer | None) -> str:
    """Return a short text for the answers, or for what is there in their place."""
    if answer is None:
        return _NOT_ASKED
    if answer.answers:
        more = len(answer.answers) - SHOWN_ANSWERS
        shown = ", ".join(describe_value(each.data) for each in answer.answers[:SHOWN_ANSWERS])
        return f"{shown} and {more} more" if more > 0 else shown
    if answer.rcode != "NOERROR":
        return f"no answer, {answer.rcode}"
    aliases = any(each.type == "CNAME" for each in answer.records)
    return f"no {answer.type} record" + (f", but an alias to {answer.end[:SHOWN_CHARS]}" if aliases else "")


def parse_rcode(scanner: Scanner) -> Assertion:
    return RcodeAssertion(condition=require_condition(scanner, _RCODES))


def parse_ttl(scanner: Scanner) -> Assertion:
    return TtlAssertion(condition=require_condition(scanner, WHOLE_NUMBERS))


def parse_answers(scanner: Scanner) -> Assertion:
    if scanner.take(_COUNT):
        return AnswerCountAssertion(condition=require_condition(scanner, WHOLE_NUMBERS))
    if scanner.take(_EXACTLY):
        return _take_exactly(scanner)
    is_any = scanner.take(_QUANTIFIER) == "any"
    return AnswersAssertion(condition=require_condition(scanner, _EACH if is_any else _ANSWERS), is_any=is_any)


def _take_exactly(scanner: Scanner) -> Assertion:
    operands = [take_text(scanner)]
    while scanner.take(_COMMA):
        if len(operands) >= MAX_CHOICES:
            scanner.fail(f"Use at most {MAX_CHOICES} values.")
        operands.append(take_text(scanner))
    return ExactAnswersAssertion(
        literals=tuple(literal for literal, _ in operands), values=tuple(str(value) for _, value in operands)
    )


def _take_rcode(scanner: Scanner) -> Operand:
    start = scanner.position
    word = (scanner.take(_RCODE) or "").upper()
    if word not in RCODES:
        scanner.fail(f"Write a response code, one of: {', '.join(RCODES)}.", position=start)
    return word, word


def _is_one_of(record: DnsRecord, values: Sequence[object]) -> bool:
    return any(_is_same(record, str(each)) for each in values)


def _is_same(record: DnsRecord, text: str) -> bool:
    key = read_expected(record.type, text)
    return record.data == text if key is None else record.key == key


_MEMBERSHIPS = frozenset({Operator.CONTAINS, Operator.NOT_CONTAINS})
_RCODES = Vocabulary(EQUALITIES | CHOICES, _take_rcode)
_EACH = Vocabulary(EQUALITIES | CHOICES | SEARCHES, take_text)
_ANSWERS = Vocabulary(_EACH.operators | PRESENCES, take_text)

EXPECTED_RCODE = RcodeAssertion(condition=Condition(Operator.EQUAL, "NOERROR", ("NOERROR",)))
EXPECTED_ANSWERS = AnswersAssertion(condition=Condition(Operator.EXISTS))
