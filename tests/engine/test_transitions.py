"""The state machine as a table of stories, and what holds for every story."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.transitions import Change, Standing, Thresholds, advance, expire
from healthcheck.engine.types import State

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAMES = {"?": State.UNKNOWN, "u": State.UP, "g": State.DEGRADED, "d": State.DOWN}
LETTERS = {state: letter for letter, state in NAMES.items()}


@dataclass(frozen=True)
class Told:
    """A story and how it went: the state after each verdict, the changes, the standing at its end."""

    states: str
    changes: list[Change]
    standing: Standing


def tell(story: str, thresholds: Thresholds, *, standing: Standing | None = None) -> Told:
    """Tell a story, one letter a minute: a verdict, or `x` where the evidence expires."""
    standing, states, changes = standing or Standing(), "", []
    for minute, letter in enumerate(story):
        at = NOW + minute * MINUTE
        if letter == "x":
            standing, change = expire(standing, at)
        else:
            standing, change = advance(standing, NAMES[letter], at, thresholds)
        states += LETTERS[standing.state]
        changes += [change] if change else []
    return Told(states, changes, standing)


def summarise(changes: Iterable[Change]) -> list[str]:
    """`ud@3-4`: from up to down, first evidence in minute 3, confirmed in minute 4."""
    return [
        f"{LETTERS[c.from_state]}{LETTERS[c.to_state]}@{(c.at - NOW) // MINUTE}-{(c.confirmed_at - NOW) // MINUTE}"
        for c in changes
    ]


@pytest.mark.parametrize(
    ("failure", "recovery", "story", "states", "changes"),
    [
        # The first evidence needs no threshold.
        (3, 3, "d", "d", ["?d@0-0"]),
        (3, 3, "u", "u", ["?u@0-0"]),
        (3, 3, "??g", "??g", ["?g@2-2"]),
        # A change needs its verdicts in a row and begins with the first of them.
        (1, 1, "udu", "udu", ["?u@0-0", "ud@1-1", "du@2-2"]),
        (2, 1, "uddu", "uudu", ["?u@0-0", "ud@1-2", "du@3-3"]),
        (3, 2, "udddduu", "uuudddu", ["?u@0-0", "ud@1-3", "du@5-6"]),
        # A verdict of the state in force ends the streak.
        (2, 2, "ududud", "uuuuuu", ["?u@0-0"]),
        (2, 2, "dudud", "ddddd", ["?d@0-0"]),
        (2, 2, "uduudd", "uuuuud", ["?u@0-0", "ud@4-5"]),
        # What was not measured neither ends nor extends a streak.
        (2, 1, "ud?d", "uuud", ["?u@0-0", "ud@1-3"]),
        (2, 1, "u??????", "uuuuuuu", ["?u@0-0"]),
        # Mixed severities confirm only what all of them say: the mildest change.
        (2, 1, "udg", "uug", ["?u@0-0", "ug@1-2"]),
        (2, 1, "ugd", "uug", ["?u@0-0", "ug@1-2"]),
        (2, 1, "udgdd", "uuggd", ["?u@0-0", "ug@1-2", "gd@3-4"]),
        (2, 2, "dugu", "ddgg", ["?d@0-0", "dg@1-2"]),
        (2, 2, "duguu", "ddggu", ["?d@0-0", "dg@1-2", "gu@3-4"]),
        # From the middle, the other direction begins anew.
        (2, 2, "gdud", "gggg", ["?g@0-0"]),
        (2, 2, "gduu", "gggu", ["?g@0-0", "gu@2-3"]),
        # Evidence expires; what is known comes back with the next look, and streaks survive.
        (2, 1, "uxu", "u?u", ["?u@0-0", "u?@1-1", "?u@2-2"]),
        (3, 1, "udxdd", "uu??d", ["?u@0-0", "u?@2-2", "?d@4-4"]),
        (2, 1, "udxd", "uu?d", ["?u@0-0", "u?@2-2", "?d@3-3"]),
        (2, 1, "ux?u", "u??u", ["?u@0-0", "u?@1-1", "?u@3-3"]),
        (2, 1, "dxu", "d?u", ["?d@0-0", "d?@1-1", "?u@2-2"]),
        (2, 1, "uxx", "u??", ["?u@0-0", "u?@1-1"]),
        (2, 1, "x", "?", []),
    ],
)
def test_story(failure: int, recovery: int, story: str, states: str, changes: list[str]) -> None:
    told = tell(story, Thresholds(failure, recovery))
    assert (told.states, summarise(told.changes)) == (states, changes)


def test_streak_survives_the_expiry_and_dates_nothing_back_into_it() -> None:
    told = tell("udxd", Thresholds(failure=2))
    assert told.standing == Standing(State.DOWN, since=NOW + 3 * MINUTE, known_state=State.DOWN)


def test_streak_is_remembered_with_its_first_evidence() -> None:
    told = tell("ud?d", Thresholds(failure=3))
    assert told.standing == Standing(
        state=State.UP,
        since=NOW,
        known_state=State.UP,
        candidate=State.DOWN,
        candidate_streak=2,
        candidate_at=NOW + MINUTE,
    )


def test_lower_threshold_takes_effect_with_the_next_verdict() -> None:
    told = tell("uddd", Thresholds(failure=10))
    standing, change = advance(told.standing, State.DOWN, NOW + 4 * MINUTE, Thresholds(failure=2))
    assert standing.state is State.DOWN
    assert change == Change(State.UP, State.DOWN, NOW + MINUTE, NOW + 4 * MINUTE)


@pytest.mark.parametrize("story", ["d", "dd"])
def test_no_change_begins_before_the_one_before_it(story: str) -> None:
    """As after a clock that was set back: the state in force began in our future."""
    future = NOW + timedelta(hours=1)
    begun = Standing(State.UP, since=future, known_state=State.UP)
    [change] = tell(story, Thresholds(failure=len(story)), standing=begun).changes
    assert change == Change(State.UP, State.DOWN, future, future)


@pytest.mark.parametrize("verdict", [State.UP, State.DOWN])
def test_evidence_from_before_the_expiry_ends_it_without_going_back_in_time(verdict: State) -> None:
    """As of a result that waited for the database while its state expired."""
    expired, _ = expire(Standing(State.UP, since=NOW, known_state=State.UP), NOW + 9 * MINUTE)
    standing, change = advance(expired, verdict, NOW + 8 * MINUTE, Thresholds(failure=1))
    assert change == Change(State.UNKNOWN, verdict, NOW + 9 * MINUTE, NOW + 9 * MINUTE)
    assert standing.since == NOW + 9 * MINUTE


def test_expiry_does_not_begin_before_the_state_that_it_ends() -> None:
    standing, change = expire(Standing(State.UP, since=NOW, known_state=State.UP), NOW - MINUTE)
    assert change == Change(State.UP, State.UNKNOWN, NOW, NOW)
    assert standing.since == NOW


thresholds_ = st.builds(Thresholds, st.integers(1, 5), st.integers(1, 5))
stories = st.text(alphabet="?ugdx", max_size=40)
# Minutes that jump about, as clocks do.
events = st.lists(st.tuples(st.sampled_from("?ugdx"), st.integers(-90, 90)), max_size=40)


@given(events, thresholds_)
def test_changes_are_one_chain_in_the_order_of_time(told: list[tuple[str, int]], thresholds: Thresholds) -> None:
    standing, before, since = Standing(), State.UNKNOWN, NOW - timedelta(days=1)
    for letter, minute in told:
        at = NOW + minute * MINUTE
        is_expiry = letter == "x"
        following = expire(standing, at) if is_expiry else advance(standing, NAMES[letter], at, thresholds)
        standing, change = following
        if change is None:
            assert standing.state is before
            continue
        assert (change.from_state, change.to_state) == (before, standing.state)
        assert change.from_state is not change.to_state
        assert since <= change.at <= change.confirmed_at
        assert standing.since == change.at
        before, since = standing.state, change.at


@given(stories, thresholds_)
def test_unknown_verdict_changes_nothing(story: str, thresholds: Thresholds) -> None:
    standing = tell(story, thresholds).standing
    assert advance(standing, State.UNKNOWN, NOW + timedelta(days=1), thresholds) == (standing, None)


@given(stories, thresholds_)
def test_unknown_verdicts_could_as_well_not_have_been(story: str, thresholds: Thresholds) -> None:
    with_them, without = tell(story, thresholds), tell(story.replace("?", ""), thresholds)
    assert (with_them.standing.state, with_them.standing.known_state) == (
        without.standing.state,
        without.standing.known_state,
    )
    assert with_them.standing.candidate_streak == without.standing.candidate_streak


@given(stories, thresholds_)
def test_expiry_could_as_well_not_have_been_once_somebody_looks(story: str, thresholds: Thresholds) -> None:
    with_them, without = tell(story, thresholds), tell(story.replace("x", ""), thresholds)
    assert with_them.standing.known_state == without.standing.known_state
    assert with_them.standing.candidate_streak == without.standing.candidate_streak


@given(st.text(alphabet="ugd", min_size=1, max_size=40), thresholds_)
def test_a_change_needs_its_threshold_of_verdicts_in_a_row(story: str, thresholds: Thresholds) -> None:
    states = tell(story, thresholds).states
    for index in range(1, len(story)):
        before, after = NAMES[states[index - 1]], NAMES[states[index]]
        if before is after:
            continue
        threshold = thresholds.failure if after > before else thresholds.recovery
        in_a_row = [NAMES[letter] for letter in story[index + 1 - threshold : index + 1]]
        assert len(in_a_row) == threshold
        assert all(verdict >= after if after > before else verdict <= after for verdict in in_a_row)
        assert after in in_a_row


@given(st.sampled_from("ugd"), st.sampled_from("ugd"), thresholds_)
def test_same_verdict_for_long_enough_becomes_the_state(first: str, then: str, thresholds: Thresholds) -> None:
    assert tell(first + then * 5, thresholds).standing.state is NAMES[then]
