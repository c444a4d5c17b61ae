"""Bars: in order, each where the one before it ended, and never outside of the picture."""

from __future__ import annotations

import pytest

from healthcheck.admin.explain.waterfall import MIN_WIDTH, WIDTH, draw_waterfall
from healthcheck.engine.types import Phase, PhaseTimes
from healthcheck.models.result import MAX_INTEGER


def test_bars_follow_each_other() -> None:
    times = PhaseTimes(resolve_us=100, connect_us=200, tls_us=0, headers_us=600, body_us=100)
    bars = draw_waterfall(times, 1000)
    assert [(bar.word, bar.x, bar.width) for bar in bars] == [
        ("resolve", 0, 100),
        ("connect", 100, 200),
        ("headers", 300, 600),
        ("body", 900, 100),
    ]


def test_phase_that_failed_is_marked_even_when_it_took_no_time() -> None:
    bars = draw_waterfall(PhaseTimes(resolve_us=10), 10, failed_in=Phase.CONNECT)
    assert [(bar.word, bar.is_where_it_failed) for bar in bars] == [("resolve", False), ("connect", True)]
    [waiting] = draw_waterfall(PhaseTimes(headers_us=10), 10, failed_in=Phase.REQUEST)
    assert waiting.is_where_it_failed


@pytest.mark.parametrize(
    ("times", "latency_us"),
    [
        (PhaseTimes(), 0),
        (PhaseTimes(1, 1, 1, 1, 1), 0),
        (PhaseTimes(resolve_us=MAX_INTEGER, body_us=1), 5),
        (PhaseTimes(connect_us=1, body_us=1), MAX_INTEGER),
    ],
)
def test_bars_stay_inside_and_are_seen(times: PhaseTimes, latency_us: int) -> None:
    for bar in draw_waterfall(times, latency_us):
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert bar.width >= MIN_WIDTH
