"""Pruning and rolling up together: nothing goes before it is rolled up, and no figure changes when it goes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, Endpoint, EndpointGroup, Rollup, RollupMark, RollupProgress
from healthcheck.pipeline.marks import mark_hours
from healthcheck.pipeline.prune import Pruned, prune
from tests.factories import make_endpoint, make_group, make_location, make_transition
from tests.pipeline.rollups import (
    FIRST,
    MINUTE,
    begin,
    check,
    hours_later,
    read_day,
    read_hour,
    read_rows,
    roll,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]

DAY_HOURS = 24
RETENTION = timedelta(days=14)


@pytest.fixture
def endpoint(location: object) -> Endpoint:
    """An endpoint with a change and a result in each of its first six hours."""
    endpoint = make_endpoint()
    begin(endpoint)
    for hour in range(6):
        check(endpoint, hours_later(hour) + 59 * MINUTE, State(1 + hour % 3), latency_us=1000 * (1 + hour))
        make_transition(endpoint, at=hours_later(hour) + hour * MINUTE, to_state=State(1 + hour % 3))
    return endpoint


def prune_after(days: float) -> Pruned:
    return prune(hours_later(days * DAY_HOURS), retention=RETENTION, budget_seconds=60)


def test_prune_keeps_raw_rows_whose_hour_is_not_rolled_up_however_old(endpoint: Endpoint) -> None:
    assert prune_after(99) == Pruned()
    roll(2)
    assert prune_after(99) == Pruned(results=2, runs=2)
    assert CheckResult.objects.count() == 4


def test_prune_keeps_raw_rows_from_the_first_hour_that_is_marked(endpoint: Endpoint) -> None:
    roll(6)
    elsewhere = make_endpoint(make_group("other"), "other")
    mark_hours([elsewhere.pk], start=hours_later(3), end=hours_later(4), now=hours_later(9))
    assert prune_after(99) == Pruned(results=3, runs=3)
    RollupMark.objects.all().delete()
    assert prune_after(99).results == 3


def test_prune_waits_for_every_location(endpoint: Endpoint) -> None:
    roll(6)
    elsewhere = make_location("elsewhere")
    RollupProgress.objects.create(group_id=endpoint.group_id, location_id=elsewhere.pk, next_hour=FIRST + 1)
    assert prune_after(99) == Pruned(results=1, runs=1)


def test_every_figure_is_the_same_to_the_bit_after_pruning_and_rolling_up_again(endpoint: Endpoint) -> None:
    roll(48)
    before = read_rows()
    assert prune_after(40) == Pruned(results=6, runs=6)
    mark_hours([endpoint.pk], start=hours_later(0), end=hours_later(48), now=hours_later(49))
    roll(48)
    assert not RollupMark.objects.exists()
    assert read_rows() == before


def test_late_change_after_pruning_changes_the_time_and_keeps_counts_and_latencies(endpoint: Endpoint) -> None:
    roll(12)
    hour, day = read_hour(endpoint, 5), read_day(endpoint)
    prune_after(40)
    make_transition(endpoint, at=hours_later(5.5), to_state=State.UNKNOWN)
    mark_hours([endpoint.pk], start=hours_later(5.5), end=hours_later(12), now=hours_later(13))
    roll(12)
    again, day_again = read_hour(endpoint, 5), read_day(endpoint)
    assert again.unknown_ms == 30 * 60_000
    assert day_again.unknown_ms == 30 * 60_000 + 6 * 3_600_000
    for column in ("count", "unknown_count", "error_counts", "latencies"):
        assert getattr(again, column) == getattr(hour, column)
        assert getattr(day_again, column) == getattr(day, column)


def test_prune_removes_old_hours_by_whole_days_and_keeps_every_day(endpoint: Endpoint) -> None:
    roll(200 * DAY_HOURS)
    days = list(Rollup.objects.days().values())
    first = (FIRST + 104 * DAY_HOURS) // DAY_HOURS * DAY_HOURS
    old = Rollup.objects.hours().filter(number__lt=first).count()
    assert prune_after(204).hours == old > 6
    assert min(Rollup.objects.hours().values_list("number", flat=True)) == first
    assert list(Rollup.objects.days().values()) == days


def test_late_correction_of_a_day_without_hours_changes_its_day_alone(endpoint: Endpoint) -> None:
    roll(DAY_HOURS * 2)
    before = read_day(endpoint)
    EndpointGroup.objects.update(hour_retention_days=2, retention_days=1)
    roll(DAY_HOURS * 9)
    prune_after(9)
    assert not Rollup.objects.hours().filter(number__lt=FIRST + DAY_HOURS).exists()
    make_transition(endpoint, at=hours_later(6), to_state=State.UNKNOWN)
    mark_hours([endpoint.pk], start=hours_later(6), end=hours_later(9), now=hours_later(400))
    roll(DAY_HOURS * 9)
    after = read_day(endpoint)
    assert (after.unknown_ms, after.count) == (6 * 3_600_000, before.count)
    assert after.latencies == before.latencies
    assert not Rollup.objects.hours().filter(number__lt=FIRST + DAY_HOURS).exists()


def test_groups_keep_rows_as_long_as_they_say_themselves(endpoint: Endpoint) -> None:
    other = make_endpoint(make_group("other", retention_days=30, hour_retention_days=2), "other")
    begin(other)
    check(other, hours_later(0))
    roll(DAY_HOURS * 20)
    pruned = prune_after(20)
    assert (pruned.results, CheckRun.objects.get().group_id) == (6, other.group_id)
    hours = Rollup.objects.hours()
    assert hours.filter(endpoint_id=endpoint.pk, number=FIRST).exists()
    assert min(hours.filter(endpoint_id=other.pk).values_list("number", flat=True)) == (FIRST // 24 + 18) * 24


def test_prune_removes_hours_in_batches(endpoint: Endpoint) -> None:
    EndpointGroup.objects.update(hour_retention_days=2)
    roll(DAY_HOURS * 2)
    with CaptureQueriesContext(connection) as queries:
        pruned = prune(hours_later(DAY_HOURS * 4), retention=RETENTION, budget_seconds=60, batch=10)
    removals = [query for query in queries if "DELETE FROM healthcheck_rollup " in query["sql"]]
    assert pruned.hours == 36
    assert len(removals) == 4


def test_prune_removes_no_hours_of_a_day_that_is_not_rolled_up_to_its_end(endpoint: Endpoint) -> None:
    EndpointGroup.objects.update(hour_retention_days=2)
    roll(9)
    assert prune_after(9).hours == 0
    assert Rollup.objects.hours().count() == 9


def test_prune_of_an_endpoint_removes_its_history_in_batches(endpoint: Endpoint) -> None:
    roll(30)
    Endpoint.objects.update(deleted_at=hours_later(30))
    with CaptureQueriesContext(connection) as queries:
        pruned = prune(hours_later(31), retention=RETENTION, budget_seconds=60, batch=3)
    assert pruned.endpoints == 1
    assert not Rollup.objects.exists()
    sizes = {"healthcheck_rollup ": 11, '"healthcheck_transition"': 3}
    for table, count in sizes.items():
        assert len([query for query in queries if f"DELETE FROM {table}" in query["sql"]]) >= count
