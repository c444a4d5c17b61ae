"""Check now."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from healthcheck.engine.types import State
from healthcheck.models import CheckRun, EndpointGroup, EndpointState, RunStatus, Trigger
from healthcheck.pipeline.dispatch import claim_due_groups
from healthcheck.pipeline.execute import take_run
from healthcheck.pipeline.manual import request_check
from tests.factories import NOW, make_endpoint, make_group, make_run
from tests.pipeline.conftest import claim_one, outcome, record_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_check_now_is_a_manual_run_that_is_queued() -> None:
    group = make_group(deadline_seconds=10)
    run = CheckRun.objects.get(pk=request_check(group.pk, NOW))
    assert (run.group_id, run.trigger, run.status) == (group.pk, Trigger.MANUAL, RunStatus.QUEUED)
    assert (run.scheduled_for, run.published_at, run.open_until) == (NOW, None, NOW + timedelta(seconds=15))


@pytest.mark.parametrize("status", [RunStatus.QUEUED, RunStatus.RUNNING])
@pytest.mark.parametrize("trigger", Trigger)
def test_check_now_joins_a_run_that_is_under_way(status: RunStatus, trigger: Trigger) -> None:
    group = make_group()
    under_way = make_run(group, status=status, trigger=trigger)
    assert request_check(group.pk, NOW + SECOND) == under_way.pk
    assert CheckRun.objects.count() == 1


def test_check_now_joins_the_run_that_will_see_what_was_just_changed() -> None:
    group = make_group()
    make_run(group, status=RunStatus.RUNNING)
    queued = make_run(group, status=RunStatus.QUEUED, trigger=Trigger.MANUAL)
    assert request_check(group.pk, NOW) == queued.pk


def test_check_now_does_not_join_a_run_of_another_group_or_one_that_is_over() -> None:
    group = make_group()
    make_run(group, status=RunStatus.FINISHED)
    make_run(make_group("other"), status=RunStatus.QUEUED)
    run_id = request_check(group.pk, NOW)
    assert CheckRun.objects.get(pk=run_id).trigger == Trigger.MANUAL


def test_check_now_never_blocks_a_slot_nor_moves_the_clock() -> None:
    group = make_group(next_run_at=NOW)
    request_check(group.pk, NOW)
    [run_id] = claim_due_groups(NOW)
    run = CheckRun.objects.get(pk=run_id)
    assert (run.trigger, run.status, run.scheduled_for) == (Trigger.SCHEDULED, RunStatus.QUEUED, NOW)


def test_check_now_of_a_daily_group_is_believed_until_the_next_slot() -> None:
    daily = make_group(interval_seconds=None, cron="0 3 * * *", deadline_seconds=10)
    run = CheckRun.objects.get(pk=request_check(daily.pk, NOW))
    # Three o'clock tomorrow, a minute, the deadline and the margin.
    assert run.valid_until == NOW + timedelta(hours=15) + MINUTE + timedelta(seconds=15)


def test_check_now_works_where_the_schedule_cannot_be_read() -> None:
    group = make_group(interval_seconds=None, cron="0 3 * * *", timezone="Mars/Olympus", deadline_seconds=10)
    run = CheckRun.objects.get(pk=request_check(group.pk, NOW))
    assert run.status == RunStatus.QUEUED
    assert run.valid_until >= run.open_until


def test_check_now_of_a_paused_group_runs() -> None:
    group = make_group(is_paused=True)
    assert CheckRun.objects.get(pk=request_check(group.pk, NOW)).status == RunStatus.QUEUED


@pytest.mark.parametrize("is_marked", [True, False])
def test_check_now_of_a_group_that_is_gone_says_so(is_marked: bool) -> None:
    group_id = make_group(deleted_at=NOW).pk if is_marked else 987_654
    with pytest.raises(EndpointGroup.DoesNotExist):
        request_check(group_id, NOW)
    assert not CheckRun.objects.exists()


def test_check_now_is_recorded_as_a_probe_is_and_is_no_slot_in_the_strip() -> None:
    endpoint = make_endpoint()
    record_one(take_one(endpoint.group), outcome(State.UP))
    later = NOW + 20 * SECOND
    taken = take_run(request_check(endpoint.group_id, later), later)
    assert taken is not None
    record_one(taken, outcome(State.DOWN, at=later))
    state = EndpointState.objects.get()
    assert (state.strip, state.next_slot_at) == ("13", CheckRun.objects.get(trigger=Trigger.SCHEDULED).open_until)


@pytest.mark.django_db(transaction=True)
def test_check_now_of_many_people_at_once_is_one_run() -> None:
    group = make_group()
    people = 6
    start = threading.Barrier(people)

    def ask() -> int:
        try:
            start.wait(30)
            return request_check(group.pk, NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(people) as pool:
        answers = {future.result(60) for future in [pool.submit(ask) for _ in range(people)]}
    assert answers == {CheckRun.objects.get().pk}


def test_check_now_after_the_slot_was_claimed_joins_it() -> None:
    group = make_group()
    run_id = claim_one(group)
    assert request_check(group.pk, NOW) == run_id
