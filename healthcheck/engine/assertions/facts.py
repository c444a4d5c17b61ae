"""What the assertions of one check look at: the observation, its body decoded once and parsed once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Any

from healthcheck.engine.assertions.json_document import UnreadableJsonError, read_json
from healthcheck.engine.assertions.markup import (
    Document,
    Selected,
    Selection,
    UnreadableMarkupError,
    open_document,
    select,
)
from healthcheck.engine.assertions.selectors import Selector
from healthcheck.engine.decoding import decode_text
from healthcheck.engine.types import Certificate, Observation

EXCERPT_CHARS = 300


class Facts:
    """An observation read lazily, at most once in each form. `now` is an aware datetime.

    `selectors` are all that will be asked for, so that a document is read once for them together.
    """

    def __init__(self, observation: Observation, now: datetime, *, selectors: Iterable[Selector] = ()) -> None:
        self.observation = observation
        self.now = now
        self._selectors = frozenset(selectors)
        self._selections: dict[Selector, Selection] = {}
        # Of several alternatives, the one that held, by the identity of what they stand in.
        self.held: dict[int, Any] = {}

    @cached_property
    def text(self) -> str:
        return decode_text(self.observation.body or b"", self.observation.charset)

    @cached_property
    def encoded(self) -> bytes:
        return self.text.encode("utf-8", "replace")

    @cached_property
    def document(self) -> Any | UnreadableJsonError:
        """The JSON document, or the reason why there is none as a value, so that it is not looked for twice."""
        try:
            return read_json(self.observation.body or b"")
        except UnreadableJsonError as error:
            return error

    @cached_property
    def chain(self) -> tuple[Certificate, ...]:
        """The whole chain as it was presented, leaf first; empty without TLS."""
        read = self.observation.read_chain
        return read() if read is not None else ()

    def select(self, selector: Selector) -> list[Selected]:
        """Return the elements of an HTML or XML body. Raises UnreadableMarkupError."""
        if selector not in self._selections:
            self._selections |= select(self._open_document(), {*self._selectors, selector} - self._selections.keys())
        found = self._selections[selector]
        if isinstance(found, UnreadableMarkupError):
            raise found
        return found

    def _open_document(self) -> Document:
        observation, content_type = self.observation, self.find_header("content-type") or ""
        return open_document(observation.body or b"", charset=observation.charset, content_type=content_type)

    def find_header(self, name: str) -> str | None:
        """Return the values of a lower-case name, joined as RFC 9110 (5.3) joins them, or None when it is absent."""
        values = [value.strip() for key, value in self.observation.headers if key.lower() == name]
        return ", ".join(values) if values else None

    def cut_excerpt(self, around: int = 0) -> str:
        """Return at most EXCERPT_CHARS of the text, with the character at `around` in its middle."""
        start = max(0, min(around - EXCERPT_CHARS // 2, len(self.text) - EXCERPT_CHARS))
        return self.text[start : start + EXCERPT_CHARS]
