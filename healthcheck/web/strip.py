"""The strip of the last verdicts as inline SVG: no style attribute, no script, a text alternative inside."""

from __future__ import annotations

from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from healthcheck.engine.types import State
from healthcheck.models.state import STRIP_LENGTH
from healthcheck.web.words import describe_strip

SLOT_WIDTH = 5
HEIGHT = 24
# Each state has its own shape beside its colour: a bar, a broken bar, a tall bar, a dot. Strokes are as thick as the
# style sheet says, and its dash pattern cuts every line into slots, so a steady strip is one short path.
_MIDDLE = ("12",)
_BROKEN = ("7.5", "16.5")
_CLASSES = {str(state.value): f"hc-slot-{state.word}" for state in State}


def draw_strip(strip: str) -> SafeString:
    """Return the last verdicts, newest at the right edge; what is no verdict's digit is left out."""
    verdicts = "".join(digit for digit in strip[-STRIP_LENGTH:] if digit in _CLASSES)
    empty = STRIP_LENGTH - len(verdicts)
    paths: list[tuple[str, str]] = []
    if empty:
        paths.append(("hc-slot-none", f"M0 12h{empty * SLOT_WIDTH}"))
    position = empty
    for digit, slots in groupby(verdicts):
        width = len(list(slots))
        lines = _BROKEN if digit == str(State.DEGRADED.value) else _MIDDLE
        line = "".join(f"M{position * SLOT_WIDTH} {y}h{width * SLOT_WIDTH}" for y in lines)
        paths.append((_CLASSES[digit], line))
        position += width
    return format_html(
        '<svg class="hc-strip" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img"><title>{}</title>{}</svg>',
        STRIP_LENGTH * SLOT_WIDTH,
        HEIGHT,
        describe_strip(verdicts),
        format_html_join("", '<path class="{}" d="{}"/>', _merge(paths)),
    )


def _merge(paths: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Join the lines of one class into one path."""
    merged: dict[str, str] = {}
    for name, line in paths:
        merged[name] = merged.get(name, "") + line
    return list(merged.items())
