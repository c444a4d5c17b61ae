"""Rolling up: what hours and days come to, once each, however often and however late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.engine.latencies import Part
from healthcheck.engine.types import ErrorKind, State
from healthcheck.engine.uptime import Totals
from healthcheck.models import Endpoint, MaintenanceSpan, Rollup, RollupMark, RollupProgress, UptimeStrip
from healthcheck.pipeline.marks import mark_hours
from healthcheck.pipeline.roll_up import GRACE, Backlog, find_backlog, roll_up
from tests.factories import NOW, make_endpoint, make_group, make_location, make_result, make_run, make_transition
from tests.pipeline.rollups import (
    FIRST,
    HOUR,
    HOUR_MS,
    MINUTE,
    SECOND,
    begin,
    check,
    hours_later,
    read_day,
    read_hour,
    read_latencies,
    read_rows,
    read_totals,
    roll,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def endpoint(location: object) -> Endpoint:
    """An endpoint that is up from NOW on."""
    endpoint = make_endpoint()
    begin(endpoint)
    return endpoint


def test_hour_holds_its_time_its_counts_and_its_latencies(endpoint: Endpoint) -> None:
    make_transition(endpoint, at=NOW + 30 * MINUTE)
    check(endpoint, NOW, latency_us=1000, connect_us=300)
    check(endpoint, NOW + 10 * MINUTE, State.DEGRADED, latency_us=2000, error_kind=ErrorKind.ASSERTION)
    check(endpoint, NOW + 30 * MINUTE, State.DOWN, latency_us=3000)
    check(endpoint, NOW + HOUR - SECOND, State.UNKNOWN, error_kind=ErrorKind.CAPACITY)
    check(endpoint, NOW + HOUR, latency_us=9000)
    assert roll().is_complete
    rollup = read_hour(endpoint)
    assert read_totals(rollup) == Totals(up_ms=HOUR_MS // 2, down_ms=HOUR_MS // 2)
    assert (rollup.count, rollup.unknown_count) == (4, 1)
    assert rollup.error_counts == {"10": 1, "11": 1, "13": 1}
    assert read_latencies(rollup) == {Part.TOTAL: 2, Part.CONNECT: 1}
    assert RollupProgress.objects.get().next_hour == FIRST + 1


def test_hour_is_begun_only_a_grace_after_its_end(endpoint: Endpoint) -> None:
    roll_up(NOW + HOUR + GRACE - SECOND, budget_seconds=60)
    assert not Rollup.objects.exists()
    roll_up(NOW + HOUR + GRACE, budget_seconds=60)
    assert read_totals(read_hour(endpoint)) == Totals(up_ms=HOUR_MS)


def test_hour_without_any_run_is_a_row_of_unknown_time(endpoint: Endpoint) -> None:
    make_transition(endpoint, at=NOW + MINUTE, to_state=State.UNKNOWN)
    roll(3)
    assert [read_totals(read_hour(endpoint, hour)).unknown_ms for hour in range(3)] == [59 * 60_000, HOUR_MS, HOUR_MS]
    assert read_hour(endpoint, 2).count == 0


def test_endpoint_without_a_history_has_no_rows(endpoint: Endpoint) -> None:
    make_endpoint(endpoint.group, "new")
    roll()
    assert {row[1] for row in read_rows()} == {endpoint.pk}


def test_day_is_the_sum_of_its_hours_to_the_bit(endpoint: Endpoint) -> None:
    for number in range(30):
        state = State(1 + number % 3)
        make_transition(endpoint, at=NOW + number * timedelta(minutes=47, milliseconds=number), to_state=state)
        check(endpoint, NOW + number * 47 * MINUTE, state, latency_us=1000 + 100 * number, tls_us=number)
    for hours in (1, 5, 12, 24):
        roll(hours)
        for day in (0, 1)[: 1 + hours // 13]:
            start = (FIRST // 24 + day) * 24
            rows = Rollup.objects.hours().filter(number__gte=start, number__lt=start + 24)
            summed = sum((read_totals(row) for row in rows), Totals())
            assert read_totals(read_day(endpoint, day)) == summed
            assert read_day(endpoint, day).count == sum(row.count for row in rows)
    merged = [read_latencies(row)[Part.TOTAL] for row in Rollup.objects.hours().filter(count__gt=0) if row.latencies]
    assert sum(read_latencies(read_day(endpoint, day))[Part.TOTAL] for day in (0, 1)) == sum(merged) == 20


def test_rolling_up_twice_changes_nothing(endpoint: Endpoint) -> None:
    check(endpoint, NOW)
    roll(2)
    rows = read_rows()
    assert roll(2).rows == 0
    RollupProgress.objects.update(next_hour=FIRST)
    assert roll(2).rows > 0
    assert read_rows() == rows


def test_history_is_rolled_up_from_its_first_change_on_however_old(endpoint: Endpoint) -> None:
    begin(endpoint, at=NOW - 400 * 24 * HOUR)
    roll()
    assert Rollup.objects.days().count() == 401
    oldest = Rollup.objects.hours().order_by("number").first()
    # As many hours as are kept, and the whole of the first day.
    assert oldest is not None
    assert oldest.number == (FIRST + 1) // 24 * 24 - 100 * 24


def test_rolling_up_goes_on_where_its_time_was_over(endpoint: Endpoint) -> None:
    assert not roll(400, budget_seconds=0).is_complete
    assert not Rollup.objects.exists()
    calls = 0
    while not roll(400, budget_seconds=0.1).is_complete:
        calls += 1
        assert calls < 400
    assert Rollup.objects.hours().count() == 400
    assert find_backlog(hours_later(400) + GRACE) == Backlog(0, 0, None)


def test_backlog_says_what_is_left(endpoint: Endpoint) -> None:
    roll(2)
    mark_hours([endpoint.pk], start=NOW, end=NOW, now=hours_later(9))
    assert find_backlog(hours_later(9) + GRACE) == Backlog(7, 1, FIRST + 2)


def test_marked_hours_are_rolled_up_again_and_their_days(endpoint: Endpoint) -> None:
    roll(30)
    make_transition(endpoint, at=NOW + 10 * HOUR, to_state=State.DOWN)
    check(endpoint, NOW + 10 * HOUR, State.DOWN)
    mark_hours([endpoint.pk], start=NOW + 10 * HOUR, end=NOW + 30 * HOUR, now=hours_later(31))
    roll(30)
    assert not RollupMark.objects.exists()
    assert (read_hour(endpoint, 9).down_ms, read_hour(endpoint, 10).down_ms) == (0, HOUR_MS)
    assert [read_day(endpoint, day).down_ms for day in (0, 1)] == [2 * HOUR_MS, 18 * HOUR_MS]
    assert read_day(endpoint).count == 1


def test_mark_longer_than_a_piece_is_rolled_up_in_several(endpoint: Endpoint) -> None:
    roll(700)
    span = {"starts_at": NOW - 9000 * HOUR, "ends_at": hours_later(690)}
    MaintenanceSpan.objects.create(endpoint_id=endpoint.pk, window_id=1, **span)
    mark_hours([endpoint.pk], start=span["starts_at"], end=span["ends_at"], now=hours_later(701))
    roll(700)
    assert not RollupMark.objects.exists()
    assert Rollup.objects.hours().filter(maintenance_ms=HOUR_MS).count() == 690
    assert sum(Rollup.objects.days().values_list("maintenance_ms", flat=True)) == 690 * HOUR_MS


def test_mark_waits_until_its_hour_is_rolled_up_at_all(endpoint: Endpoint) -> None:
    roll(2)
    RollupMark.objects.create(endpoint_id=endpoint.pk, location_id=make_location().pk, hour=FIRST + 3)
    roll(3)
    assert RollupMark.objects.count() == 1
    roll(4)
    assert not RollupMark.objects.exists()


def test_marks_of_nobody_are_forgotten(endpoint: Endpoint) -> None:
    here, elsewhere = make_location().pk, make_location("elsewhere").pk
    RollupMark.objects.create(endpoint_id=endpoint.pk + 99, location_id=here, hour=FIRST)
    RollupMark.objects.create(endpoint_id=endpoint.pk, location_id=elsewhere, hour=FIRST)
    roll()
    assert not RollupMark.objects.exists()


def test_each_location_has_rollups_of_its_own(endpoint: Endpoint) -> None:
    elsewhere = make_location("elsewhere")
    make_transition(endpoint, at=NOW + 90 * MINUTE, location=elsewhere)
    roll(2)
    own = Rollup.objects.hours().filter(location_id=elsewhere.pk).values_list("number", "down_ms")
    assert list(own) == [(FIRST + 1, HOUR_MS // 2)]
    assert Rollup.objects.hours().exclude(location_id=elsewhere.pk).count() == 2


def test_endpoint_moved_in_mid_hour_keeps_the_results_of_both_groups(endpoint: Endpoint) -> None:
    check(endpoint, NOW)
    Endpoint.objects.update(group=make_group("other"))
    endpoint.refresh_from_db()
    check(endpoint, NOW + 30 * MINUTE)
    roll()
    assert read_hour(endpoint).count == 2


def test_endpoint_moved_out_of_a_group_that_lagged_behind_loses_no_hour(endpoint: Endpoint) -> None:
    other = make_endpoint(make_group("other"), "other")
    begin(other)
    check(endpoint, NOW + 90 * MINUTE)
    roll(3)
    Rollup.objects.filter(endpoint_id=endpoint.pk, number__gt=FIRST).delete()
    RollupProgress.objects.filter(group_id=endpoint.group_id).update(next_hour=FIRST + 1)
    Endpoint.objects.filter(pk=endpoint.pk).update(group=other.group)
    roll(4)
    assert [(read_hour(endpoint, hour).up_ms, read_hour(endpoint, hour).count) for hour in range(4)] == [
        (HOUR_MS, 0), (HOUR_MS, 1), (HOUR_MS, 0), (HOUR_MS, 0),
    ]  # fmt: skip
    assert not RollupMark.objects.exists()


def test_deleted_endpoint_is_rolled_up_as_long_as_it_can_be_restored(endpoint: Endpoint) -> None:
    Endpoint.objects.update(deleted_at=NOW + MINUTE)
    roll()
    assert read_hour(endpoint).up_ms == HOUR_MS


def test_clock_that_was_ahead_and_went_back_loses_no_hour(endpoint: Endpoint) -> None:
    roll(48)
    make_transition(endpoint, at=NOW + 2 * HOUR)
    check(endpoint, NOW + 2 * HOUR)
    roll(3)
    assert RollupProgress.objects.get().next_hour == FIRST + 3
    roll(4)
    assert (read_hour(endpoint, 3).down_ms, read_hour(endpoint, 47).down_ms) == (HOUR_MS, 0)
    roll(48)
    assert read_hour(endpoint, 47).down_ms == HOUR_MS


def test_clock_that_once_stood_at_1970_makes_no_half_century_of_hours(endpoint: Endpoint) -> None:
    begin(endpoint, at=NOW - 55 * 365 * 24 * HOUR)
    roll(budget_seconds=0)
    assert RollupProgress.objects.get().next_hour == FIRST + 1 - 3650 * 24


def test_group_without_endpoints_is_done_in_one_go(location: object) -> None:
    group = make_group()
    make_run(group, at=NOW - 9000 * HOUR)
    roll()
    assert RollupProgress.objects.get().next_hour == FIRST + 1


def test_rollups_are_in_the_strips_of_the_pages(endpoint: Endpoint) -> None:
    roll(2)
    last = dict(UptimeStrip.objects.values_list("resolution", "last"))
    assert last == {1: FIRST + 1, 2: FIRST // 24}


@pytest.mark.parametrize("count", [1, 30])
def test_rolling_up_an_hour_is_a_fixed_number_of_queries(count: int) -> None:
    group = make_group()
    run = make_run(group, at=NOW + 90 * MINUTE)
    for number in range(count):
        endpoint = make_endpoint(group, f"e{number}")
        begin(endpoint)
        make_result(run, endpoint)
    roll()
    with CaptureQueriesContext(connection) as queries:
        roll(2)
    statements = [query["sql"] for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    # What is new, marks of nobody, a clock that was ahead and marks, in four. Then the piece: its progress, groups and
    # endpoints; marks, steps, overlays, runs, results, hours, days and gaps; two for progress, members, rows, and four
    # for strips. Then that nothing is left, of hours and of marks.
    assert len(statements) == 25
    assert Rollup.objects.hours().filter(count=1).count() == count
