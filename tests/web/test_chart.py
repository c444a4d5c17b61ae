"""The response chart as SVG."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from healthcheck.engine.types import State
from healthcheck.web.chart import HEIGHT, WIDTH, draw_chart, draw_lane, find_top
from healthcheck.web.window import Sample, Window, build_window
from tests.factories import NOW

MINUTE = timedelta(minutes=1)


def _window(*latencies_us: int, verdict: State = State.UP) -> Window:
    samples = [
        Sample(NOW + MINUTE * number, verdict, spent, (0, 0, spent // 2, spent // 2, 0))
        for number, spent in enumerate(latencies_us)
    ]
    return build_window(samples, NOW + MINUTE * len(latencies_us))


@pytest.mark.parametrize(
    ("highest_us", "top_us"),
    [(1, 1), (4, 4), (39_000, 40_000), (41_000, 80_000), (81_000, 100_000), (100_000, 100_000), (101_000, 200_000)],
)
def test_scale_ends_at_a_number_that_parts_into_round_ones(highest_us: int, top_us: float) -> None:
    window = Window(percentiles_us=(highest_us,))
    assert find_top(window) == pytest.approx(max(top_us, 1))


def test_phases_are_stacked_without_their_seams_overlapping() -> None:
    svg = draw_chart(_window(*[40_000] * 12), title="T", description="D")
    assert '<path class="hc-phase-tls" d="M8 121h64v119h-64z' in svg
    assert '<path class="hc-phase-headers" d="M8 1h64v119h-64z' in svg
    assert "hc-phase-body" not in svg


def test_percentiles_are_lines_at_their_height() -> None:
    svg = draw_chart(_window(10_000, 20_000, 40_000), title="T", description="D")
    assert f'<path class="hc-chart-line hc-chart-p50" d="M0 {HEIGHT // 2}H{WIDTH}"/>' in svg
    assert f'<path class="hc-chart-line hc-chart-p99" d="M0 0H{WIDTH}"/>' in svg


def test_picture_is_well_formed_and_its_alternative_is_escaped() -> None:
    svg = draw_chart(_window(10_000), title="<T>", description='"D" & more')
    root = ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))
    title, description, *_paths = root
    assert (title.text, description.text) == ("<T>", '"D" & more')
    assert (root.attrib["aria-labelledby"], root.attrib["aria-describedby"]) == (
        title.attrib["id"],
        description.attrib["id"],
    )
    assert "style=" not in svg


def test_lane_marks_what_failed_and_what_was_not_measured() -> None:
    verdicts = [State.UP, State.DOWN, State.UNKNOWN, State.UP]
    samples = [Sample(NOW + MINUTE * number, verdict, 1000) for number, verdict in enumerate(verdicts)]
    lane = draw_lane(build_window(samples, NOW + MINUTE * 4), title="1 failed")
    assert "<title>1 failed</title>" in lane
    assert lane.count("hc-mark-failed") == lane.count("hc-mark-unknown") == 1
    assert lane.count("h64") == 2
    assert "hc-mark" not in draw_lane(_window(1000, 1000), title="")


def test_picture_of_failures_only_has_no_bars_and_a_scale() -> None:
    svg = draw_chart(_window(1000, 1000, verdict=State.DOWN), title="T", description="D")
    assert "hc-phase" not in svg
    assert "hc-chart-line" not in svg
    assert "hc-chart-grid" in svg
