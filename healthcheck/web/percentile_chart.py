"""Percentiles of each bucket of a period as SVG: a line for each, and a gap where nothing was answered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from django.utils.safestring import SafeString

from healthcheck.web.past import PERCENTILES

WIDTH, HEIGHT = 960, 240
DIVISIONS = 4
_STEPS = (1, 2, 2.5, 5, 10)

# Of each bucket one value for each of PERCENTILES, in microseconds; None where nothing was answered.
Columns = Sequence[tuple[int, ...] | None]


def find_top(columns: Columns) -> float:
    """Return the top of the scale in microseconds, such that its divisions are round numbers."""
    step = max([max(each) for each in columns if each], default=1) / DIVISIONS
    magnitude = 10.0 ** math.floor(math.log10(step))
    return DIVISIONS * magnitude * min(each for each in _STEPS if each * magnitude >= step * 0.999999)


def draw_percentiles(columns: Columns, *, title: str, description: str) -> SafeString:
    """Return a step for each bucket: its percentile holds for all of it, and for nothing beside it."""
    top = find_top(columns)
    paths = "".join(
        f'<path class="hc-chart-line hc-chart-p{percent}" d="{_draw_line(columns, place, top)}"/>'
        for place, percent in enumerate(PERCENTILES)
    )
    grid = "".join(f"M0 {HEIGHT * line / DIVISIONS:g}H{WIDTH}" for line in range(DIVISIONS))
    return SafeString(
        f'<svg class="hc-chart-plot" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img"'
        ' aria-labelledby="hc-past-title" aria-describedby="hc-past-description">'
        f'<title id="hc-past-title">{escape(title)}</title>'
        f'<desc id="hc-past-description">{escape(description)}</desc>'
        f'<path class="hc-chart-grid" d="{grid}"/>{paths}</svg>'
    )


def _draw_line(columns: Columns, place: int, top: float) -> str:
    pitch = WIDTH / len(columns)
    line, is_drawing = "", False
    for number, column in enumerate(columns):
        if column is None:
            is_drawing = False
            continue
        height = f"{HEIGHT * (1 - column[place] / top):.1f}"
        line += f"{'V' + height if is_drawing else f'M{number * pitch:.1f} {height}'}H{(number + 1) * pitch:.1f}"
        is_drawing = True
    return line
