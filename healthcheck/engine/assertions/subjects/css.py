"""`css "h1" contains "Welcome"`: what a selector finds in an HTML or XML body."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from healthcheck.engine.assertions.condition import Condition, Operator
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.markup import UnreadableMarkupError, read_texts
from healthcheck.engine.assertions.model import TOO_LONG, Assertion, Fault, describe_value
from healthcheck.engine.assertions.operands import HEADERS, WHOLE_NUMBERS, require_condition, take_condition
from healthcheck.engine.assertions.patterns import TooMuchToSearchError
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.assertions.selectors import Selector, parse_selector
from healthcheck.engine.types import Observation

# Measured: a document of nothing but empty elements takes 1 us per byte.
NS_PER_BYTE = 1500
# More than may run on the loop.
LEAST_NS = 5_000_000
_ATTRIBUTE = re.compile(r"@([A-Za-z_][\w:.-]{0,99})", re.ASCII)
_COUNT = re.compile(r"count(?![\w-])")
_NONE = "nothing that the selector finds"


@dataclass(frozen=True, slots=True, kw_only=True)
class CssAssertion(Assertion):
    """Elements are found, and the condition holds for the text of each, or for an attribute of each that has it.

    With `not exists` none is found; with `count` the condition is on their number.
    """

    selector: Selector
    attribute: str = ""
    condition: Condition | None = None
    is_count: bool = False

    @property
    def expected(self) -> str:
        written = f"css {json.dumps(self.selector.text, ensure_ascii=False)}"
        attribute = f"@{self.attribute}" if self.attribute else ""
        parts = (written, attribute, "count" if self.is_count else "", str(self.condition or ""))
        return " ".join(part for part in parts if part)

    @property
    def needs_body(self) -> bool:
        return True

    @property
    def selectors(self) -> tuple[Selector, ...]:
        return (self.selector,)

    def estimate_ns(self, observation: Observation) -> int:
        # Never on the loop: a few bytes can be many elements in each other.
        per_byte = NS_PER_BYTE + (self.condition.ns_per_byte if self.condition else 0)
        return LEAST_NS + per_byte * len(observation.body or b"")

    def find_fault(self, facts: Facts) -> Fault | None:
        try:
            found = self._find_fault_in(self._select(facts), facts)
        except UnreadableMarkupError as error:
            found = str(error)
        except TooMuchToSearchError:
            found = TOO_LONG
        return Fault(found, facts.cut_excerpt()) if found else None

    def _select(self, facts: Facts) -> list[str]:
        return list(read_texts(facts.select(self.selector), self.attribute))

    def _find_fault_in(self, texts: Sequence[str], facts: Facts) -> str:
        condition = self.condition
        if self.is_count and condition is not None:
            return "" if condition.holds_for_number(len(texts)) else _describe_count(len(texts))
        if condition is not None and condition.operator is Operator.NOT_EXISTS:
            return describe_value(texts[0]) if texts else ""
        if not texts:
            return _NONE
        if condition is None:
            return ""
        condition.bound_search(sum(map(len, texts)) * 4)
        bad = next((text for text in texts if not condition.holds_for_text(text, facts.now)), None)
        return "" if bad is None else self._describe(bad, facts)

    def describe_held(self, facts: Facts) -> str:
        texts = self._select(facts)
        if self.is_count:
            return _describe_count(len(texts))
        if len(texts) == 1:
            return self._describe(texts[0], facts)
        return f"so for {len(texts)} elements" if texts else _NONE

    def _describe(self, text: str, facts: Facts) -> str:
        measure = self.condition.describe_measure(text, facts.now) if self.condition else ""
        return f"{describe_value(text)}, {measure}" if measure else describe_value(text)


def parse_css(scanner: Scanner) -> Assertion:
    start = scanner.position
    if scanner.text[start : start + 1] != '"':
        scanner.fail('Write a selector in double quotes, for example: css "main > h1" contains "Welcome".')
    # Behind the quote; where there are escapes in it, about there.
    selector = parse_selector(scanner.take_quoted(), position=start + 1)
    attribute = (scanner.take(_ATTRIBUTE) or "")[1:]
    is_count = scanner.take(_COUNT) is not None
    condition = require_condition(scanner, WHOLE_NUMBERS) if is_count else take_condition(scanner, HEADERS)
    is_bare = condition is not None and condition.operator is Operator.EXISTS
    return CssAssertion(
        selector=selector, attribute=attribute, condition=None if is_bare else condition, is_count=is_count
    )


def _describe_count(count: int) -> str:
    return "1 element" if count == 1 else f"{count} elements"
