"""Periods, and when a checker was blind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthcheck.engine.strips import Mark
from healthcheck.engine.uptime import Totals, from_ms
from healthcheck.web.uptime import (
    LENGTHS_MS,
    PERIODS,
    Interval,
    Uptime,
    add_up,
    find_blind,
    find_dim,
    find_earliest,
    find_known_start,
    find_period,
    join_intervals,
    unite_marks,
)
from tests.factories import NOW

U, D, N, M = Mark.UP, Mark.DOWN, Mark.UNKNOWN, Mark.MAINTENANCE


@pytest.mark.parametrize(
    ("key", "start"),
    [
        ("24h", "2026-06-30T13:00"),
        ("7d", "2026-06-25T00:00"),
        ("30d", "2026-06-02T00:00"),
        ("90d", "2026-04-03T00:00"),
    ],
)
def test_period_ends_with_the_bucket_under_way(key: str, start: str) -> None:
    period = find_period(key)
    assert period is not None
    first, last = period.find_bounds(NOW)
    assert f"{period.find_start(NOW):%Y-%m-%dT%H:%M}" == start
    assert from_ms(last * LENGTHS_MS[period.resolution]) <= NOW < from_ms((last + 1) * LENGTHS_MS[period.resolution])
    assert last - first + 1 == period.count


def test_period_moves_with_its_buckets_and_not_between() -> None:
    hours = PERIODS[0]
    assert hours.find_bounds(NOW) == hours.find_bounds(NOW + timedelta(minutes=59, seconds=59))
    assert hours.find_bounds(NOW)[1] + 1 == hours.find_bounds(NOW + timedelta(hours=1))[1]


def test_nothing_else_is_a_period() -> None:
    assert [find_period(key) for key in ("", "now", "90D", "365d")] == [None] * 4


def test_each_endpoint_counts_by_its_time() -> None:
    one, other = Uptime(b"", Totals(up_ms=1, down_ms=2)), Uptime(b"", Totals(up_ms=10, unknown_ms=5))
    assert add_up([one, None, other]) == Totals(up_ms=11, down_ms=2, unknown_ms=5)
    assert add_up([]) == Totals()


def test_blind_is_where_nobody_knew_anything() -> None:
    marks = [bytes([U, N, N | U, N, 0, 0, M]), bytes([N, N, N, N | M, N, 0, M])]
    assert find_blind(marks) == [1, 3, 4]
    assert find_blind([]) == []


def test_blindness_may_hide_where_all_have_unknown_time() -> None:
    marks = [bytes([U | N, U, N, 0, D | N]), bytes([U | N, N, N, 0, 0])]
    assert find_dim(marks) == [0, 2, 4]
    assert find_dim([]) == []


def test_bucket_is_known_from_its_first_moment_on() -> None:
    assert find_known_start(Totals(up_ms=300, down_ms=200, maintenance_ms=100), 1000) == 400
    assert find_known_start(Totals(unknown_ms=300), 1000) is None
    assert find_earliest([None, 7, 5]) == 5
    assert find_earliest([None]) is None


def test_intervals_that_touch_are_one() -> None:
    parts = [Interval(5, 6), Interval(0, 2), Interval(2, 3), Interval(1, 2)]
    assert list(join_intervals(parts)) == [Interval(0, 3), Interval(5, 6)]
    assert list(join_intervals([])) == []


def test_marks_of_two_locations_are_united() -> None:
    assert unite_marks(bytes([U, 0, N]), bytes([D, 0, U])) == bytes([U | D, 0, N | U])
