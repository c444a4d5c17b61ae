"""The sentence about the thresholds: what a verdict did to the state, and what it did not."""

from __future__ import annotations

import pytest

from healthcheck.admin.explain.streak import Standing, describe_streak
from healthcheck.engine.transitions import Thresholds
from healthcheck.engine.types import State
from tests.factories import NOW

UP, DEGRADED, DOWN, UNKNOWN = State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN
SINCE = "1 Jul 2026, 12:00:00 UTC"


@pytest.mark.parametrize(
    ("verdicts", "standing", "sentence"),
    [
        ([DOWN, DOWN, UP], Standing(DOWN, NOW, UP), f"Failed 3 of 3 in a row, so it is down since {SINCE}."),
        ([DOWN], Standing(DOWN, NOW, UNKNOWN), f"Nothing fresh was known before, so it is down since {SINCE}."),
        ([UP, UP, DOWN], Standing(UP, NOW, DOWN), f"Better 2 of 2 in a row, so it is up since {SINCE}."),
        ([UP, UP], Standing(UP, NOW), f"It has been up since {SINCE}."),
        ([DOWN, UNKNOWN, DOWN, UP], Standing(UP, NOW), f"Failed 2 of 3 in a row, so it stayed up, as since {SINCE}."),
        ([UP, DOWN], Standing(DOWN, NOW), f"Better 1 of 2 in a row, so it stayed down, as since {SINCE}."),
        (
            [DOWN, DEGRADED, DOWN, UP],
            Standing(DOWN, NOW),
            f"It was down already, since {SINCE}; this is number 3 in a row that failed.",
        ),
        ([UNKNOWN, DOWN], Standing(DOWN, NOW), "A check that measured nothing changes no state: it stayed down."),
        ([DOWN], None, ""),
        ([], Standing(), ""),
    ],
)
def test_streak_is_told(verdicts: list[State], standing: Standing | None, sentence: str) -> None:
    assert describe_streak(verdicts, standing, Thresholds(failure=3, recovery=2)) == sentence


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("verdict", list(State))
def test_every_case_has_a_sentence(verdict: State, state: State, before: State) -> None:
    for standing in (Standing(state, NOW), Standing(state, NOW, before)):
        assert describe_streak([verdict], standing, Thresholds()).endswith(".")
