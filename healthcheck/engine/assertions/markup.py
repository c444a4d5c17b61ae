"""HTML and XML read once from left to right for all selectors, with limits that hold on the way: no tree is built."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from healthcheck.engine.assertions.selectors import Matcher, Selector
from healthcheck.engine.decoding import decode_text

MAX_MARKUP_BYTES = 1024 * 1024
# 5 to 10 us each, so that one pass takes half a second at the worst.
MAX_ELEMENTS = 50_000
MAX_SELECTED = 1000
# Of all that one selector finds together, the text of one element inside another counted for both.
MAX_TEXT_CHARS = 512 * 1024
# An entity may stand for any number of elements, and a list of attributes for any number of texts, in a few bytes.
_DECLARATIONS = re.compile(r"<!(?:ENTITY|ATTLIST)\b")
_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}?\bencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
# What nobody sees of a page, and what stands on lines of its own.
_UNSEEN = frozenset({"script", "style", "template"})
_LINES = frozenset(
    {"address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "fieldset", "figcaption", "figure"}
    | {"footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "option", "p"}
    | {"pre", "section", "table", "td", "th", "tr", "ul"}
)


class UnreadableMarkupError(Exception):
    """The body is not what can be read, or larger. The text is a short reason without content of the body."""


@dataclass(slots=True)
class Selected:
    """A selected element: its attributes, and its text with runs of white space as one space."""

    attributes: Mapping[str, str]
    is_html: bool
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    def find_attribute(self, name: str) -> str | None:
        # In HTML upper and lower case are the same, and in XML a prefix is the document's own choice.
        return self.attributes.get(name.lower() if self.is_html else name.rpartition(":")[2])


Selection = list[Selected] | UnreadableMarkupError


@dataclass(frozen=True, slots=True)
class Document:
    """A body as text; `is_xml` by what it says of itself."""

    text: str
    is_xml: bool


def open_document(body: bytes, *, charset: str, content_type: str) -> Document:
    """Return the body as text: XML in the charset that it declares, for the header's is often a server's default."""
    declared = _ENCODING.match(body[:200].removeprefix(codecs.BOM_UTF8))
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        charset = "utf-16"
    elif declared:
        charset = declared[1].decode("ascii").lower()
    text = decode_text(body, charset)
    return Document(text, "xml" in content_type.lower() or text.lstrip()[:5] == "<?xml")


def select(document: Document, selectors: Iterable[Selector]) -> dict[Selector, Selection]:
    """Return for each selector its elements in document order, or why there are none to be had."""
    collectors = {each: _Collector(Matcher(each, is_html=not document.is_xml)) for each in selectors}
    failure = _read(document, [*collectors.values()])
    return {selector: failure or each.failure or each.selected for selector, each in collectors.items()}


def _read(document: Document, collectors: Sequence[_Collector]) -> UnreadableMarkupError | None:
    encoded = document.text.encode("utf-8", "replace")
    if len(encoded) > MAX_MARKUP_BYTES:
        return UnreadableMarkupError(f"a document of {len(encoded)} bytes, larger than {MAX_MARKUP_BYTES}")
    if document.is_xml and _DECLARATIONS.search(document.text):
        return UnreadableMarkupError("an XML document that declares entities or attributes of its own")
    try:
        etree.fromstring(encoded, _build_parser(_Reader(collectors, is_html=not document.is_xml), document))
    except etree.XMLSyntaxError as error:
        kind = "XML" if document.is_xml else "HTML"
        return UnreadableMarkupError(f"not {kind} that can be read, from line {error.lineno or 1} on")
    except UnreadableMarkupError as error:
        return error
    return None


def _build_parser(reader: _Reader, document: Document) -> Any:
    target: Any = reader
    bounds = {"target": target, "encoding": "utf-8", "no_network": True, "huge_tree": False, "remove_pis": True}
    if document.is_xml:
        return etree.XMLParser(**bounds, resolve_entities=False, load_dtd=False)
    return etree.HTMLParser(**bounds, remove_comments=True)


class _Collector:
    """What one selector finds. It gives up by itself, and costs nothing from then on."""

    def __init__(self, matcher: Matcher) -> None:
        self.selected: list[Selected] = []
        self.failure: UnreadableMarkupError | None = None
        self._matcher = matcher
        # For every open element, what is collected for it.
        self._collecting: list[Selected | None] = []
        self._active: list[Selected] = []
        self._chars = 0

    def open(self, tag: str, attributes: Mapping[str, str], *, is_html: bool) -> None:
        if self.failure is not None:
            return
        found = Selected(attributes, is_html) if self._matcher.open(tag, attributes) else None
        self._collecting.append(found)
        if found is not None:
            self._active.append(found)
            self.selected.append(found)
            if len(self.selected) > MAX_SELECTED:
                self.failure = UnreadableMarkupError(f"a selector that finds more than {MAX_SELECTED} elements")

    def close(self) -> None:
        if self.failure is None:
            self._matcher.close()
            if self._collecting and self._collecting.pop() is not None:
                self._active.pop()

    def add(self, text: str) -> None:
        if self.failure is not None or not self._active:
            return
        self._chars += len(text) * len(self._active)
        if self._chars > MAX_TEXT_CHARS:
            self.failure = UnreadableMarkupError(f"a selector that finds more than {MAX_TEXT_CHARS} characters")
            return
        for each in self._active:
            each.pieces.append(text)


class _Reader:
    """What the parser tells as it reads."""

    def __init__(self, collectors: Sequence[_Collector], *, is_html: bool) -> None:
        self._collectors = collectors
        self._is_html = is_html
        self._elements = 0
        self._unseen = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise UnreadableMarkupError(f"a document of more than {MAX_ELEMENTS} elements")
        self._break_line(tag)
        self._unseen += self._is_html and tag in _UNSEEN
        named = {_name(name): value for name, value in attributes.items()}
        for each in self._collectors:
            each.open(_name(tag), named, is_html=self._is_html)

    def end(self, tag: str) -> None:
        self._unseen -= self._is_html and tag in _UNSEEN
        for each in self._collectors:
            each.close()
        self._break_line(tag)

    def data(self, text: str) -> None:
        if not self._unseen:
            for each in self._collectors:
                each.add(text)

    def close(self) -> None:
        """The parser asks for it."""

    def _break_line(self, tag: str) -> None:
        if self._is_html and tag in _LINES:
            self.data(" ")


def _name(name: str) -> str:
    """Return the name without its namespace."""
    return name.rpartition("}")[2]


def read_texts(found: list[Selected], attribute: str) -> Iterator[str]:
    """Yield the attribute of each element that has it, or, without a name, each element's text."""
    for each in found:
        if not attribute:
            yield each.text
        elif (value := each.find_attribute(attribute)) is not None:
            yield value
