"""What time came to: literal histories, a naive oracle that looks at each millisecond, and what holds for every one."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.types import State
from healthcheck.engine.uptime import (
    DAY_MS,
    HOUR_MS,
    Condition,
    Effect,
    Overlay,
    Segment,
    Step,
    Totals,
    find_segments,
    from_ms,
    measure,
    measure_buckets,
    to_ms,
)

UP, DEGRADED, DOWN, UNKNOWN = State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN
MAINTENANCE, FALSE_ALARM, EXCLUDED = Effect.MAINTENANCE, Effect.FALSE_ALARM, Effect.EXCLUDED
LETTERS = {
    Condition.UNKNOWN: "?",
    Condition.UP: "u",
    Condition.DEGRADED: "g",
    Condition.DOWN: "d",
    Condition.MAINTENANCE: "m",
    Condition.EXCLUDED: "x",
}
STATES = {"?": UNKNOWN, "u": UP, "g": DEGRADED, "d": DOWN}


def step(*changes: tuple[int, str]) -> list[Step]:
    return [Step(at_ms, order, STATES[letter]) for order, (at_ms, letter) in enumerate(changes)]


def window(start_ms: int, end_ms: int, number: int = 1) -> Overlay:
    return Overlay((0, number), start_ms, end_ms, MAINTENANCE)


def correct(effect: Effect, start_ms: int, end_ms: int, number: int = 1) -> Overlay:
    return Overlay((1, number), start_ms, end_ms, effect)


def paint(steps: Iterable[Step], overlays: Iterable[Overlay], *, start_ms: int, end_ms: int) -> str:
    """Look at each millisecond by itself: what the arithmetic says in one stroke; a blank before the first step."""
    steps, overlays = list(steps), list(overlays)
    return "".join(_look(steps, overlays, at_ms) for at_ms in range(start_ms, end_ms))


def _look(steps: Sequence[Step], overlays: Sequence[Overlay], at_ms: int) -> str:
    begun = [(each.at_ms, each.order, each.state) for each in steps if each.at_ms <= at_ms]
    if not begun:
        return " "
    state = max(begun)[2]
    over = [(each.rank, each.start_ms, each.end_ms, each.effect) for each in overlays if each[1] <= at_ms < each[2]]
    effect = max(over)[3] if over else None
    if effect is FALSE_ALARM:
        return "?" if state is UNKNOWN else "u"
    return {MAINTENANCE: "m", EXCLUDED: "x", None: LETTERS[Condition(state)]}[effect]


def draw(steps: Iterable[Step], overlays: Iterable[Overlay] = (), *, start_ms: int = 0, end_ms: int = 12) -> str:
    """Draw the segments, one letter a millisecond."""
    segments = list(find_segments(steps, overlays, start_ms=start_ms, end_ms=end_ms))
    drawn = "".join(LETTERS[each.condition] * (each.end_ms - each.start_ms) for each in segments)
    return drawn.rjust(end_ms - start_ms)


def count(drawn: str) -> Totals:
    in_order = (drawn.count(letter) for letter in "ugd?mx")
    return Totals(*in_order)


@pytest.mark.parametrize(
    ("steps", "overlays", "drawn"),
    [
        ([], [], "            "),
        ([(0, "u")], [], "uuuuuuuuuuuu"),
        ([(-9, "u"), (3, "d"), (5, "u")], [], "uuuddu" + "u" * 6),
        ([(0, "u"), (4, "?"), (9, "g")], [], "uuuu?????ggg"),
        # Before its first change an endpoint did not exist.
        ([(8, "d")], [], "        dddd"),
        ([(8, "d")], [window(0, 12)], "        mmmm"),
        # Of several changes at one instant the one that was stored last holds.
        ([(0, "u"), (4, "d"), (4, "?"), (4, "g")], [], "uuuugggggggg"),
        # Rows from the future say nothing about the past, nor does an endpoint that is yet to be.
        ([(0, "u"), (12, "d"), (99, "?")], [], "u" * 12),
        ([(12, "d")], [], " " * 12),
        ([(99, "d")], [window(0, 200)], " " * 12),
        # An overlay holds from its start to just before its end, cut to the interval.
        ([(0, "d")], [window(3, 5)], "dddmmddddddd"),
        ([(0, "d")], [window(-5, 2), window(10, 40)], "mmddddddddmm"),
        # One that ends when or before it starts is nowhere.
        ([(0, "d")], [window(5, 5), window(9, 3), correct(EXCLUDED, 8, 2)], "d" * 12),
        # A person overrules a plan, and the newer word the older one.
        ([(0, "d")], [window(2, 8), correct(EXCLUDED, 4, 6)], "ddmmxxmmdddd"),
        ([(0, "d")], [correct(EXCLUDED, 2, 8), correct(FALSE_ALARM, 4, 12, 2)], "ddxxuuuuuuuu"),
        ([(0, "d")], [correct(FALSE_ALARM, 0, 12, 1), correct(MAINTENANCE, 3, 4, 2)], "uuumuuuuuuuu"),
        ([(0, "d")], [window(0, 6, 1), window(3, 9, 2)], "mmmmmmmmmddd"),
        # A false alarm makes of degraded and down up. What nobody saw stays so.
        ([(0, "?"), (3, "d"), (6, "g"), (9, "u")], [correct(FALSE_ALARM, 0, 12)], "???uuuuuuuuu"),
        ([(0, "?")], [window(2, 4), correct(EXCLUDED, 6, 8)], "??mm??xx????"),
    ],
)
def test_history_is_drawn(steps: list[tuple[int, str]], overlays: list[Overlay], drawn: str) -> None:
    assert draw(step(*steps), overlays) == drawn


def test_neighbouring_segments_of_one_condition_are_one() -> None:
    steps = step((0, "u"), (3, "u"), (5, "d"))
    overlays = [correct(FALSE_ALARM, 4, 7), window(8, 9)]
    assert list(find_segments(steps, overlays, start_ms=0, end_ms=12)) == [
        Segment(0, 7, Condition.UP),
        Segment(7, 8, Condition.DOWN),
        Segment(8, 9, Condition.MAINTENANCE),
        Segment(9, 12, Condition.DOWN),
    ]


@pytest.mark.parametrize(("start_ms", "end_ms"), [(5, 5), (9, 2)])
def test_interval_without_length_came_to_nothing(start_ms: int, end_ms: int) -> None:
    assert measure(step((0, "u")), [window(0, 9)], start_ms=start_ms, end_ms=end_ms) == Totals()
    assert list(find_segments(step((0, "u")), [], start_ms=start_ms, end_ms=end_ms)) == []


@pytest.mark.parametrize(("bounds", "pieces"), [((), 0), ((5,), 0), ((0, 0, 4, 4, 9), 4)])
def test_bounds_may_be_none_or_twice_the_same(bounds: tuple[int, ...], pieces: int) -> None:
    measured = measure_buckets(step((0, "u")), (), bounds)
    assert [each.up_ms for each in measured] == [end - start for start, end in pairwise(bounds)]
    assert len(measured) == pieces


def test_uptime_is_good_time_over_known_time() -> None:
    totals = Totals(up_ms=70, degraded_ms=20, down_ms=10, unknown_ms=50, maintenance_ms=7, excluded_ms=3)
    assert totals.uptime(counts_degraded=True) == Fraction(9, 10)
    assert totals.uptime(counts_degraded=False) == Fraction(7, 10)
    assert (totals.known_ms, totals.total_ms, totals.unknown_share()) == (100, 160, Fraction(1, 3))


def test_uptime_of_what_nobody_measured_is_none() -> None:
    blind = Totals(unknown_ms=50, maintenance_ms=7, excluded_ms=3)
    assert [each.uptime(counts_degraded=True) for each in (blind, Totals())] == [None, None]
    assert [each.unknown_share() for each in (blind, Totals())] == [Fraction(1), None]


def test_year_with_one_millisecond_down_is_not_rounded_away() -> None:
    year = 366 * DAY_MS
    totals = measure(step((0, "u"), (HOUR_MS, "d"), (HOUR_MS + 1, "u")), (), start_ms=0, end_ms=year)
    assert totals.uptime(counts_degraded=True) == Fraction(year - 1, year)


def test_instants_are_whole_milliseconds_rounded_down() -> None:
    at = datetime(2028, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
    assert from_ms(to_ms(at)) == at.replace(microsecond=999_000)
    assert to_ms(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


def test_condition_has_the_number_and_word_of_its_state() -> None:
    assert [(each.value, each.word) for each in Condition][: len(State)] == [(s.value, s.word) for s in State]


def test_changed_interval_does_not_change_the_past() -> None:
    """Every check counted alike would say 10 of 13; by time it is the eleven of twelve minutes that it was up."""
    minute = 60_000
    steps = step((0, "u"), (minute, "d"), (2 * minute, "u"))
    assert measure(steps, (), start_ms=0, end_ms=12 * minute).uptime(counts_degraded=True) == Fraction(11, 12)


def test_many_overlays_over_each_other_cost_little_more_than_side_by_side() -> None:
    heaped = [correct(EXCLUDED, place, 100_000 - place, place) for place in range(20_000)]
    before = time.process_time()
    totals = measure(step((0, "u")), heaped, start_ms=0, end_ms=100_000)
    assert totals == Totals(excluded_ms=100_000)
    # A tenth of a second; looking at all that hold for each piece took minutes.
    assert time.process_time() - before < 5


# Small numbers, so that much falls on one instant; some of it far outside of what is measured.
instants = st.integers(-6, 46)
steps_ = st.lists(st.builds(Step, instants, st.integers(0, 9), st.sampled_from(State)), max_size=12)
overlays_ = st.lists(
    st.builds(Overlay, st.tuples(st.integers(0, 1), st.integers(0, 3)), instants, instants, st.sampled_from(Effect)),
    max_size=8,
)
cuts_ = st.lists(st.integers(0, 40), max_size=8)
Histories = tuple[list[Step], list[Overlay]]
histories = st.tuples(steps_, overlays_)


@given(histories)
def test_segments_are_what_each_millisecond_says(history: Histories) -> None:
    assert draw(*history, end_ms=40).strip() == paint(*history, start_ms=0, end_ms=40).strip()
    assert measure(*history, start_ms=0, end_ms=40) == count(paint(*history, start_ms=0, end_ms=40))


@given(histories, cuts_)
def test_any_split_into_buckets_gives_the_same_totals(history: Histories, cuts: list[int]) -> None:
    bounds = sorted([0, *cuts, 40])
    pieces = measure_buckets(*history, bounds)
    assert pieces == [measure(*history, start_ms=start, end_ms=end) for start, end in pairwise(bounds)]
    assert sum(pieces, Totals()) == measure(*history, start_ms=0, end_ms=40)


@given(histories, st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(history: Histories, random: Random) -> None:
    steps, overlays = history
    shuffled = random.sample([*steps, *steps], 2 * len(steps)), random.sample([*overlays, *overlays], 2 * len(overlays))
    assert measure(*shuffled, start_ms=0, end_ms=40) == measure(steps, overlays, start_ms=0, end_ms=40)


@given(histories)
def test_every_millisecond_since_the_first_step_is_in_one_sum(history: Histories) -> None:
    first = min((each.at_ms for each in history[0]), default=40)
    totals = measure(*history, start_ms=0, end_ms=40)
    assert totals.total_ms == 40 - min(40, max(0, first))
    assert all(type(part) is int for part in (totals.up_ms, totals.known_ms, totals.total_ms))


@given(histories)
def test_segments_are_without_gap_and_differ_from_their_neighbours(history: Histories) -> None:
    segments = list(find_segments(*history, start_ms=0, end_ms=40))
    assert all(each.start_ms < each.end_ms for each in segments)
    for one, following in pairwise(segments):
        assert one.end_ms == following.start_ms
        assert one.condition is not following.condition


@given(histories, steps_, overlays_)
def test_what_is_yet_to_come_does_not_change_the_past(
    history: Histories, steps: list[Step], overlays: list[Overlay]
) -> None:
    later = [each._replace(at_ms=each.at_ms + 46) for each in steps]
    laid = [each._replace(start_ms=each.start_ms + 46, end_ms=each.end_ms + 46) for each in overlays]
    with_them = measure(history[0] + later, history[1] + laid, start_ms=0, end_ms=40)
    assert with_them == measure(*history, start_ms=0, end_ms=40)


@given(histories, st.integers(1, 10**9))
def test_time_of_day_and_length_of_a_tick_do_not_matter(history: Histories, scale: int) -> None:
    steps, overlays = history
    slow = measure(
        [each._replace(at_ms=each.at_ms * scale) for each in steps],
        [each._replace(start_ms=each.start_ms * scale, end_ms=each.end_ms * scale) for each in overlays],
        start_ms=0,
        end_ms=40 * scale,
    )
    quick = measure(steps, overlays, start_ms=0, end_ms=40)
    assert astuple(slow) == tuple(part * scale for part in astuple(quick))


def test_instant_before_and_after_the_clocks_change_are_a_day_and_an_hour_apart() -> None:
    """In Berlin 2026-03-29 has 23 hours and 2026-10-25 has 25; in here there are only hours of UTC."""
    spring = datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)
    autumn = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC)
    for (start, end), hours in ((spring, 23), (autumn, 25)):
        steps = [Step(to_ms(start - timedelta(days=1)), 1, UP)]
        assert measure(steps, (), start_ms=to_ms(start), end_ms=to_ms(end)).up_ms == hours * HOUR_MS
