"""JSONPath (RFC 9535) with bounded work: what could multiply is refused when saved, the rest runs on a budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError, JSONPathMatch
from jsonpath.filter import BaseExpression, FilterContextPath, FilterQuery, RootFilterQuery, walk
from jsonpath.segments import JSONPathRecursiveDescentSegment
from jsonpath.selectors import Filter, JSONPathSelector

from healthcheck.engine.assertions.work import count_work, refuse_more
from healthcheck.engine.types import ConfigurationError

MAX_PATH_CHARS = 500
# `$..*..*` is quadratic in the document, three of them cubic: one is enough to find anything.
MAX_DESCENDANT_SEGMENTS = 1
# Every selector of a segment looks at all children of a value again.
MAX_SELECTORS = 24
# Values looked at for one assertion, the children of every visited value included; a filter looks at each of them with
# all its terms. 2 to 10 us each, so half a second at the worst.
MAX_STEPS = 100_000
# The most of it, for what all assertions may do together.
NS_PER_STEP = 10_000


class TooManyValuesError(Exception):
    """The path visits more values of this document than the budget allows."""


class _StrictEnvironment(JSONPathEnvironment):
    def setup_function_extensions(self) -> None:
        super().setup_function_extensions()
        # These two run Python's backtracking `re` on text that the target chose.
        del self.function_extensions["match"]
        del self.function_extensions["search"]


_ENVIRONMENT = _StrictEnvironment(strict=True, filter_caching=False)


class _Node(JSONPathMatch):
    """A visited value that pays for itself and its children. Keeps no path: a long key would be copied per child."""

    __slots__ = ("budget",)
    budget: list[int]

    @classmethod
    def start(cls, document: Any, steps: int) -> _Node:
        node = cls(filter_context={}, obj=document, parent=None, path="", parts=(), root=document)
        node.budget = [steps]
        return node

    def new_child(self, obj: object, key: int | str) -> _Node:
        del key
        self.budget[0] -= 1 + (len(obj) if isinstance(obj, (dict, list)) else 0)
        if self.budget[0] < 0:
            raise TooManyValuesError
        node = _Node(filter_context={}, obj=obj, parent=None, path="", parts=(), root=self.root)
        node.budget = self.budget
        return node

    def add_child(self, *children: JSONPathMatch) -> None:
        """Forget them: nobody asks, and they would hold the memory of the whole visit."""


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A compiled path; equal when its text is."""

    text: str
    compiled: JSONPath = field(compare=False, repr=False)
    # What looking at one value costs: one, and one more for each term of its filters.
    weight: int = field(compare=False, repr=False, default=1)

    @property
    def is_wide(self) -> bool:
        """Whether it can visit more values than it names."""
        return not self.compiled.singular_query()

    def select(self, document: Any) -> Iterator[Any]:
        """Yield the selected values in document order. Raises TooManyValuesError on the way."""
        refuse_more()
        start = _Node.start(document, MAX_STEPS // self.weight)
        nodes: Iterable[JSONPathMatch] = [start]
        # By hand, because `finditer` parses a document that is a string once more.
        for segment in self.compiled.segments:
            nodes = segment.resolve(nodes)
        try:
            for node in nodes:
                yield node.obj
        finally:
            # One that only names members pays for children that it does not visit.
            if self.is_wide:
                count_work((MAX_STEPS // self.weight - max(0, start.budget[0])) * self.weight * NS_PER_STEP)


def compile_path(text: str, *, position: int = 0) -> JsonPath:
    """Compile a path. Raises ConfigurationError; positions in the path are offset by `position`."""
    if len(text) > MAX_PATH_CHARS:
        raise ConfigurationError(
            f"The JSON path has {len(text)} characters; use at most {MAX_PATH_CHARS}.", position=position
        )
    try:
        compiled = _ENVIRONMENT.compile(text)
    except JSONPathError as error:
        at = error.token.index if error.token and error.token.index >= 0 else len(text)
        reason = str(error.args[0] if error.args else "syntax error")[:120]
        raise ConfigurationError(
            f"The JSON path is not accepted at character {at + 1}: {reason}. Write it as RFC 9535 does, for example "
            "$.database.status.",
            position=position + at,
        ) from None
    except (ValueError, OverflowError, RecursionError):
        raise ConfigurationError(
            "The JSON path holds a number or a text that cannot be read; write it as RFC 9535 does.", position=position
        ) from None
    if not isinstance(compiled, JSONPath):
        raise ConfigurationError("The JSON path joins several paths; write one assertion for each.", position=position)
    return JsonPath(text, compiled, weight=_weigh(compiled, position))


def _weigh(path: JSONPath, position: int) -> int:
    """Refuse what multiplies; return the path's weight."""
    descendants = sum(isinstance(segment, JSONPathRecursiveDescentSegment) for segment in path.segments)
    selectors = [selector for segment in path.segments for selector in segment.selectors]
    if descendants > MAX_DESCENDANT_SEGMENTS:
        raise ConfigurationError(
            "The JSON path uses “..” more than once, which can visit too many values; use it once at most.",
            position=position,
        )
    if len(selectors) > MAX_SELECTORS:
        raise ConfigurationError(
            f"The JSON path has {len(selectors)} selectors; use at most {MAX_SELECTORS}.", position=position
        )
    return 1 + sum(_weigh_filter(selector, position) for selector in selectors)


def _weigh_filter(selector: JSONPathSelector, position: int) -> int:
    """Refuse filters that look further than along one way from the value they judge: they would run per value."""
    if not isinstance(selector, Filter):
        return 0
    expressions = list(walk(selector.expression))
    if any(_looks_too_far(expression) for expression in expressions):
        raise ConfigurationError(
            "A filter in the JSON path may only follow names and indexes from @, for example [?@.name == 'db'].",
            position=position,
        )
    return sum(isinstance(expression, FilterQuery) for expression in expressions)


def _looks_too_far(expression: BaseExpression) -> bool:
    if isinstance(expression, (RootFilterQuery, FilterContextPath)):
        return True
    return isinstance(expression, FilterQuery) and not expression.path.singular_query()
