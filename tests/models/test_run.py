"""The two nets under the claim, and what a run says about itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from healthcheck.models import CheckRun, RunStatus, Trigger
from healthcheck.models.run import UNFINISHED
from tests.factories import NOW, make_group, make_location, make_run

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("status", RunStatus)
def test_database_refuses_a_second_run_of_a_slot(status: RunStatus) -> None:
    group = make_group()
    make_run(group, status=status)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_run(group)
    assert CheckRun.objects.count() == 1


def test_slot_of_another_group_location_or_instant_is_another_slot() -> None:
    group = make_group()
    make_run(group)
    make_run(group, at=NOW + MINUTE)
    make_run(group, location=make_location("berlin"))
    make_run(make_group("other"))
    assert CheckRun.objects.count() == 4


def test_manual_runs_take_no_slot() -> None:
    group = make_group()
    make_run(group)
    make_run(group, trigger=Trigger.MANUAL)
    make_run(group, trigger=Trigger.MANUAL)
    assert CheckRun.objects.count() == 3


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("first", UNFINISHED)
@pytest.mark.parametrize("second", UNFINISHED)
def test_database_refuses_a_second_unfinished_run_of_a_trigger(
    trigger: Trigger, first: RunStatus, second: RunStatus
) -> None:
    group = make_group()
    make_run(group, status=first, trigger=trigger)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_run(group, at=NOW + MINUTE, status=second, trigger=trigger)
    assert CheckRun.objects.count() == 1


@pytest.mark.parametrize("over", [RunStatus.FINISHED, RunStatus.MISSED, RunStatus.ABANDONED])
def test_run_that_is_over_leaves_room_for_the_next(over: RunStatus) -> None:
    group = make_group()
    make_run(group, status=over)
    make_run(group, at=NOW + MINUTE, status=RunStatus.QUEUED)
    assert CheckRun.objects.filter(status__in=UNFINISHED).count() == 1


def test_manual_run_is_unfinished_beside_a_scheduled_one() -> None:
    group = make_group()
    make_run(group, status=RunStatus.RUNNING)
    make_run(group, status=RunStatus.QUEUED, trigger=Trigger.MANUAL)
    assert CheckRun.objects.count() == 2


def test_run_outlives_its_group() -> None:
    run = make_run(make_group())
    run.group.delete()
    assert CheckRun.objects.get().group_id == run.group_id


def test_lateness_is_from_the_slot_to_the_start() -> None:
    group = make_group()
    assert make_run(group, started_at=NOW + timedelta(milliseconds=1234)).lateness_ms == 1234
    assert make_run(group, at=NOW + MINUTE, status=RunStatus.MISSED).lateness_ms is None


def test_stored_numbers_never_change_their_meaning() -> None:
    assert {status.name: status.value for status in RunStatus} == {
        "QUEUED": 1,
        "RUNNING": 2,
        "FINISHED": 3,
        "MISSED": 4,
        "ABANDONED": 5,
    }
    assert {trigger.name: trigger.value for trigger in Trigger} == {"SCHEDULED": 1, "MANUAL": 2, "SIGNAL": 3}
