"""The screen of a terminal, drawn by rich. Loaded only where rich is installed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from healthcheck.management.screen import Span

_STYLES = {
    "up": "green",
    "degraded": "yellow",
    "down": "bold red",
    "unknown": "magenta",
    "strong": "bold",
    "quiet": "dim",
}
# What came in last; the whole follows as a table.
MAX_RECENT_LINES = 8


class RichScreen:
    """Colours, tables that fit the window, live progress."""

    def __init__(self, stream: TextIO, *, has_colour: bool) -> None:
        self._console = Console(
            file=stream,
            force_terminal=True,
            no_color=not has_colour,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def write(self, *spans: Span) -> None:
        # Left to the terminal to wrap, so that a command line can be copied whole.
        self._console.print(_draw(spans), soft_wrap=True)

    def write_table(self, header: Sequence[str], rows: Sequence[Sequence[Span]]) -> None:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_header=bool(header))
        for title in header or [""] * max(map(len, rows), default=0):
            table.add_column(title, overflow="fold")
        for row in rows:
            table.add_row(*(_draw([span]) for span in row))
        self._console.print(table)

    @contextmanager
    def watch(self, title: str, total: int) -> Iterator[_Watch]:
        bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        watch = _Watch(bar, Span(title).clean, total)
        with Live(watch, console=self._console, transient=True, refresh_per_second=8):
            yield watch


class _Watch:
    """A bar, and above it what came in last."""

    def __init__(self, bar: Progress, title: str, total: int) -> None:
        self._bar = bar
        # Not as markup: the title is a name that a person chose.
        self._task = bar.add_task(title.replace("[", r"\["), total=total)
        self._recent: deque[Text] = deque(maxlen=MAX_RECENT_LINES)

    def add(self, *spans: Span) -> None:
        self._recent.append(_draw(spans))
        self._bar.advance(self._task)

    def __rich__(self) -> Group:
        return Group(*self._recent, self._bar)


def _draw(spans: Sequence[Span]) -> Text:
    return Text.assemble(*((span.clean, _STYLES.get(span.tone, "")) for span in spans))
