"""Bars as SVG."""

from __future__ import annotations

from itertools import combinations

from healthcheck.engine.strips import Mark
from healthcheck.web.bars import choose_lines, draw_bars

UP, DOWN = Mark.UP.value, (Mark.UP | Mark.DOWN).value


def test_steady_bars_are_one_short_path() -> None:
    assert draw_bars(bytes([UP] * 90), "day") == (
        '<svg class="hc-strip hc-bars" viewBox="0 0 450 24" preserveAspectRatio="none" role="img">'
        "<title>90 days: up throughout</title>"
        '<path class="hc-bar-up" d="M0 10h450"/></svg>'
    )


def test_runs_of_one_kind_share_a_path() -> None:
    svg = draw_bars(bytes([0] * 3 + [UP] * 2 + [DOWN] + [UP] * 4), "day")
    assert '<path class="hc-bar-none" d="M0 12h15"/>' in svg
    assert '<path class="hc-bar-up" d="M15 10h10M30 10h20"/>' in svg
    assert '<path class="hc-bar-some-down" d="M25 5h5"/>' in svg


def test_every_kind_has_a_shape_of_its_own() -> None:
    kinds = [0, *Mark, Mark.DOWN | Mark.MOSTLY_DOWN]
    shapes = [choose_lines(int(kind)) for kind in kinds if kind is not Mark.MOSTLY_DOWN]
    assert len({shape[0][0] for shape in shapes}) == len(shapes)


def test_nothing_that_occurred_is_left_out_for_good_time() -> None:
    for first, second in combinations((Mark.UNKNOWN, Mark.MAINTENANCE, Mark.EXCLUDED, Mark.DOWN, Mark.DEGRADED), 2):
        names = " ".join(name for name, _height in choose_lines(int(Mark.UP | first | second)))
        worst = Mark.DOWN if Mark.DOWN in (first, second) else first
        assert worst.name is not None
        assert worst.name.lower() in names
        for quiet in (Mark.UNKNOWN, Mark.MAINTENANCE, Mark.EXCLUDED):
            assert (f"some-{(quiet.name or '').lower()}" in names) == (quiet in (first, second))
