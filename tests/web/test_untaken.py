"""What no worker has taken: seen while none works, steadily, and over as soon as one has started anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from healthcheck.models import CheckRun, EndpointGroup, Reason, RunStatus, Trigger
from healthcheck.web.freshness import CheckerFault, Lag
from healthcheck.web.health import inspect_database
from healthcheck.web.snapshot import load_board
from healthcheck.web.untaken import Untaken, load_untaken
from tests.factories import NOW, make_endpoint, make_group, make_location, make_page, make_run, make_state, make_tick

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


def _load() -> Untaken:
    return load_untaken(EndpointGroup.objects.existing())


def _miss(group: EndpointGroup, at: datetime, **columns: Any) -> CheckRun:
    return make_run(group, at=at, **({"status": RunStatus.MISSED, "reason": Reason.QUEUE} | columns))


def _miss_for_a_minute(group: EndpointGroup) -> None:
    """Slots of ten seconds without a worker, as they are found at any instant: the last one is still queued."""
    make_run(group, at=NOW - 70 * SECOND)
    for seconds in range(60, 0, -10):
        _miss(group, NOW - seconds * SECOND)
    make_run(group, at=NOW, status=RunStatus.QUEUED)


def test_short_slots_without_a_worker_are_noticed_though_no_run_waits_for_long() -> None:
    _miss_for_a_minute(make_group(next_run_at=NOW + 10 * SECOND))
    assert _load() == Untaken(NOW, NOW - 60 * SECOND, None)
    assert _load().oldest_at == _load().unserved_at == NOW - 60 * SECOND


def test_page_and_readiness_say_that_no_worker_works_beside_an_hourly_group() -> None:
    _miss_for_a_minute(make_group(next_run_at=NOW + 10 * SECOND))
    hourly = make_group("hourly", next_run_at=NOW + 1800 * SECOND)
    make_run(hourly, at=NOW - 1800 * SECOND)
    make_state(make_endpoint(hourly), last_observed_at=NOW - 1799 * SECOND)
    make_tick()
    fault = CheckerFault(Lag.WAITING, NOW - 60 * SECOND)
    assert load_board(make_page(), now=NOW).checker_faults == (fault,)
    assert inspect_database(NOW)["worker"] == "silent"


def test_results_before_the_misses_bound_them() -> None:
    group = make_group()
    _miss(group, NOW - 100 * SECOND)
    make_run(group, at=NOW - 70 * SECOND)
    make_state(make_endpoint(group), last_observed_at=NOW - 69 * SECOND)
    _miss(group, NOW - 60 * SECOND)
    _miss(group, NOW - 50 * SECOND)
    assert _load() == Untaken(None, NOW - 60 * SECOND, NOW - 69 * SECOND)


def test_anything_started_since_ends_it() -> None:
    _miss_for_a_minute(make_group())
    make_run(make_group("other"), at=NOW - SECOND, status=RunStatus.RUNNING, started_at=NOW - SECOND)
    assert _load() == Untaken(NOW, None, NOW - SECOND)
    assert inspect_database(NOW + 16 * SECOND)["worker"] == "silent"
    make_run(make_group("third"), at=NOW, started_at=NOW + 2 * SECOND)
    assert inspect_database(NOW + 16 * SECOND)["worker"] == "ok"


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.QUEUE}))
def test_runs_that_ended_for_another_reason_found_their_worker(reason: Reason) -> None:
    _miss(make_group(), NOW - 60 * SECOND, reason=reason)
    assert _load() == Untaken()


def test_paused_and_deleted_groups_want_no_worker() -> None:
    _miss(make_group("paused", is_paused=True), NOW - 60 * SECOND)
    _miss(make_group("deleted", deleted_at=NOW), NOW - 60 * SECOND)
    assert _load() == Untaken()


def test_check_now_that_nobody_took_counts_by_its_own_instant() -> None:
    _miss(make_group(), NOW - 60 * SECOND, trigger=Trigger.MANUAL)
    assert _load().missed_at == NOW - 60 * SECOND


def test_location_without_a_worker_is_covered_by_another_that_works() -> None:
    group = make_group()
    make_run(group, at=NOW - 60 * SECOND, location=make_location("paris"))
    _miss(group, NOW - 60 * SECOND)
    make_state(make_endpoint(group), last_observed_at=NOW - 59 * SECOND)
    assert _load() == Untaken(None, None, NOW - 59 * SECOND)


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("has_misses", [False, True])
def test_untaken_is_read_in_a_fixed_number_of_queries(
    django_assert_num_queries: DjangoAssertNumQueries, *, groups: int, has_misses: bool
) -> None:
    for number in range(groups):
        group = make_group(f"group-{number}")
        make_run(group, at=NOW - 70 * SECOND)
        if has_misses:
            _miss(group, NOW - 60 * SECOND)
            _miss(group, NOW - 50 * SECOND)
    with django_assert_num_queries(4 if has_misses else 2):
        _load()
