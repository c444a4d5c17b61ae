"""The window over an endpoint's newest results."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.types import State
from healthcheck.web.window import MAX_AGE, MAX_COLUMNS, Sample, build_window, find_percentile
from tests.factories import NOW

MINUTE = timedelta(minutes=1)


def check(ago: timedelta, latency_us: int = 1000, verdict: State = State.UP) -> Sample:
    return Sample(NOW - ago, verdict, latency_us, (0, 0, 0, latency_us, 0))


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (95, 95), (99, 99), (100, 100), (1, 1), (0, 1)])
def test_percentile_is_a_value_that_was_measured(percent: int, value: int) -> None:
    assert find_percentile(range(1, 101), percent) == value
    assert find_percentile([7], percent) == 7


def test_percentiles_are_exact_over_every_answer_in_whatever_order_they_come() -> None:
    samples = [check(MINUTE * number, latency_us=(number * 37) % 1000 + 1) for number in range(1000)]
    assert build_window(samples, NOW).percentiles_us == (500, 950, 990)


def test_failures_count_and_have_no_time() -> None:
    samples = [
        check(MINUTE * 3, 9_000_000, State.DOWN),
        check(MINUTE * 2, 100),
        check(MINUTE, 0, State.UNKNOWN),
        check(MINUTE * 0, 300, State.DEGRADED),
    ]
    window = build_window(samples, NOW)
    assert (window.count, window.failed, window.unknown, window.percentiles_us) == (4, 1, 1, (100, 300, 300))
    assert [(c.count, c.failed, c.unknown, c.latency_us) for c in window.columns] == [
        (1, 1, 0, 0),
        (1, 0, 0, 100),
        (1, 0, 1, 0),
        (1, 0, 0, 300),
    ]


def test_what_is_older_than_the_window_is_left_out() -> None:
    window = build_window([check(MAX_AGE + MINUTE), check(MAX_AGE), check(MINUTE * 0)], NOW)
    assert window.count == 2
    assert build_window([check(MAX_AGE + MINUTE)], NOW).columns == ()
    assert build_window([], NOW).percentiles_us == ()


def test_each_slot_has_a_column_where_there_is_room() -> None:
    window = build_window([check(MINUTE * number) for number in range(MAX_COLUMNS)], NOW)
    assert window.width == MINUTE
    assert [column.count for column in window.columns] == [1] * MAX_COLUMNS


def test_a_day_of_minutes_becomes_columns_of_a_quarter_of_an_hour() -> None:
    window = build_window([check(MINUTE * number) for number in range(1440)], NOW)
    assert window.width == MINUTE * 15
    assert [column.count for column in window.columns] == [15] * MAX_COLUMNS


def test_slots_that_are_a_little_early_or_late_stay_in_their_columns() -> None:
    jitter = [timedelta(milliseconds=(number * 7919) % 400) for number in range(90)]
    window = build_window([check(MINUTE * number + late) for number, late in enumerate(jitter)], NOW)
    assert {column.count for column in window.columns} == {1}


def test_gap_is_shown_as_empty_columns() -> None:
    window = build_window([check(MINUTE * number) for number in (0, 1, 2, 7, 8)], NOW)
    assert [column.count for column in window.columns] == [1, 1, 0, 0, 0, 0, 1, 1, 1]


def test_bar_is_the_mean_of_its_answers_by_phase() -> None:
    first, second = Sample(NOW, State.UP, 30, (1, 2, 3, 4, 5)), Sample(NOW, State.UP, 50, (3, 4, 5, 6, 7))
    (column,) = build_window([first, second], NOW).columns
    assert (column.latency_us, column.phases_us) == (40, (2, 3, 4, 5, 6))


@given(st.lists(st.tuples(st.integers(0, 100_000_000), st.integers(0, 2**31 - 1), st.sampled_from(State)), max_size=60))
def test_every_recent_result_is_in_exactly_one_column(results: list[tuple[int, int, State]]) -> None:
    samples = [check(timedelta(milliseconds=ago), spent, verdict) for ago, spent, verdict in results]
    window = build_window(samples, NOW)
    assert len(window.columns) <= MAX_COLUMNS + 1
    assert sum(column.count for column in window.columns) == window.count
    assert window.count == sum(NOW - sample.at <= MAX_AGE for sample in samples)
