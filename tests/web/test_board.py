"""How many sightings become one state."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthcheck.engine.types import State
from healthcheck.web.board import NEVER_CHECKED, choose_sighting, is_unfolded, summarise_states
from tests.factories import NOW
from tests.web.builders import gather_board, gather_group, sight, view

UNKNOWN, UP, DEGRADED, DOWN = State


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ([UP, DOWN, DEGRADED], DOWN),
        ([UP, UNKNOWN], UP),
        ([UNKNOWN, DEGRADED, UP], DEGRADED),
        ([UNKNOWN, UNKNOWN], UNKNOWN),
    ],
)
def test_endpoint_is_shown_by_the_worst_of_what_any_location_knows(states: list[State], shown: State) -> None:
    assert choose_sighting([sight(state) for state in states]).state is shown


def test_endpoint_without_any_sighting_was_never_checked() -> None:
    assert choose_sighting([]) == NEVER_CHECKED
    assert not view().is_checked


@pytest.mark.parametrize(
    ("states", "summary"),
    [
        ([UP, UNKNOWN, DEGRADED, DOWN], DOWN),
        ([UP, UNKNOWN, DEGRADED], DEGRADED),
        ([UP, UNKNOWN], UNKNOWN),
        ([UP, UP], UP),
        ([], UNKNOWN),
    ],
)
def test_summary_names_the_worst_trouble_and_never_hides_an_unknown(states: list[State], summary: State) -> None:
    assert summarise_states(states) is summary


def test_paused_endpoint_does_not_count_for_its_group() -> None:
    assert gather_group([view(sight(UP)), view(sight(DOWN), is_paused=True)]).state is UP


def test_latency_is_that_of_a_fresh_good_answer_only() -> None:
    assert view(sight(UP)).latency_us == 12_000
    assert view(sight(DOWN)).latency_us == 0
    assert view(sight(UNKNOWN, last_verdict=UP, is_expired=True)).latency_us == 0


def test_newest_result_is_the_newest_of_all_endpoints() -> None:
    assert gather_board(UP, DOWN).newest_result_at == NOW - timedelta(seconds=1)
    assert gather_board().newest_result_at is None


def test_long_page_folds_what_is_well_and_opens_what_is_not() -> None:
    well, ill = gather_group([view(sight(UP))]), gather_group([view(sight(DOWN))])
    assert is_unfolded(well, endpoint_count=40)
    assert not is_unfolded(well, endpoint_count=41)
    assert is_unfolded(ill, endpoint_count=41)
