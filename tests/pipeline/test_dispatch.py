from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from healthcheck.engine.schedule import IntervalSchedule
from healthcheck.models import CheckRun, EndpointGroup, Reason, RunStatus
from healthcheck.pipeline.dispatch import claim_due_groups, claim_group
from tests.factories import NOW, make_group, make_location
from tests.pipeline.conftest import claim_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND = timedelta(seconds=1)


def test_claim_makes_one_queued_run_for_a_due_group() -> None:
    group = make_group(next_run_at=NOW)
    [run_id] = claim_due_groups(NOW)
    run = CheckRun.objects.get()
    assert (run.pk, run.group_id, run.scheduled_for, run.status) == (run_id, group.pk, NOW, RunStatus.QUEUED)


def test_claim_leaves_groups_alone_that_are_not_due_paused_or_deleted() -> None:
    make_group("later", next_run_at=NOW + SECOND)
    make_group("paused", next_run_at=NOW, is_paused=True)
    make_group("gone", next_run_at=NOW, deleted_at=NOW)
    assert claim_due_groups(NOW) == []


def test_claim_puts_the_clock_on_the_phase_of_the_group() -> None:
    group = make_group(next_run_at=NOW)
    claim_due_groups(NOW)
    group.refresh_from_db()
    schedule = group.schedule
    assert isinstance(schedule, IntervalSchedule)
    assert group.next_run_at == schedule.latest_slot(group.next_run_at)
    assert group.next_run_at > NOW + group.deadline


def test_claim_with_a_reading_that_is_old_makes_no_second_run() -> None:
    make_group(next_run_at=NOW)
    stale = EndpointGroup.objects.get()
    claim_due_groups(NOW)
    assert claim_group(stale, make_location(), NOW) is None
    assert CheckRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_claims_of_many_tickers_at_once_make_one_run_per_group() -> None:
    groups = [make_group(f"group-{number}", next_run_at=NOW) for number in range(12)]
    tickers = 6
    start = threading.Barrier(tickers)

    def claim() -> list[int]:
        try:
            start.wait(30)
            return claim_due_groups(NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(tickers) as pool:
        claimed = [run for future in [pool.submit(claim) for _ in range(tickers)] for run in future.result(60)]
    assert sorted(claimed) == sorted(CheckRun.objects.values_list("pk", flat=True))
    assert sorted(CheckRun.objects.values_list("group_id", flat=True)) == sorted(group.pk for group in groups)


def test_claim_of_a_slot_whose_run_before_is_open_is_missed_for_overlap() -> None:
    group = make_group()
    take_one(group)
    group.refresh_from_db()
    assert claim_due_groups(group.next_run_at) == []
    missed = CheckRun.objects.get(scheduled_for=group.next_run_at)
    assert (missed.status, missed.reason) == (RunStatus.MISSED, Reason.OVERLAP)


def test_claim_after_a_slot_that_nobody_took_is_no_overlap() -> None:
    group = make_group(next_run_at=NOW)
    [untaken] = claim_due_groups(NOW)
    group.refresh_from_db()
    [run_id] = claim_due_groups(group.next_run_at)
    assert run_id != untaken
    missed = CheckRun.objects.get(pk=untaken)
    assert (missed.status, missed.reason) == (RunStatus.MISSED, Reason.QUEUE)


@pytest.mark.parametrize("schedule", [{}, {"interval_seconds": None, "cron": "0 3 * * *"}])
def test_claim_at_once_waits_for_the_run_under_way_instead_of_missing(schedule: dict[str, Any]) -> None:
    group = make_group(**schedule)
    take_one(group)
    asked_at = NOW + 5 * SECOND
    EndpointGroup.objects.update(next_run_at=asked_at)
    assert claim_due_groups(asked_at) == []
    assert CheckRun.objects.count() == 1
    assert EndpointGroup.objects.get().next_run_at == asked_at + SECOND


def test_claim_after_a_gap_runs_the_current_slot_and_states_the_gap_once() -> None:
    group = make_group(interval_seconds=10, deadline_seconds=5)
    first = group.schedule.plan(NOW, NOW, deadline=group.deadline).next_run_at
    EndpointGroup.objects.update(next_run_at=first)
    [run_id] = claim_due_groups(first + timedelta(seconds=35))
    gap = CheckRun.objects.exclude(pk=run_id).get()
    assert (gap.scheduled_for, gap.gap_until, gap.slot_count) == (first, first + timedelta(seconds=30), 3)
    assert (gap.status, gap.reason) == (RunStatus.MISSED, Reason.SCHEDULER)
    assert CheckRun.objects.get(pk=run_id).scheduled_for == first + timedelta(seconds=30)


def test_claim_goes_on_when_the_clock_went_back_over_a_slot() -> None:
    group = make_group(interval_seconds=10, deadline_seconds=5)
    slot = group.schedule.plan(NOW, NOW, deadline=group.deadline).next_run_at
    taken = take_one(group, at=slot)
    CheckRun.objects.filter(pk=taken.run_id).update(status=RunStatus.FINISHED)
    EndpointGroup.objects.update(next_run_at=slot)
    [again] = claim_due_groups(slot + SECOND)
    assert CheckRun.objects.get(pk=again).scheduled_for == slot + SECOND


@pytest.mark.parametrize("change", [{"is_paused": True}, {"deleted_at": NOW}])
def test_claim_loses_to_a_person_who_changes_the_group_in_the_same_moment(change: dict[str, object]) -> None:
    make_group(next_run_at=NOW)
    stale = EndpointGroup.objects.get()
    EndpointGroup.objects.update(**change)
    assert claim_group(stale, make_location(), NOW) is None
    assert not CheckRun.objects.exists()


def test_claim_gives_the_evidence_an_end_from_the_schedule_in_force() -> None:
    group = make_group(interval_seconds=20, deadline_seconds=10)
    slot = group.schedule.plan(NOW, NOW, deadline=group.deadline).next_run_at
    run = CheckRun.objects.get(pk=claim_one(group, at=slot))
    assert run.open_until == slot + timedelta(seconds=20)
    assert run.valid_until == run.open_until + timedelta(seconds=20 + 10 + 5)


def test_claim_of_a_schedule_that_cannot_be_read_is_a_missed_slot() -> None:
    make_group(next_run_at=NOW, interval_seconds=None, cron="0 3 * * *", timezone="Mars/Olympus")
    assert claim_due_groups(NOW) == []
    missed = CheckRun.objects.get()
    assert (missed.status, missed.reason) == (RunStatus.MISSED, Reason.CONFIGURATION)
