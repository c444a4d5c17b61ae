"""The words of uptime."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from healthcheck.engine.strips import Mark
from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals, to_ms
from healthcheck.web.uptime import PERIODS, Interval, Period, Span
from healthcheck.web.uptime_words import (
    describe_interval,
    describe_marks,
    describe_start,
    describe_total,
    describe_unknown,
    describe_uptime,
)
from tests.factories import NOW


@pytest.mark.parametrize(
    ("totals", "words"),
    [
        (Totals(up_ms=DAY_MS), "100%"),
        (Totals(up_ms=90 * DAY_MS - 1, down_ms=1), "99.99%"),
        (Totals(up_ms=9999, down_ms=1), "99.99%"),
        (Totals(up_ms=99_989, down_ms=11), "99.98%"),
        (Totals(up_ms=1, down_ms=2), "33.33%"),
        (Totals(down_ms=1), "0.00%"),
        (Totals(unknown_ms=DAY_MS, maintenance_ms=5, excluded_ms=5), ""),
    ],
)
def test_uptime_is_never_rounded_up(totals: Totals, words: str) -> None:
    assert describe_uptime(totals, counts_degraded=True) == words


def test_degraded_counts_as_the_page_says() -> None:
    totals = Totals(up_ms=3, degraded_ms=1)
    assert describe_uptime(totals, counts_degraded=True) == "100%"
    assert describe_uptime(totals, counts_degraded=False) == "75.00%"


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        (0, ""),
        (1, "less than 0.1% not measured"),
        (15_999, "1.5% not measured"),
        (30_000, "3% not measured"),
        (129_999, "12% not measured"),
        (999_999, "99% not measured"),
        (1_000_000, "100% not measured"),
    ],
)
def test_unknown_share_is_said_however_small(unknown: int, words: str) -> None:
    assert describe_unknown(Totals(up_ms=1_000_000 - unknown, unknown_ms=unknown, maintenance_ms=77)) == words


def test_total_says_that_nothing_is_known() -> None:
    span = Span(PERIODS[0], counts_degraded=True)
    assert describe_total(Totals(), span) == "No data"
    assert describe_total(Totals(unknown_ms=5), span) == "No data, 100% not measured"
    assert describe_total(Totals(up_ms=5), span) == "100%"


def test_bars_have_words() -> None:
    up, down = Mark.UP.value, (Mark.UP | Mark.DOWN | Mark.UNKNOWN).value
    assert describe_marks(bytes([up] * 90), "day") == "90 days: up throughout"
    assert describe_marks(bytes([0, up, down]), "hour") == "2 hours: down in 1 hour, not measured at times in 1 hour"
    assert describe_marks(bytes(90), "day") == "No data"


def test_period_says_since_when() -> None:
    hours, days = (Span(period, counts_degraded=True) for period in PERIODS[:2])
    assert describe_start(hours, NOW) == "since 30 Jun 2026, 13:00 UTC"
    assert describe_start(days, NOW + timedelta(hours=11)) == "since 25 Jun 2026"


def test_period_that_was_measured_in_part_says_since_when() -> None:
    def describe(known_from: datetime, period: Period = PERIODS[3]) -> str:
        return describe_start(Span(period, counts_degraded=True, known_from_ms=to_ms(known_from)), NOW)

    assert describe(NOW - timedelta(minutes=1)) == "since 1 Jul 2026, 11:59 UTC"
    assert describe(NOW - timedelta(hours=2), PERIODS[0]) == "since 1 Jul 2026, 10:00 UTC"
    assert describe(NOW - timedelta(hours=36)) == "since 30 Jun 2026"
    assert describe(NOW - timedelta(days=500)) == "since 3 Apr 2026"


def test_interval_names_its_day_once() -> None:
    start = to_ms(NOW)
    assert describe_interval(Interval(start, start + HOUR_MS)) == "1 Jul 2026, 12:00 to 13:00 UTC"
    assert describe_interval(Interval(start, start + DAY_MS)) == "1 Jul 2026, 12:00 to 2 Jul 2026, 12:00 UTC"
