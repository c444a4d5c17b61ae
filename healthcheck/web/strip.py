"""The strip of the last verdicts as inline SVG: no style attribute, no script, a text alternative inside."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString
from django.utils.translation import get_language

from healthcheck.engine.types import State
from healthcheck.models.state import STRIP_LENGTH
from healthcheck.web.words import describe_strip

SLOT_WIDTH = 5
HEIGHT = 24
# Each state has its own shape beside its colour: a bar, a broken bar, a tall bar, a dot. Strokes are as thick as the
# style sheet says, and its dash pattern cuts every line into slots, so a steady strip is one short path.
_MIDDLE = ("12",)
_BROKEN = ("7.5", "16.5")
_SHAPES = {
    str(state.value): (f"hc-slot-{state.word}", _BROKEN if state is State.DEGRADED else _MIDDLE) for state in State
}
_RUNS = re.compile(r"(.)\1*")
_NO_VERDICT = re.compile(f"[^{''.join(_SHAPES)}]")


def draw_strip(strip: str, language: str | None = None) -> SafeString:
    """Return the last verdicts, newest at the right edge; what is no verdict's digit is left out."""
    return _draw(_NO_VERDICT.sub("", strip[-STRIP_LENGTH:]), language or get_language())


# A page draws the same strips again and again, and most of them are steady. The language is that of the title.
@lru_cache(maxsize=4096)
def _draw(verdicts: str, language: str | None) -> SafeString:
    paths = "".join(f'<path class="{name}" d="{line}"/>' for name, line in _find_lines(verdicts).items())
    return SafeString(
        f'<svg class="hc-strip" viewBox="0 0 {STRIP_LENGTH * SLOT_WIDTH} {HEIGHT}" preserveAspectRatio="none"'
        f' role="img"><title>{escape(describe_strip(verdicts, language))}</title>{paths}</svg>'
    )


def _find_lines(verdicts: str) -> dict[str, str]:
    """Return the lines of each class as one path."""
    lines: dict[str, str] = {}
    position = STRIP_LENGTH - len(verdicts)
    if position:
        lines["hc-slot-none"] = f"M0 12h{position * SLOT_WIDTH}"
    for run in _RUNS.finditer(verdicts):
        name, heights = _SHAPES[run[1]]
        left = (position + run.start()) * SLOT_WIDTH
        length = (run.end() - run.start()) * SLOT_WIDTH
        for height in heights:
            lines[name] = f"{lines.get(name, '')}M{left} {height}h{length}"
    return lines
