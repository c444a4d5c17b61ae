"""Where commands write: in colour and with live progress on a terminal that can, in plain lines anywhere else.

Names come from people and answers from targets, so all text is made harmless here, at the last door to the terminal.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, TextIO

from healthcheck.engine.types import State
from healthcheck.pipeline.text import sanitise

MAX_TEXT_CHARS = 4000
STRONG, QUIET = "strong", "quiet"


@dataclass(frozen=True, slots=True)
class Span:
    """A text and its tone: a state's word, `strong`, `quiet` or nothing."""

    text: str
    tone: str = ""

    @property
    def clean(self) -> str:
        """The text on one line, without what would drive a terminal or turn text around."""
        return " ".join(sanitise(self.text, MAX_TEXT_CHARS).split("\n")).replace("\t", " ")


def name_state(state: State) -> Span:
    return Span(state.word, state.word)


class Progress(Protocol):
    """What is shown while things come in, one by one."""

    def add(self, *spans: Span) -> None:
        """Show what has come in."""


class Screen(Protocol):
    def write(self, *spans: Span) -> None:
        """Write one line."""

    def write_table(self, header: Sequence[str], rows: Sequence[Sequence[Span]]) -> None:
        """Write rows in columns, under their header if there is one."""

    def watch(self, title: str, total: int) -> AbstractContextManager[Progress]:
        """Show progress inside the block, and take it away afterwards."""


class _Silence:
    def add(self, *spans: Span) -> None:
        """Say nothing: what is read later by a program or a person needs no progress."""


class PlainScreen:
    """Lines of text, with aligned columns."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, *spans: Span) -> None:
        self._stream.write("".join(span.clean for span in spans).rstrip() + "\n")

    def write_table(self, header: Sequence[str], rows: Sequence[Sequence[Span]]) -> None:
        lines = [*([list(header)] if header else []), *([span.clean for span in row] for row in rows)]
        widths = [max(map(_measure, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            padded = (text + " " * (width - _measure(text)) for text, width in zip(line, widths, strict=True))
            self._stream.write("  ".join(padded).rstrip() + "\n")

    @contextmanager
    def watch(self, title: str, total: int) -> Iterator[Progress]:
        yield _Silence()


def _measure(text: str) -> int:
    """Return the columns that a text takes on a terminal: two for wide characters, none for combining ones."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def open_screen(stream: TextIO, *, may_colour: bool = True) -> Screen:
    """Return the best screen for a stream. Colours need a terminal, a wish for them and rich."""
    is_able = stream.isatty() and os.environ.get("TERM") != "dumb"
    if not is_able or find_spec("rich") is None:
        return PlainScreen(stream)
    # https://no-color.org: set to anything but nothing.
    has_colour = may_colour and not os.environ.get("NO_COLOR")
    screen: Screen = import_module("healthcheck.management.rich_screen").RichScreen(stream, has_colour=has_colour)
    return screen
