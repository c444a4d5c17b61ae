"""What may still be believed, and when the checker itself is behind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from healthcheck.engine.types import State
from healthcheck.web.freshness import CheckerFault, Lag, Progress, effective_state, find_checker_faults
from tests.factories import NOW

SECOND = timedelta(seconds=1)
KEEPS_UP = {"newest_tick_at": NOW - SECOND, "oldest_due_at": NOW + SECOND}


@pytest.mark.parametrize("state", list(State))
def test_state_holds_while_its_evidence_is_valid(state: State) -> None:
    assert effective_state(state, NOW + SECOND, NOW) is state


@pytest.mark.parametrize("state", list(State))
def test_state_is_unknown_from_the_instant_its_evidence_expires(state: State) -> None:
    assert effective_state(state, NOW, NOW) is State.UNKNOWN


def test_state_without_evidence_is_unknown() -> None:
    assert effective_state(State.UP, None, NOW) is State.UNKNOWN


def test_checker_that_keeps_up_has_no_fault() -> None:
    assert _find(Progress(**KEEPS_UP)) == ()


def test_checker_that_never_ticked_is_a_fault_once_something_is_overdue() -> None:
    assert _find(Progress()) == ()
    starting, overdue = NOW - 15 * SECOND, NOW - 16 * SECOND
    assert _find(Progress(oldest_due_at=starting)) == ()
    faults = (CheckerFault(Lag.NEVER_TICKED), CheckerFault(Lag.OVERDUE, overdue))
    assert _find(Progress(oldest_due_at=overdue)) == faults


def test_silent_scheduler_is_a_fault_only_beyond_the_limit() -> None:
    assert _find(Progress(newest_tick_at=NOW - 15 * SECOND)) == ()
    silent_since = NOW - 16 * SECOND
    assert _find(Progress(newest_tick_at=silent_since)) == (CheckerFault(Lag.SILENT, silent_since),)


def test_overdue_group_is_a_fault_though_the_scheduler_ticks() -> None:
    due_at = NOW - 16 * SECOND
    assert _find(Progress(newest_tick_at=NOW, oldest_due_at=due_at)) == (CheckerFault(Lag.OVERDUE, due_at),)


def test_run_that_no_worker_takes_is_a_fault() -> None:
    queued_at = NOW - 16 * SECOND
    assert _find(Progress(**KEEPS_UP, oldest_untaken_at=queued_at)) == (CheckerFault(Lag.WAITING, queued_at),)


def test_expiry_of_all_evidence_is_a_fault() -> None:
    assert _find(Progress(**KEEPS_UP, all_expired_at=NOW)) == (CheckerFault(Lag.NO_RESULTS, NOW),)


def test_faults_come_with_the_most_fundamental_first() -> None:
    old = NOW - timedelta(minutes=5)
    faults = _find(Progress(newest_tick_at=old, oldest_due_at=old, oldest_untaken_at=old, all_expired_at=old))
    assert [fault.lag for fault in faults] == [Lag.SILENT, Lag.OVERDUE, Lag.WAITING, Lag.NO_RESULTS]


def _find(progress: Progress) -> tuple[CheckerFault, ...]:
    return find_checker_faults(progress, now=NOW, stale_after_seconds=15.0)
