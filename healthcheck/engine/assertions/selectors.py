"""A subset of CSS selectors that is matched while a document streams by: names, #id, .class, attributes, ` ` and `>`.

What looks back, sideways or at text (`:has`, `+`, `~`, `:nth-child`) is refused: its cost is not that of one pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from healthcheck.engine.types import ConfigurationError

MAX_SELECTOR_CHARS = 200
MAX_STEPS = 8

_NAME = r"[A-Za-z_\u0080-\uffff-][\w\u0080-\uffff-]*"
_VALUE = r"""(?:"(?P<quoted>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[\w-]+))"""
_ATTRIBUTE = rf"\[[ ]*(?P<attribute>{_NAME}(?:[:.]{_NAME})?)[ ]*(?:(?P<how>[~^$*]?=)[ ]*{_VALUE}[ ]*)?\]"
_PART = re.compile(rf"\#(?P<id>{_NAME})|\.(?P<class>{_NAME})|(?P<tag>{_NAME}|\*)|{_ATTRIBUTE}")
_COMBINATOR = re.compile(r"\s*(>)\s*|\s+")


@dataclass(frozen=True, slots=True)
class _Test:
    """What one attribute must be like; `how` is empty where it need only be there."""

    name: str
    how: str = ""
    value: str = ""

    def holds(self, attributes: Mapping[str, str]) -> bool:
        found = attributes.get(self.name)
        if found is None or not self.how:
            return found is not None
        if self.how == "=":
            return found == self.value
        if self.how == "~=":
            return self.value in found.split()
        if not self.value:
            return False
        return {"^=": found.startswith, "$=": found.endswith, "*=": found.__contains__}[self.how](self.value)


@dataclass(frozen=True, slots=True)
class _Step:
    """One element of the way: its tag, or `*`, its tests, and whether the step before must be its very parent."""

    tag: str
    tests: tuple[_Test, ...]
    is_child: bool

    def lower(self) -> _Step:
        tests = tuple(replace(test, name=test.name.lower()) for test in self.tests)
        return replace(self, tag=self.tag.lower(), tests=tests)

    def drop_prefixes(self) -> _Step:
        tests = tuple(replace(test, name=test.name.rpartition(":")[2]) for test in self.tests)
        return replace(self, tests=tests)

    def fits(self, tag: str, attributes: Mapping[str, str]) -> bool:
        return self.tag in ("*", tag) and all(test.holds(attributes) for test in self.tests)


@dataclass(frozen=True, slots=True)
class Selector:
    """A parsed selector; equal when its text is."""

    text: str
    steps: tuple[_Step, ...] = field(compare=False, repr=False)


class Matcher:
    """Follows the elements of a document as they open and close, and says which are selected.

    For every open element it keeps, as bits, the steps that end at it and those that end at it or above: one look at
    the parent's bits is enough, however deep the document is.
    """

    def __init__(self, selector: Selector, *, is_html: bool) -> None:
        # Names of HTML are the same in upper and lower case, and the parser writes them in lower case; those of XML
        # are compared without their prefix, which is the document's own choice.
        self._steps = tuple(step.lower() if is_html else step.drop_prefixes() for step in selector.steps)
        self._open: list[tuple[int, int]] = [(0, 0)]

    def open(self, tag: str, attributes: Mapping[str, str]) -> bool:
        """Return whether the element is selected."""
        parent, above = self._open[-1]
        here = 0
        for number, step in enumerate(self._steps):
            reached = not number or (parent if step.is_child else above) >> (number - 1) & 1
            if reached and step.fits(tag, attributes):
                here |= 1 << number
        self._open.append((here, above | here))
        return bool(here >> (len(self._steps) - 1) & 1)

    def close(self) -> None:
        if len(self._open) > 1:
            self._open.pop()


def parse_selector(text: str, *, position: int = 0) -> Selector:
    """Parse a selector. Raises ConfigurationError; positions in the text are offset by `position`."""
    if not text.strip() or len(text) > MAX_SELECTOR_CHARS:
        raise ConfigurationError(f"Write a selector of 1 to {MAX_SELECTOR_CHARS} characters.", position=position)
    steps: list[_Step] = []
    at = len(text) - len(text.lstrip())
    is_child = False
    end = len(text.rstrip())
    while True:
        step, at = _parse_step(text, at, is_child=is_child, position=position)
        steps.append(step)
        if at >= end:
            break
        found = _COMBINATOR.match(text, at)
        if found is None or len(steps) >= MAX_STEPS:
            raise _refuse(at, position)
        is_child, at = bool(found[1]), found.end()
    return Selector(text.strip(), tuple(steps))


def _parse_step(text: str, at: int, *, is_child: bool, position: int) -> tuple[_Step, int]:
    tag, tests, start = "*", [], at
    while found := _PART.match(text, at):
        if found["tag"] and at != start:
            raise _refuse(at, position)
        tag = found["tag"] or tag
        tests += _read_test(found)
        at = found.end()
    if at == start:
        raise _refuse(at, position)
    return _Step(tag, tuple(tests), is_child), at


def _read_test(found: re.Match[str]) -> list[_Test]:
    if found["id"]:
        return [_Test("id", "=", found["id"])]
    if found["class"]:
        return [_Test("class", "~=", found["class"])]
    if found["attribute"]:
        value = next((found[each] for each in ("quoted", "single", "bare") if found[each] is not None), "")
        return [_Test(found["attribute"], found["how"] or "", value)]
    return []


def _refuse(at: int, position: int) -> ConfigurationError:
    return ConfigurationError(
        f"The selector is not accepted at character {at + 1}. It may hold names, #id, .class, [attribute=value], "
        f"spaces and >, and at most {MAX_STEPS} steps, for example main > h1.title.",
        position=position + at,
    )
