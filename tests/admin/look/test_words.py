"""The admin's words for schedules, durations and runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.utils.translation import override

from healthcheck.admin.look.words import (
    NOTHING,
    describe_duration,
    describe_lateness,
    describe_moment,
    describe_schedule,
    describe_status,
)
from healthcheck.models import (
    CheckRun,
    Endpoint,
    EndpointGroup,
    MaintenanceWindow,
    NotificationChannel,
    Reason,
    RunStatus,
)
from tests.factories import NOW, make_endpoint


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "every second"),
        (45, "every 45 seconds"),
        (60, "every minute"),
        (90, "every 90 seconds"),
        (300, "every 5 minutes"),
        (3_600, "every hour"),
        (86_400, "every day"),
    ],
)
def test_schedule_reads_in_its_largest_whole_unit(seconds: int, words: str) -> None:
    assert describe_schedule(EndpointGroup(interval_seconds=seconds)) == words


def test_schedule_names_the_cron_expression_and_its_zone() -> None:
    group = EndpointGroup(interval_seconds=None, cron="0 3 * * *", timezone="Europe/Berlin")
    assert describe_schedule(group) == "cron 0 3 * * *, Europe/Berlin"


@pytest.mark.parametrize(
    ("duration_us", "words"), [(0, "0.0 ms"), (1_234, "1.2 ms"), (12_345, "12 ms"), (10_000_000, "10.0 s")]
)
def test_duration_keeps_the_digits_that_matter(duration_us: int, words: str) -> None:
    assert describe_duration(duration_us) == words


def test_dates_are_written_as_the_language_writes_them() -> None:
    with override("de"):
        assert describe_moment(NOW) == "1. Jul, 12:00:00 UTC"


def test_moment_names_its_zone_and_leaves_out_the_year() -> None:
    assert describe_moment(NOW) == "1 Jul, 12:00:00 UTC"
    assert describe_moment(None) == ""


def test_lateness_counts_from_the_slot_to_the_start() -> None:
    run = CheckRun(scheduled_for=NOW, started_at=NOW + timedelta(milliseconds=12))
    assert describe_lateness(run) == "12 ms late"
    assert describe_lateness(CheckRun(scheduled_for=NOW)) == ""


def test_status_says_why_a_run_was_missed_and_how_many_slots() -> None:
    run = CheckRun(status=RunStatus.MISSED, reason=Reason.SCHEDULER, slot_count=12)
    assert describe_status(run) == "missed: no scheduler was running (12 slots)"
    assert describe_status(CheckRun(status=RunStatus.FINISHED)) == "finished"


@pytest.mark.django_db
def test_forms_show_a_dash_where_there_is_nothing() -> None:
    nothing = {
        (Endpoint, make_endpoint()): ("since", "last_error", "last_result", "members"),
        (MaintenanceWindow, MaintenanceWindow(pk=1)): ("upcoming",),
        (NotificationChannel, NotificationChannel(pk=1)): ("last_sent", "refused_since"),
    }
    for (model, obj), names in nothing.items():
        shown = admin.site.get_model_admin(model)
        assert [getattr(shown, name)(obj) for name in names] == [NOTHING] * len(names)
