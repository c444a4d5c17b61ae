"""The response chart as SVG: no script, no style attribute, no text in it but its alternative.

Labels stand beside it in HTML, so that the picture may stretch to any width and its words stay as large as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from django.utils.safestring import SafeString

from healthcheck.web.window import PERCENTILES, PHASES, Column, Window

WIDTH, HEIGHT, LANE_HEIGHT = 960, 240, 16
DIVISIONS = 4
# Of a column; the rest is the gap to the next.
_BAR_SHARE = 0.8
# Between the phases of a bar: neighbours are told apart without their colours.
_SEAM = 1.0
_STEPS = (1, 2, 2.5, 5, 10)


def find_top(window: Window) -> float:
    """Return the top of the scale in microseconds, such that its divisions are round numbers."""
    highest = max([sum(column.phases_us) for column in window.columns] + [*window.percentiles_us, 1.0])
    step = highest / DIVISIONS
    magnitude = 10.0 ** math.floor(math.log10(step))
    return DIVISIONS * magnitude * min(each for each in _STEPS if each * magnitude >= step * 0.999999)


def draw_chart(window: Window, *, title: str, description: str) -> SafeString:
    """Return the bars, one per column with its phases stacked, and a line for each percentile."""
    top = find_top(window)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"'
    names = 'aria-labelledby="hc-chart-title" aria-describedby="hc-chart-description"'
    parts = [
        f'<svg class="hc-chart-plot" {size} role="img" {names}>',
        f'<title id="hc-chart-title">{escape(title)}</title>',
        f'<desc id="hc-chart-description">{escape(description)}</desc>',
        f'<path class="hc-chart-grid" d="{_draw_grid()}"/>',
    ]
    bars = zip(PHASES, _draw_bars(window.columns, top), strict=True)
    parts += [f'<path class="hc-phase-{phase}" d="{path}"/>' for phase, path in bars if path]
    lines = zip(PERCENTILES, window.percentiles_us, strict=False)
    parts += [
        f'<path class="hc-chart-line hc-chart-p{percent}" d="M0 {_round(HEIGHT * (1 - value / top))}H{WIDTH}"/>'
        for percent, value in lines
    ]
    return SafeString("".join([*parts, "</svg>"]))


def draw_lane(window: Window, *, title: str) -> SafeString:
    """Return the marks under the chart: a tall one where a check failed, a flat one where nothing was measured."""
    failed = "".join(
        _draw_mark(place, len(window.columns), 0, LANE_HEIGHT)
        for place, column in enumerate(window.columns)
        if column.failed
    )
    unknown = "".join(
        _draw_mark(place, len(window.columns), LANE_HEIGHT / 2 - 1.5, 3)
        for place, column in enumerate(window.columns)
        if not column.failed and (column.unknown or not column.count)
    )
    return SafeString(
        f'<svg class="hc-chart-lane" viewBox="0 0 {WIDTH} {LANE_HEIGHT}" preserveAspectRatio="none" role="img">'
        f"<title>{escape(title)}</title>"
        + (f'<path class="hc-mark-failed" d="{failed}"/>' if failed else "")
        + (f'<path class="hc-mark-unknown" d="{unknown}"/>' if unknown else "")
        + "</svg>"
    )


def _draw_grid() -> str:
    return "".join(f"M0 {_round(HEIGHT * line / DIVISIONS)}H{WIDTH}" for line in range(DIVISIONS))


def _draw_bars(columns: Sequence[Column], top: float) -> list[str]:
    """Return one path per phase, over all columns."""
    paths = [""] * len(PHASES)
    for place, column in enumerate(columns):
        floor = float(HEIGHT)
        for phase, spent_us in enumerate(column.phases_us):
            height = spent_us / top * HEIGHT
            if height > 0:
                seam = _SEAM if height > 2 * _SEAM else 0.0
                paths[phase] += _draw_mark(place, len(columns), floor - height + seam, height - seam)
            floor -= height
    return paths


def _draw_mark(place: int, count: int, top: float, height: float) -> str:
    # No wider than a finger's mark, however few there are.
    pitch = WIDTH / max(count, 12)
    left = WIDTH - (count - place) * pitch + pitch * (1 - _BAR_SHARE) / 2
    width = _round(pitch * _BAR_SHARE)
    return f"M{_round(left)} {_round(top)}h{width}v{_round(height)}h-{width}z"


def _round(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
