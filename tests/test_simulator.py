"""The simulator's truth is what its page says, and its comparison sees a single second."""

from __future__ import annotations

import pytest

from healthcheck.engine.types import State
from healthcheck.engine.uptime import Effect, Overlay, Step, Totals
from tests.figures.comparing import compare, differ
from tests.figures.truth import NOTHING, Truth, lay_over

LETTERS = {"u": State.UP, "g": State.DEGRADED, "d": State.DOWN}
START = 1_000_000_000


def tell(story: str, *, failure: int = 2, recovery: int = 2, holds: int = 3) -> str:
    """Tell a story of one look a second, none where it has a dash; draw the seconds, each look holding for so many."""
    truth = Truth(START, failure=failure, recovery=recovery)
    for second, letter in enumerate(story):
        at = START + second
        if letter in LETTERS:
            truth.see(at, LETTERS[letter], holds_until=at + holds)
    drawn = truth.finish(START + len(story))
    return "".join({NOTHING: " ", 0: "?", 1: "u", 2: "g", 3: "d"}[byte] for byte in drawn)


@pytest.mark.parametrize(
    ("story", "drawn"),
    [
        ("--uuu", "  uuu"),
        ("uudduu", "uudduu"),
        ("uuduu", "uuuuu"),
        ("uudgd", "uuggg"),
        ("uu-----u", "uuuu???u"),
        # A row from before the blindness counts, and dates nothing back into it.
        ("uud-----d", "uuuuu???d"),
        ("uu-----dd", "uuuu????d"),
        ("uu-----du", "uuuu????u"),
        ("dd-----uu", "dddd????u"),
    ],
)
def test_truth_of_a_story(story: str, drawn: str) -> None:
    assert tell(story) == drawn


def test_truth_does_not_go_back_behind_the_last_change() -> None:
    truth = Truth(START, failure=1, recovery=1)
    truth.see(START, State.UP, holds_until=START + 2)
    truth.see(START + 6, State.UP, holds_until=START + 9)
    truth.disbelieve(START + 3)
    truth.see(START + 3, State.DOWN, holds_until=START + 9)
    assert list(truth.finish(START + 8)) == [1, 1, 0, 0, 0, 0, 3, 3]


def test_overlays_are_painted_in_the_order_of_their_rank() -> None:
    laid = [
        Overlay((1, 2), (START + 1) * 1000, (START + 3) * 1000, Effect.FALSE_ALARM),
        Overlay((1, 1), (START + 2) * 1000, (START + 5) * 1000, Effect.EXCLUDED),
        Overlay((0, 9), 0, (START + 9) * 1000, Effect.MAINTENANCE),
        Overlay((1, 9), (START + 5) * 1000, (START + 2) * 1000, Effect.EXCLUDED),
    ]
    assert list(lay_over(bytes([NOTHING, 3, 0, 1, 2, 2]), laid, start=START)) == [NOTHING, 1, 0, 5, 5, 4]


def test_comparison_sees_a_single_second() -> None:
    drawn = bytes([1] * 50 + [3] * 50)
    steps = [Step(START * 1000, 1, State.UP), Step((START + 50) * 1000, 2, State.DOWN)]
    assert compare(drawn, steps, [], start=START) == 0
    late = [steps[0], Step((START + 51) * 1000, 2, State.DOWN)]
    assert compare(drawn, late, [], start=START) > 0
    assert differ(Totals(up_ms=50_001, down_ms=49_999), drawn) == 2
