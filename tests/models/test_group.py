"""Groups: what the database refuses whoever writes, and the sentence a person reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from pytest_django import Settings

from healthcheck.engine.schedule import CronSchedule, IntervalSchedule, phase_of
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import EndpointGroup
from tests.factories import NOW, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def refusals(**columns: Any) -> dict[str, list[str]]:
    defaults: dict[str, Any] = {"name": "Web", "slug": "web", "interval_seconds": 60, "deadline_seconds": 30.0}
    with pytest.raises(ValidationError) as refused:
        EndpointGroup(**(defaults | columns)).full_clean()
    return refused.value.message_dict


@pytest.mark.parametrize(
    "columns",
    [
        {"interval_seconds": 0},
        {"interval_seconds": 86_401, "deadline_seconds": 1},
        {"interval_seconds": None, "cron": ""},
        {"interval_seconds": 60, "cron": "* * * * *"},
        {"deadline_seconds": 60},
        {"deadline_seconds": 0},
        {"deadline_seconds": -1},
        {"interval_seconds": 86_400, "deadline_seconds": 600.5},
        {"interval_seconds": None, "cron": "0 3 * * *", "deadline_seconds": 601},
    ],
)
def test_database_refuses_a_schedule_that_makes_no_sense(columns: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_group(**columns)
    assert not EndpointGroup.objects.exists()


RAISE = "Hours must be kept at least as long as raw results, %s days; raise it."
LOWER = "Raw results must not outlast hours, which are kept for %s days; lower it, or keep hours longer."


@pytest.mark.parametrize(
    ("raw_days", "hour_days", "refused"),
    [
        (30, 29, {"hour_retention_days": [RAISE % 30]}),
        (None, 13, {"hour_retention_days": [RAISE % 14]}),
        (101, None, {"retention_days": [LOWER % 100]}),
        (3650, 100, {"hour_retention_days": [RAISE % 3650]}),
    ],
)
def test_hours_are_kept_as_long_as_raw_results(
    raw_days: int | None, hour_days: int | None, refused: dict[str, list[str]]
) -> None:
    assert refusals(retention_days=raw_days, hour_retention_days=hour_days) == refused


@pytest.mark.parametrize(
    ("raw_days", "hour_days"), [(None, None), (None, 14), (100, None), (30, 30), (1, 2), (200, 3650)]
)
def test_retention_at_the_limits_is_stored(raw_days: int | None, hour_days: int | None) -> None:
    make_group(retention_days=raw_days, hour_retention_days=hour_days).full_clean()


def test_retention_of_a_group_is_held_against_what_holds_everywhere(settings: Settings) -> None:
    settings.HEALTHCHECK = {"RETENTION_DAYS": 3, "HOUR_RETENTION_DAYS": 5}
    make_group("other", hour_retention_days=3).full_clean()
    assert refusals(hour_retention_days=2) == {"hour_retention_days": [RAISE % 3]}
    assert refusals(retention_days=6) == {"retention_days": [LOWER % 5]}


@pytest.mark.parametrize(
    "columns",
    [
        {"interval_seconds": 1, "deadline_seconds": 0.9},
        {"interval_seconds": 86_400, "deadline_seconds": 600},
        {"interval_seconds": None, "cron": "0 3 * * *", "timezone": "Europe/Berlin"},
        {"interval_seconds": None, "cron": "*/5 * * * *", "deadline_seconds": 299.5},
    ],
)
def test_schedule_at_the_limits_is_stored(columns: dict[str, Any]) -> None:
    group = make_group(**columns)
    group.full_clean()
    assert EndpointGroup.objects.get() == group


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"deadline_seconds": 60},
            {"deadline_seconds": ["The deadline must be shorter than the interval of 60 s; lower it."]},
        ),
        (
            {"interval_seconds": 0},
            {
                "interval_seconds": ["Ensure this value is greater than or equal to 1."],
                "deadline_seconds": ["The deadline must be shorter than the interval of 0 s; lower it."],
            },
        ),
        (
            {"cron": "* * * * *"},
            {"__all__": ["Give either an interval or a cron expression, not both."]},
        ),
        (
            {"interval_seconds": None},
            {"__all__": ["Give either an interval or a cron expression, not both."]},
        ),
        (
            {"interval_seconds": None, "cron": "0 3,4 * * *", "deadline_seconds": 3600},
            {
                "deadline_seconds": [
                    "Ensure this value is less than or equal to 600.",
                    "The deadline must be shorter than the shortest time between two runs, 3600 s; lower it.",
                ]
            },
        ),
        (
            {"interval_seconds": None, "cron": "*/5 * * * *", "deadline_seconds": 300},
            {
                "deadline_seconds": [
                    "The deadline must be shorter than the shortest time between two runs, 300 s; lower it."
                ]
            },
        ),
        (
            {"interval_seconds": None, "cron": "hourly"},
            {"cron": ["“hourly” is not a cron expression; write five fields such as */5 * * * *."]},
        ),
        (
            {"interval_seconds": None, "cron": "0 3 * * *", "timezone": "Mars/Olympus"},
            {"timezone": ["There is no time zone “Mars/Olympus”; use a name such as Europe/Berlin or UTC."]},
        ),
    ],
)
def test_form_refuses_a_schedule_with_a_sentence(columns: dict[str, Any], expected: dict[str, list[str]]) -> None:
    assert refusals(**columns) == expected


def test_form_refuses_an_empty_deadline_without_falling_over() -> None:
    assert refusals(deadline_seconds=None) == {"deadline_seconds": ["This field cannot be null."]}


def test_slug_is_unique_among_existing_groups_only() -> None:
    first = make_group("web")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_group("web")
    assert refusals() == {"__all__": ["There is already a group with this slug; choose another."]}
    EndpointGroup.objects.filter(pk=first.pk).update(deleted_at=NOW)
    assert make_group("web").pk != first.pk


def test_due_groups_are_those_whose_clock_has_come_most_overdue_first() -> None:
    exact = make_group("exact", next_run_at=NOW)
    late = make_group("late", next_run_at=NOW - timedelta(minutes=1))
    make_group("later", next_run_at=NOW + timedelta(microseconds=1))
    make_group("paused", next_run_at=NOW, is_paused=True)
    make_group("gone", next_run_at=NOW, deleted_at=NOW)
    assert list(EndpointGroup.objects.due(NOW)) == [late, exact]


def test_group_names_its_schedule() -> None:
    group = make_group(interval_seconds=60)
    assert group.schedule == IntervalSchedule(60, phase_of(group.pk, 60))
    daily = make_group("daily", interval_seconds=None, cron="0 3 * * *", timezone="Europe/Berlin")
    assert daily.schedule == CronSchedule("0 3 * * *", "Europe/Berlin")


def test_group_whose_zone_vanished_says_so() -> None:
    group = make_group(interval_seconds=None, cron="0 3 * * *", timezone="Mars/Olympus")
    with pytest.raises(ConfigurationError):
        _ = group.schedule


def test_groups_are_listed_by_position_then_age() -> None:
    last, first, second = make_group("a", position=2), make_group("b"), make_group("c")
    assert list(EndpointGroup.objects.all()) == [first, second, last]


def test_group_name_of_ten_thousand_emoji_is_refused_by_length() -> None:
    assert refusals(name="🚑" * 10_000) == {
        "name": ["Ensure this value has at most 200 characters (it has 10000)."],
    }
