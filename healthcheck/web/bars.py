"""The buckets of a period as inline SVG: no style attribute, no script, a text alternative inside.

A bucket shows the worst that occurred in it, each kind in a shape of its own beside its colour. What was not measured
in it, or not to be measured, is marked below it, so that nothing of it passes for good or for bad.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString
from django.utils.translation import get_language

from healthcheck.engine.strips import Mark
from healthcheck.web.uptime_words import describe_marks

SLOT_WIDTH = 5
HEIGHT = 24
_RUNS = re.compile(rb"(.)\1*", re.DOTALL)
# Kind, and the heights of its lines. A line is as thick as the style sheet says, and its dashes cut it into buckets.
Lines = tuple[tuple[str, str], ...]
_DOWN: Lines = (("down", "10"),)
_PARTLY_DOWN: Lines = (("some-up", "15"), ("some-down", "5"))
_DEGRADED: Lines = (("degraded", "5.5"), ("degraded", "14.5"))
_ALONE: tuple[tuple[Mark, str], ...] = (
    (Mark.MAINTENANCE, "maintenance"),
    (Mark.EXCLUDED, "excluded"),
    (Mark.UNKNOWN, "unknown"),
)


def draw_bars(marks: bytes, unit: str, language: str | None = None) -> SafeString:
    """Return the buckets, the newest at the right edge; `unit` is “hour” or “day”."""
    return _draw(marks, unit, language or get_language())


# The language is that of the title.
@lru_cache(maxsize=4096)
def _draw(marks: bytes, unit: str, language: str | None) -> SafeString:
    paths = "".join(f'<path class="hc-bar-{name}" d="{line}"/>' for name, line in _find_lines(marks).items())
    return SafeString(
        f'<svg class="hc-strip hc-bars" viewBox="0 0 {len(marks) * SLOT_WIDTH} {HEIGHT}" preserveAspectRatio="none"'
        f' role="img"><title>{escape(describe_marks(marks, unit, language))}</title>{paths}</svg>'
    )


def _find_lines(marks: bytes) -> dict[str, str]:
    """Return the lines of each kind as one path."""
    lines: dict[str, str] = {}
    for run in _RUNS.finditer(marks):
        left, length = run.start() * SLOT_WIDTH, (run.end() - run.start()) * SLOT_WIDTH
        for name, height in choose_lines(run[0][0]):
            lines[name] = f"{lines.get(name, '')}M{left} {height}h{length}"
    return lines


@lru_cache(maxsize=128)
def choose_lines(mark: int) -> Lines:
    """Return what is drawn of a bucket: its kind, and what lies below it."""
    if mark & Mark.DOWN:
        main = _DOWN if mark & Mark.MOSTLY_DOWN else _PARTLY_DOWN
    elif mark & Mark.DEGRADED:
        main = _DEGRADED
    elif mark & Mark.UP:
        main = (("up", "10"),)
    else:
        name = next((name for bit, name in _ALONE if mark & bit), "none")
        return ((name, "12"),)
    return (*main, *((f"some-{name}", "22.5") for bit, name in _ALONE if mark & bit))
