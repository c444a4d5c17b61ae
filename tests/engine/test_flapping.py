from __future__ import annotations

import pytest

from healthcheck.engine.flapping import describe_flapping, is_flapping, suggest_threshold


def test_third_failure_within_the_window_is_flapping() -> None:
    assert [is_flapping(falls) for falls in (0, 1, 2, 3, 4)] == [False, False, False, True, True]


@pytest.mark.parametrize(
    ("strip", "threshold"),
    [
        ("", None),
        ("1111", None),
        ("13131", 2),
        ("1331131", 3),
        ("123031", 4),
        ("1" + "3" * 9 + "1", 10),
        ("1" + "3" * 10 + "1", None),
    ],
)
def test_threshold_is_one_more_than_the_longest_failure(strip: str, threshold: int | None) -> None:
    assert suggest_threshold(strip) == threshold


def test_flapping_is_told_with_the_threshold_where_there_is_one() -> None:
    said = "It failed 4 times within an hour and is held open until it has been up for 15 minutes."
    assert describe_flapping(4, None) == said
    assert describe_flapping(4, 3) == f"{said} A failure threshold of 3 would have kept it quiet."
