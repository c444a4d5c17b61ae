"""What is read for a page, from real rows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import RunStatus, StatusPage
from healthcheck.web.board import Board, EndpointView
from healthcheck.web.freshness import CheckerFault, Lag
from healthcheck.web.snapshot import find_page, load_board
from tests.factories import (
    NOW,
    make_endpoint,
    make_group,
    make_location,
    make_page,
    make_run,
    make_state,
    make_tick,
)

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)
SOON = NOW + 30 * SECOND


def test_default_page_is_the_one_called_status_or_else_the_first() -> None:
    StatusPage.objects.all().delete()
    first, second = make_page("first"), make_page("second")
    assert find_page(None) == first
    default = make_page("status")
    assert find_page(None) == default
    assert find_page("second") == second
    assert find_page("nowhere") is None


def test_endpoint_is_shown_as_it_stands() -> None:
    endpoint = make_endpoint(make_group(next_run_at=SOON), "Checkout")
    make_state(endpoint, State.DOWN, last_error_kind=ErrorKind.TIMEOUT, strip="113")
    shown = _only_endpoint(_load())
    assert (shown.id, shown.name, shown.state, shown.is_paused) == (endpoint.pk, "Checkout", State.DOWN, False)
    assert shown.sighting.error_kind is ErrorKind.TIMEOUT
    assert shown.sighting.since == NOW - timedelta(hours=1)
    assert shown.sighting.strip == "113"


def test_expired_evidence_is_unknown_though_nobody_wrote_it_down() -> None:
    make_state(make_endpoint(make_group(next_run_at=SOON)), State.UP, valid_until=NOW - SECOND)
    seen = _only_endpoint(_load()).sighting
    assert (seen.state, seen.since, seen.is_expired) == (State.UNKNOWN, NOW - SECOND, True)


def test_endpoint_of_several_locations_is_the_worst_that_is_known() -> None:
    endpoint = make_endpoint(make_group(next_run_at=SOON))
    make_state(endpoint, State.UP)
    make_state(endpoint, State.DOWN, location=make_location("tokyo"), strip="3")
    make_state(endpoint, State.DOWN, location=make_location("paris"), valid_until=NOW - SECOND, strip="33")
    assert _only_endpoint(_load()).sighting.strip == "3"


def test_page_shows_its_own_groups_in_order_and_nothing_deleted() -> None:
    late, early = make_group("late", position=2), make_group("early", position=1)
    make_group("elsewhere")
    gone = make_group("gone", deleted_at=NOW)
    make_endpoint(early, "second", position=2)
    make_endpoint(early, "first", position=1)
    make_endpoint(early, "deleted", deleted_at=NOW)
    page = make_page("own", shows_all_groups=False)
    page.groups.set([late, early, gone])
    board = load_board(page, now=NOW)
    assert [group.slug for group in board.groups] == ["early", "late"]
    assert [endpoint.name for endpoint in board.endpoints] == ["first", "second"]


def test_paused_group_pauses_its_endpoints_beside_their_state() -> None:
    group = make_group(is_paused=True)
    make_state(make_endpoint(group), State.UP)
    shown = _only_endpoint(_load())
    assert (shown.state, shown.is_paused) == (State.UP, True)


def test_checker_that_keeps_up_has_no_fault() -> None:
    make_state(make_endpoint(make_group(next_run_at=SOON)))
    assert _load().checker_faults == ()


def test_newest_tick_of_any_scheduler_counts() -> None:
    make_tick(at=NOW - timedelta(hours=1), node="dead")
    assert _load().checker_faults == ()


def test_silent_schedulers_are_noticed() -> None:
    board = _load(tick_at=NOW - 16 * SECOND)
    assert board.checker_faults == (CheckerFault(Lag.SILENT, NOW - 16 * SECOND),)


def test_overdue_group_is_noticed_unless_it_is_paused() -> None:
    make_group("paused", is_paused=True, next_run_at=NOW - timedelta(days=1))
    assert _load().checker_faults == ()
    make_group("overdue", next_run_at=NOW - 20 * SECOND)
    assert _load().checker_faults == (CheckerFault(Lag.OVERDUE, NOW - 20 * SECOND),)


def test_run_that_nobody_takes_is_noticed() -> None:
    group = make_group(next_run_at=SOON)
    make_run(group, at=NOW - timedelta(minutes=3))
    assert _load().checker_faults == ()
    make_run(group, at=NOW - timedelta(minutes=2), status=RunStatus.QUEUED)
    assert _load().checker_faults == (CheckerFault(Lag.WAITING, NOW - timedelta(minutes=2)),)


def test_trouble_of_a_group_that_is_not_on_the_page_is_not_its_news() -> None:
    elsewhere = make_group("elsewhere", next_run_at=NOW - timedelta(hours=1))
    make_run(elsewhere, at=NOW - timedelta(hours=1), status=RunStatus.QUEUED)
    make_tick()
    page = make_page("own", shows_all_groups=False)
    assert load_board(page, now=NOW).checker_faults == ()


@pytest.mark.parametrize("state", [State.UP, State.UNKNOWN])
def test_page_on_which_all_evidence_expired_says_so_before_and_after_the_sweep(state: State) -> None:
    group = make_group(next_run_at=SOON)
    make_state(make_endpoint(group, "one"), state, **_seen_before(NOW - 2 * SECOND))
    make_state(make_endpoint(group, "two"), state, **_seen_before(NOW - SECOND))
    assert _load().checker_faults == (CheckerFault(Lag.NO_RESULTS, NOW - SECOND),)


def test_page_with_any_fresh_evidence_has_results() -> None:
    group = make_group(next_run_at=SOON)
    make_state(make_endpoint(group, "one"), valid_until=NOW - SECOND)
    make_state(make_endpoint(group, "two"))
    assert _load().checker_faults == ()


@pytest.mark.parametrize("valid_until", [NOW - 60 * SECOND, NOW])
def test_endpoint_that_may_not_be_checked_is_no_sign_of_a_checker_that_is_behind(valid_until: datetime) -> None:
    """The later instant: the evidence of before has just expired, and the next outcome is still to come."""
    endpoint = make_endpoint(make_group(next_run_at=SOON))
    make_state(endpoint, State.UNKNOWN, valid_until=valid_until, last_error_kind=ErrorKind.BLOCKED)
    assert _load().checker_faults == ()


def test_blocked_endpoint_does_not_hide_that_the_others_have_ceased() -> None:
    group = make_group(next_run_at=SOON)
    make_state(make_endpoint(group, "one"), State.UP, **_seen_before(NOW - 2 * SECOND))
    blocked = make_endpoint(group, "two")
    make_state(blocked, State.UNKNOWN, valid_until=NOW - SECOND / 2, last_error_kind=ErrorKind.BLOCKED)
    assert _load().checker_faults == (CheckerFault(Lag.NO_RESULTS, NOW - 2 * SECOND),)


def test_paused_endpoints_may_be_silent() -> None:
    make_state(make_endpoint(make_group(next_run_at=SOON), is_paused=True), valid_until=NOW - SECOND)
    assert _load().checker_faults == ()


def _seen_before(valid_until: datetime) -> dict[str, datetime]:
    return {"valid_until": valid_until, "last_observed_at": valid_until - 60 * SECOND}


def _load(tick_at: datetime = NOW) -> Board:
    make_tick(at=tick_at)
    return load_board(make_page(), now=NOW)


def _only_endpoint(board: Board) -> EndpointView:
    (endpoint,) = board.endpoints
    return endpoint
