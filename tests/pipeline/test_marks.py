"""Marks: hours that are over and have changed since, in one row however many they are."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.types import State
from healthcheck.models import EndpointState, RollupMark, Transition
from healthcheck.pipeline.marks import CLOSED_AFTER, find_hour, mark_hours
from healthcheck.pipeline.sweep import expire_evidence
from tests.factories import NOW, make_endpoint, make_group, make_location, make_state
from tests.pipeline.conftest import outcome, record_one, take_one

pytestmark = [pytest.mark.django_db, pytest.mark.database]

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
THIS = find_hour(NOW)


def read_marks() -> list[tuple[int, int, int]]:
    """Return the endpoint, the first hour counted from now, and how many."""
    marks = RollupMark.objects.order_by("endpoint_id", "location_id", "hour")
    return [(mark.endpoint_id, mark.hour - THIS, mark.hours) for mark in marks]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (NOW - HOUR, NOW - HOUR, [(7, -1, 1)]),
        (NOW - HOUR, NOW, [(7, -1, 1)]),
        (NOW - SECOND, NOW + HOUR, [(7, -1, 1)]),
        (NOW - 2 * HOUR - SECOND, NOW - HOUR, [(7, -3, 2)]),
        (NOW - 2 * HOUR - SECOND, NOW - HOUR + SECOND, [(7, -3, 3)]),
        (NOW - 9000 * HOUR, NOW + 9000 * HOUR, [(7, -9000, 9000)]),
        (NOW, NOW + HOUR, []),
        (NOW + HOUR, NOW + 2 * HOUR, []),
    ],
)
def test_mark_hours_marks_those_that_are_over(start: datetime, end: datetime, expected: list[object]) -> None:
    mark_hours([7], start=start, end=end, now=NOW + CLOSED_AFTER)
    assert read_marks() == expected


def test_hour_that_has_just_ended_needs_no_mark() -> None:
    with CaptureQueriesContext(connection) as queries:
        mark_hours([7], start=NOW - SECOND, end=NOW, now=NOW + CLOSED_AFTER - SECOND)
    assert (len(queries), read_marks()) == (0, [])


def test_hour_marked_again_keeps_one_mark_that_says_so() -> None:
    for end in (NOW - HOUR, NOW, NOW - HOUR):
        mark_hours([7], start=NOW - 2 * HOUR, end=end, now=NOW + HOUR)
    assert [(mark.hours, mark.serial) for mark in RollupMark.objects.all()] == [(2, 2)]


@pytest.mark.parametrize("count", [1, 30])
def test_mark_hours_is_one_statement_for_any_number_of_endpoints(count: int) -> None:
    with CaptureQueriesContext(connection) as queries:
        mark_hours([*range(count), 0], start=NOW - HOUR, end=NOW, now=NOW + HOUR)
    assert (len(queries), read_marks()) == (1, [(endpoint_id, -1, 1) for endpoint_id in range(count)])


def test_mark_hours_is_of_the_locations_that_are_named_or_of_all() -> None:
    first, second = make_location(), make_location("second")
    mark_hours([7], [second.pk], start=NOW - HOUR, end=NOW, now=NOW + HOUR)
    assert list(RollupMark.objects.values_list("location_id", flat=True)) == [second.pk]
    mark_hours([8], [], start=NOW - HOUR, end=NOW, now=NOW + HOUR)
    mark_hours([7], start=NOW - HOUR, end=NOW, now=NOW + HOUR)
    assert sorted(RollupMark.objects.values_list("endpoint_id", "location_id")) == [(7, first.pk), (7, second.pk)]


LATE = timedelta(hours=3)


def test_run_that_is_recorded_late_marks_the_hours_of_its_slot_and_of_what_changed() -> None:
    endpoint = make_endpoint(make_group(interval_seconds=86400))
    other = make_endpoint(endpoint.group, "other")
    taken = take_one(endpoint.group, at=NOW)
    record_one(taken, outcome(at=NOW), outcome(State.UNKNOWN, at=NOW), now=NOW + LATE)
    assert read_marks() == [(endpoint.pk, 0, 2), (other.pk, 0, 1)]
    RollupMark.objects.all().delete()
    Transition.objects.all().delete()
    for hours in (0.5, 1):
        EndpointState.objects.update(valid_until=NOW + 2 * LATE)
        taken = take_one(endpoint.group, at=NOW + hours * LATE)
        record_one(taken, outcome(State.DOWN, at=NOW + hours * LATE), outcome(State.UNKNOWN, at=NOW + hours * LATE))
    # Confirmed an hour and a half after its first evidence.
    assert Transition.objects.get().at == NOW + LATE / 2
    assert read_marks() == [(endpoint.pk, 1, 1)]


def test_evidence_that_expired_long_ago_marks_the_hours_since() -> None:
    endpoint = make_endpoint()
    make_state(endpoint, valid_until=NOW)
    expire_evidence(NOW + LATE + CLOSED_AFTER)
    assert Transition.objects.get().at == NOW
    assert read_marks() == [(endpoint.pk, 0, 3)]


def test_evidence_that_expired_just_now_marks_nothing() -> None:
    make_state(make_endpoint(), valid_until=NOW - SECOND)
    expire_evidence(NOW)
    assert (Transition.objects.count(), read_marks()) == (1, [])
