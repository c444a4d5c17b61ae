"""Packed strips of buckets: nothing of a bucket is lost, and a damaged one is none."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.strips import Mark, Strip, mark, pack, splice, unpack
from healthcheck.engine.uptime import DAY_MS, Totals

UP, DOWN = Totals(up_ms=DAY_MS), Totals(up_ms=DAY_MS - 1, down_ms=1)
SIZE = 10
totals = st.builds(Totals, *[st.integers(0, DAY_MS)] * 6)
histories = st.lists(st.dictionaries(st.integers(0, 40), totals, min_size=1, max_size=12), min_size=1, max_size=4)


@given(histories)
def test_strip_holds_the_newest_word_on_each_of_its_buckets(history: list[dict[int, Totals]]) -> None:
    strip: Strip | None = None
    written: dict[int, Totals] = {}
    for buckets in history:
        strip = splice(strip, buckets, size=SIZE)
        written |= buckets
        strip = unpack(pack(strip), strip.last)
        assert strip is not None
    assert strip is not None
    assert strip.last == max(written)
    assert len(strip.marks) <= SIZE
    for number in range(strip.first, strip.last + 1):
        assert strip.sum_up(number, number) == written.get(number, Totals())
        assert strip.list_marks(number, number)[0] == mark(strip.sum_up(number, number))


def test_strip_sums_up_any_stretch_and_knows_nothing_outside() -> None:
    strip = splice(None, {5: UP, 6: DOWN, 8: UP}, size=SIZE)
    assert strip.sum_up(5, 8) == strip.sum_up(0, 99) == UP + DOWN + UP
    assert strip.sum_up(6, 7) == DOWN
    assert strip.sum_up(9, 12) == strip.sum_up(1, 4) == Totals()
    assert strip.list_marks(4, 9) == bytes([0, Mark.UP, Mark.UP | Mark.DOWN, 0, Mark.UP, 0])
    assert strip.list_marks(20, 22) == strip.list_marks(0, 2) == bytes(3)


def test_strip_drops_what_is_older_than_it_is_long() -> None:
    strip = splice(None, dict.fromkeys(range(30), UP), size=SIZE)
    assert (strip.first, strip.last) == (20, 29)
    assert splice(strip, {3: DOWN}, size=SIZE) == strip


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        (Totals(), 0),
        (Totals(up_ms=1, down_ms=1), Mark.UP | Mark.DOWN | Mark.MOSTLY_DOWN),
        (Totals(up_ms=2, down_ms=1), Mark.UP | Mark.DOWN),
        (Totals(unknown_ms=9, down_ms=1), Mark.UNKNOWN | Mark.DOWN | Mark.MOSTLY_DOWN),
        (Totals(degraded_ms=1, maintenance_ms=1, excluded_ms=1), Mark.DEGRADED | Mark.MAINTENANCE | Mark.EXCLUDED),
    ],
)
def test_mark_says_what_occurred(spent: Totals, expected: int) -> None:
    assert mark(spent) == expected


@pytest.mark.parametrize("packed", ["", "?", "AAAA", base64.b64encode(b"\x05123").decode(), "ünlesbar"])
def test_damaged_strip_is_none(packed: str) -> None:
    assert unpack(packed, 5) is None
