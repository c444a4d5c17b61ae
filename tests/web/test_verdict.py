"""The sentence over the page."""

from __future__ import annotations

import pytest

from healthcheck.engine.types import State
from healthcheck.web.freshness import CheckerFault, Lag
from healthcheck.web.verdict import Verdict, judge_board
from tests.factories import NOW
from tests.web.builders import gather_board, lay_out, sight, view

UNKNOWN, UP, DEGRADED, DOWN = State


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ([UP, UP], Verdict(UP, "Everything is up", "2 endpoints")),
        ([UP], Verdict(UP, "Everything is up", "1 endpoint")),
        ([DOWN, DOWN], Verdict(DOWN, "Everything is down", "2 endpoints")),
        ([DEGRADED], Verdict(DEGRADED, "Everything is degraded", "1 endpoint")),
        ([UNKNOWN], Verdict(UNKNOWN, "The current state is not known", "1 endpoint")),
        ([UP, DOWN], Verdict(DOWN, "1 of 2 is down", "1 up")),
        ([DEGRADED, DOWN, DOWN, UNKNOWN], Verdict(DOWN, "2 of 4 are down", "1 degraded, 1 unknown")),
        ([UP, DEGRADED, UNKNOWN], Verdict(DEGRADED, "1 of 3 is degraded", "1 unknown, 1 up")),
        ([UP, UNKNOWN], Verdict(UNKNOWN, "The state of 1 of 2 endpoints is not known", "1 up")),
    ],
)
def test_verdict_names_the_worst_and_counts_the_rest(states: list[State], verdict: Verdict) -> None:
    assert judge_board(gather_board(*states)) == verdict


@pytest.mark.parametrize("lag", list(Lag))
def test_verdict_never_reassures_while_the_checker_is_behind(lag: Lag) -> None:
    verdict = judge_board(gather_board(UP, UP, faults=[CheckerFault(lag, NOW)]))
    assert verdict == Verdict(UNKNOWN, "The current state is not known")


def test_verdict_keeps_the_last_bad_news_while_the_checker_is_behind() -> None:
    verdict = judge_board(gather_board(UP, DOWN, faults=[CheckerFault(Lag.SILENT, NOW)]))
    assert verdict.detail == "Last known: 1 of 2 endpoints down"


def test_verdict_leaves_paused_endpoints_out() -> None:
    assert judge_board(lay_out([view(sight(UP)), view(sight(DOWN), is_paused=True)])).state is UP


def test_verdict_of_paused_endpoints_only_is_no_all_clear() -> None:
    verdict = judge_board(lay_out([view(sight(UP), is_paused=True)]))
    assert verdict == Verdict(UNKNOWN, "All checks are paused")


def test_verdict_waits_for_the_first_results() -> None:
    assert judge_board(lay_out([view()])) == Verdict(UNKNOWN, "Waiting for the first results")


def test_verdict_of_an_empty_page_says_so() -> None:
    assert judge_board(lay_out([])) == Verdict(UNKNOWN, "Nothing is checked yet")
