"""HTML and XML read once from left to right, with limits that hold on the way: no tree is built, no entity opened."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from lxml import etree

from healthcheck.engine.assertions.selectors import Matcher, Selector

MAX_MARKUP_BYTES = 1024 * 1024
# 5 to 10 us each, so that one pass takes half a second at the worst.
MAX_ELEMENTS = 50_000
MAX_SELECTED = 1000
# Of all selected elements together, the text of one inside another counted for both.
MAX_TEXT_CHARS = 1024 * 1024


class UnreadableMarkupError(Exception):
    """The body is not what can be read, or larger. The text is a short reason without content of the body."""


@dataclass(slots=True)
class Selected:
    """A selected element: its attributes, and its text with runs of white space as one space."""

    attributes: Mapping[str, str]
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())


def select(body: bytes, selector: Selector, *, is_xml: bool) -> list[Selected]:
    """Return the selected elements in document order. HTML is UTF-8, XML what it says. Raises UnreadableMarkupError."""
    if len(body) > MAX_MARKUP_BYTES:
        raise UnreadableMarkupError(f"a document of {len(body)} bytes, larger than {MAX_MARKUP_BYTES}")
    reader = _Reader(Matcher(selector, is_html=not is_xml))
    try:
        etree.fromstring(body, _build_parser(reader, is_xml=is_xml))
    except etree.XMLSyntaxError as error:
        kind = "XML" if is_xml else "HTML"
        raise UnreadableMarkupError(f"not {kind} that can be read, from line {error.lineno or 1} on") from None
    return reader.selected


def _build_parser(reader: _Reader, *, is_xml: bool) -> Any:
    target: Any = reader
    if is_xml:
        # By its own declaration: the charset of the header is often a server's default.
        return etree.XMLParser(
            target=target, resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_pis=True
        )
    return etree.HTMLParser(
        target=target, encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )


class _Reader:
    """What the parser tells as it reads."""

    def __init__(self, matcher: Matcher) -> None:
        self.selected: list[Selected] = []
        self._matcher = matcher
        # For every open element, what is collected for it.
        self._collecting: list[Selected | None] = []
        self._active: list[Selected] = []
        self._elements = self._chars = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            _give_up(f"a document of more than {MAX_ELEMENTS} elements")
        named = {_name(name): value for name, value in attributes.items()}
        found = Selected(named) if self._matcher.open(_name(tag), named) else None
        self._collecting.append(found)
        if found is not None:
            self._active.append(found)
            self.selected.append(found)
            if len(self.selected) > MAX_SELECTED:
                _give_up(f"a selector that finds more than {MAX_SELECTED} elements")

    def end(self, _tag: str) -> None:
        self._matcher.close()
        if self._collecting and self._collecting.pop() is not None:
            self._active.pop()

    def data(self, text: str) -> None:
        self._chars += len(text) * len(self._active)
        if self._chars > MAX_TEXT_CHARS:
            _give_up(f"a selector that finds more than {MAX_TEXT_CHARS} characters")
        for each in self._active:
            each.pieces.append(text)

    def close(self) -> None:
        """The parser asks for it."""


def _name(name: str) -> str:
    """Return the name without its namespace."""
    return name.rpartition("}")[2]


def _give_up(reason: str) -> NoReturn:
    raise UnreadableMarkupError(reason)


def read_texts(found: list[Selected], attribute: str) -> Iterator[str]:
    """Yield the attribute of each element that has it, or, without a name, each element's text."""
    for each in found:
        if not attribute:
            yield each.text
        elif (value := each.attributes.get(attribute)) is not None:
            yield value
