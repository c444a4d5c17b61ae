"""The strip as SVG."""

from __future__ import annotations

from healthcheck.web.strip import draw_strip


def test_steady_strip_is_one_short_path() -> None:
    assert draw_strip("1" * 60) == (
        '<svg class="hc-strip" viewBox="0 0 300 24" preserveAspectRatio="none" role="img">'
        "<title>60 of the last 60 checks up</title>"
        '<path class="hc-slot-up" d="M0 12h300"/></svg>'
    )


def test_young_strip_leaves_room_on_the_left() -> None:
    svg = draw_strip("13")
    assert '<path class="hc-slot-none" d="M0 12h290"/>' in svg
    assert '<path class="hc-slot-up" d="M290 12h5"/><path class="hc-slot-down" d="M295 12h5"/>' in svg


def test_degraded_slots_are_broken_bars() -> None:
    assert '<path class="hc-slot-degraded" d="M285 7.5h15M285 16.5h15"/>' in draw_strip("222")


def test_runs_of_one_state_share_a_path() -> None:
    assert draw_strip("1" * 20 + "3" * 10 + "1" * 30).count("<path") == 2


def test_strip_ignores_what_is_no_verdict() -> None:
    assert draw_strip('1"><script>') == draw_strip("1")
