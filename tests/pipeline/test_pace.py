"""Work at a pace: batches of a size, rests in proportion, and an end."""

from __future__ import annotations

import pytest

from healthcheck.pipeline.pace import Pace


class Day:
    """A clock that goes on by what is worked and rested."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.rests: list[float] = []

    def read(self) -> float:
        return self.seconds

    def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.seconds += seconds


def make_pace(day: Day, *, budget_seconds: float = 100.0, batch: int = 2, rest_share: float = 0.5) -> Pace:
    return Pace(budget_seconds, batch=batch, rest_share=rest_share, clock=day.read, sleep=day.rest)


class Heap:
    """So many rows, each of which takes a second to remove."""

    def __init__(self, day: Day, rows: int) -> None:
        self.rows = rows
        self._day = day

    def remove(self, batch: int) -> int:
        removed = min(batch, self.rows)
        self.rows -= removed
        self._day.seconds += removed
        return removed


def test_each_batch_is_followed_by_its_share_of_rest() -> None:
    day = Day()
    heap = Heap(day, rows=5)
    assert make_pace(day, rest_share=3.0).repeat(heap.remove) == 5
    assert day.rests == [6.0, 6.0, 3.0]


@pytest.mark.parametrize(("budget_seconds", "removed"), [(0.0, 0), (3.0, 2), (3.5, 4), (100.0, 7)])
def test_it_begins_nothing_once_its_time_is_over(budget_seconds: float, removed: int) -> None:
    day = Day()
    heap = Heap(day, rows=7)
    pace = make_pace(day, budget_seconds=budget_seconds)
    assert pace.repeat(heap.remove) == removed
    assert pace.is_over == (removed < 7)


def test_rest_is_none_after_what_failed() -> None:
    day = Day()
    with pytest.raises(RuntimeError), make_pace(day).rested():
        raise RuntimeError
    assert day.rests == []
