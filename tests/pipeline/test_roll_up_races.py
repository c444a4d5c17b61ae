"""Rolling up in two places at once, and beside those who change what is being rolled up. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from healthcheck.engine.types import State
from healthcheck.models import Endpoint, EndpointState, Rollup, RollupMark, RollupProgress
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.marks import CLOSED_AFTER, STALLED_AFTER, mark_hours
from healthcheck.pipeline.record import pair_findings, record_run
from healthcheck.pipeline.roll_up import GRACE, RolledUp
from healthcheck.pipeline.sweep import expire_evidence
from tests.factories import NOW, make_endpoint, make_group, make_state, make_transition
from tests.locks import WAIT_SECONDS, in_thread, wait_for_waiting
from tests.pipeline.conftest import outcome, take_one
from tests.pipeline.rollups import (
    FIRST,
    HOUR,
    HOUR_MS,
    begin,
    check,
    hours_later,
    read_day,
    read_hour,
    read_rows,
    roll,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]

UPSERT = "INSERT INTO healthcheck_rollup "
RESULTS = "JOIN healthcheck_checkresult"


@pytest.fixture
def endpoint(location: object) -> Endpoint:
    endpoint = make_endpoint()
    begin(endpoint)
    check(endpoint, NOW)
    return endpoint


def roll_while(names: str, act: Callable[[], object], *, hours: float = 1, after: bool = False) -> RolledUp:
    """Roll up, and act once right before, or after, the first statement that has this in it."""
    is_done = False

    def interleave(execute: Any, sql: str, *args: Any) -> Any:
        nonlocal is_done
        if is_done or names not in sql:
            return execute(sql, *args)
        is_done = True
        if not after:
            act()
            return execute(sql, *args)
        answer = execute(sql, *args)
        act()
        return answer

    with connection.execute_wrapper(interleave):
        rolled_up = roll(hours)
    assert is_done
    return rolled_up


def test_second_roll_up_that_is_overtaken_stores_nothing(endpoint: Endpoint) -> None:
    rows: list[object] = []

    def overtake() -> None:
        roll(2)
        check(endpoint, NOW + HOUR / 2)
        Rollup.objects.hours().filter(number=FIRST).update(count=77)
        rows.extend(read_rows())

    roll_while(RESULTS, overtake, hours=2)
    assert read_rows() == rows
    assert RollupProgress.objects.get().next_hour == FIRST + 2


def test_result_that_comes_after_its_hour_was_read_is_not_lost(endpoint: Endpoint) -> None:
    def come_late() -> None:
        with transaction.atomic():
            check(endpoint, NOW + HOUR / 2)
            mark_hours([endpoint.pk], start=NOW + HOUR / 2, end=NOW + HOUR / 2, now=hours_later(1.1))

    roll_while(RESULTS, come_late, after=True)
    # It may have been rolled up in the same call already, through its mark.
    roll(1)
    assert (read_hour(endpoint).count, read_day(endpoint).count) == (2, 2)
    assert not RollupMark.objects.exists()


def test_mark_left_once_more_while_it_is_worked_off_stays(endpoint: Endpoint) -> None:
    roll(3)

    def mark() -> None:
        mark_hours([endpoint.pk], start=NOW, end=NOW, now=hours_later(3))

    mark()

    def come_late() -> None:
        check(endpoint, NOW + HOUR / 2)
        mark()

    roll_while(RESULTS, come_late, hours=3, after=True)
    assert RollupMark.objects.count() == 1
    assert read_hour(endpoint).count == 1
    roll(3)
    assert (RollupMark.objects.count(), read_hour(endpoint).count, read_day(endpoint).count) == (0, 2, 2)


def test_mark_left_before_its_hour_was_read_is_worked_off_with_it(endpoint: Endpoint) -> None:
    mark_hours([endpoint.pk], start=NOW, end=NOW, now=hours_later(1.1))
    roll(1)
    assert not RollupMark.objects.exists()
    assert RollupProgress.objects.get().serial == 1


def test_endpoint_that_is_moved_while_it_is_rolled_up_is_left_to_its_new_group(endpoint: Endpoint) -> None:
    other = make_endpoint(make_group("other"), "other")
    begin(other)
    move = lambda: Endpoint.objects.filter(pk=endpoint.pk).update(group=other.group)  # noqa: E731
    roll_while(RESULTS, move, hours=2)
    roll(2)
    assert [read_hour(endpoint, hour).up_ms for hour in (0, 1)] == [HOUR_MS, HOUR_MS]
    assert read_hour(endpoint).count == 1
    assert not RollupMark.objects.exists()


def test_endpoint_that_is_removed_while_it_is_rolled_up_leaves_no_row(endpoint: Endpoint) -> None:
    roll_while(RESULTS, lambda: Endpoint.objects.filter(pk=endpoint.pk).delete())
    assert not Rollup.objects.exists()
    roll(2)
    assert not RollupMark.objects.exists()


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("where", [RESULTS, UPSERT, 'UPDATE "healthcheck_rollupprogress"'])
def test_roll_up_that_is_killed_anywhere_goes_on_where_it_was(endpoint: Endpoint, where: str) -> None:
    def die() -> None:
        raise _Killed

    roll(1)
    check(endpoint, NOW + 90 * timedelta(minutes=1))
    with pytest.raises(_Killed), transaction.atomic():
        roll_while(where, die, hours=3, after=True)
    assert RollupProgress.objects.get().next_hour == FIRST + 1
    roll(3)
    assert [read_hour(endpoint, hour).count for hour in range(3)] == [1, 1, 0]
    assert read_day(endpoint).up_ms == 3 * HOUR_MS


def test_group_that_the_database_refuses_keeps_no_other_from_being_rolled_up(endpoint: Endpoint) -> None:
    other = make_endpoint(make_group("other", interval_seconds=1, deadline_seconds=0.5), "other")
    begin(other, at=NOW - HOUR)

    def refuse() -> None:
        raise IntegrityError("refused")

    roll_while(UPSERT, refuse)
    assert not Rollup.objects.filter(endpoint_id=other.pk).exists()
    assert read_hour(endpoint).count == 1
    roll(1)
    assert read_hour(other, -1).up_ms == HOUR_MS


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rounds", [5])
def test_roll_ups_of_many_groups_in_two_places_at_once_come_to_the_same(rounds: int) -> None:
    endpoints = [make_endpoint(make_group(f"g{number}"), f"e{number}") for number in range(8)]
    for number, endpoint in enumerate(endpoints):
        begin(endpoint)
        for hour in range(rounds):
            check(endpoint, NOW + hour * HOUR + timedelta(minutes=number))
            make_transition(endpoint, at=NOW + hour * HOUR + timedelta(minutes=number), to_state=State(1 + hour % 3))
    with ThreadPoolExecutor(2) as pool:
        for each in [in_thread(pool, lambda: roll(rounds)) for _ in range(2)]:
            each.result(WAIT_SECONDS)
    roll(rounds)
    found = read_rows()
    Rollup.objects.all().delete()
    RollupProgress.objects.update(next_hour=FIRST)
    roll(rounds)
    assert found == read_rows()
    assert {read_day(endpoint).count for endpoint in endpoints} == {rounds}


# A minute before the hour is over the endpoint is seen down; the transaction that says so begins right afterwards.
SEEN_AT, WRITTEN_AT = hours_later(1) - timedelta(minutes=1), hours_later(1) + timedelta(seconds=1)
STALLED_SECONDS = 360.0


def take_stalling(endpoint: Endpoint) -> TakenRun:
    Endpoint.objects.update(failure_threshold=1)
    make_state(endpoint, State.UP, since=NOW)
    return take_one(endpoint.group, at=SEEN_AT)


def record_stalling(taken: TakenRun) -> None:
    clock = iter([0.0, STALLED_SECONDS])
    found = pair_findings(taken, [outcome(State.DOWN, at=SEEN_AT)], SEEN_AT)
    assert record_run(taken, found, now=WRITTEN_AT, wall_us=1, clock=clock.__next__) is not None


def test_what_is_held_to_be_stalled_is_noticed_before_rolling_up_begins() -> None:
    assert STALLED_AFTER + CLOSED_AFTER < GRACE


def test_record_that_stalls_until_its_hour_was_rolled_up_is_absorbed(endpoint: Endpoint) -> None:
    taken = take_stalling(endpoint)
    roll()
    record_stalling(taken)
    roll()
    assert (read_hour(endpoint).count, read_hour(endpoint).down_ms) == (2, HOUR_MS // 60)
    assert RollupMark.objects.count() == 0


def test_expiry_that_stalls_until_its_hour_was_rolled_up_is_absorbed(endpoint: Endpoint) -> None:
    make_state(endpoint, State.UP, since=NOW, valid_until=SEEN_AT)
    roll()
    clock = iter([0.0, STALLED_SECONDS])
    assert expire_evidence(WRITTEN_AT, clock=clock.__next__) == 1
    roll()
    assert read_hour(endpoint).unknown_ms == HOUR_MS // 60


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_record_that_waits_for_a_lock_while_its_hour_is_rolled_up_is_absorbed(endpoint: Endpoint) -> None:
    taken = take_stalling(endpoint)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            list(EndpointState.objects.select_for_update())
            recording = in_thread(pool, lambda: record_stalling(taken))
            wait_for_waiting()
            roll()
        recording.result(WAIT_SECONDS)
    assert read_hour(endpoint).count == 1
    roll()
    assert (read_hour(endpoint).count, read_hour(endpoint).down_ms) == (2, HOUR_MS // 60)
