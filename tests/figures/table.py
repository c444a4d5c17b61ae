"""A measured figure, and the Markdown table of many."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

HEADER = ("figure", "target", "measured", "how")


class Row(NamedTuple):
    """One line of the table. `target` is empty where nothing is promised."""

    figure: str
    target: str
    measured: str
    how: str


def render(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [HEADER, tuple("---" for _ in HEADER), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines)
