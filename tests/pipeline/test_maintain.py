"""Spans follow the windows: when they start, while they are open, after an edit, after an outage, in both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from healthcheck.models import Endpoint, EndpointGroup, MaintenanceSpan, MaintenanceWindow, RollupMark, Tag, WindowClock
from healthcheck.models.maintenance import find_endpoints_in_maintenance
from healthcheck.pipeline.maintain import (
    LEAD,
    LOOK_AGAIN,
    OCCURRENCE_BATCH,
    close_windows,
    maintain,
    realign_windows,
    replan_windows,
)
from tests.factories import NOW, make_endpoint, make_group, make_window

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def plan(window: MaintenanceWindow, now: datetime = NOW) -> MaintenanceWindow:
    replan_windows([window.pk], now)
    return window


def list_spans(endpoint: Endpoint | None = None) -> list[tuple[str, str]]:
    rows = MaintenanceSpan.objects.order_by("starts_at", "endpoint_id")
    if endpoint is not None:
        rows = rows.filter(endpoint_id=endpoint.pk)
    return [(f"{start:%d %H:%M:%S}", f"{end:%d %H:%M:%S}") for start, end in rows.values_list("starts_at", "ends_at")]


def sweep_until(until: datetime, *, start: datetime = NOW, every: timedelta = timedelta(seconds=5)) -> None:
    now = start
    while now <= until:
        maintain(now)
        now += every


def test_window_that_starts_later_is_written_a_minute_ahead() -> None:
    endpoint = make_endpoint()
    plan(make_window(at=NOW + HOUR, endpoints=[endpoint]))
    assert (maintain(NOW + HOUR - LEAD - SECOND), list_spans()) == (0, [])
    assert maintain(NOW + HOUR - LEAD) == 1
    assert list_spans() == [("01 13:00:00", "01 14:00:00")]
    assert find_endpoints_in_maintenance([endpoint.pk], NOW + HOUR - SECOND) == set()
    assert find_endpoints_in_maintenance([endpoint.pk], NOW + HOUR) == {endpoint.pk}
    assert find_endpoints_in_maintenance([endpoint.pk], NOW + 2 * HOUR) == set()


def test_window_that_starts_now_holds_at_once() -> None:
    endpoint = make_endpoint()
    plan(make_window(endpoints=[endpoint]))
    assert list_spans() == [("01 12:00:00", "01 13:00:00")]


def test_window_that_began_before_it_was_entered_leaves_the_past_alone() -> None:
    endpoint = make_endpoint()
    plan(make_window(at=NOW - HOUR / 2, endpoints=[endpoint]))
    assert list_spans() == [("01 12:00:00", "01 12:30:00")]


def test_window_of_the_past_writes_nothing_and_is_never_looked_at_again() -> None:
    plan(make_window(at=NOW - 3 * HOUR, endpoints=[make_endpoint()]))
    assert list_spans() == []
    assert WindowClock.objects.get().next_at is None


@pytest.mark.parametrize(
    ("covers", "expected"),
    [
        ({"covers_all": True}, {"a", "b", "c"}),
        ({"endpoints": ["a"]}, {"a"}),
        ({"groups": ["one"]}, {"a", "b"}),
        ({"tags": ["red"]}, {"b"}),
        ({"tags": ["blue"]}, {"c"}),
        ({"endpoints": ["a"], "groups": ["one"], "tags": ["red", "blue"]}, {"a", "b", "c"}),
        ({}, set()),
    ],
)
def test_window_covers_endpoints_groups_and_tags_of_both(covers: dict[str, Any], expected: set[str]) -> None:
    one, two = make_group("one"), make_group("two")
    endpoints = {"a": make_endpoint(one, "a"), "b": make_endpoint(one, "b"), "c": make_endpoint(two, "c")}
    make_endpoint(one, "gone", deleted_at=NOW)
    make_endpoint(make_group("lost", deleted_at=NOW), "lost")
    endpoints["b"].tags.add(Tag.objects.create(name="red"))
    two.tags.add(Tag.objects.create(name="blue"))
    rows: dict[str, Callable[[str], Any]] = {"endpoints": endpoints.__getitem__, "groups": {"one": one}.__getitem__}
    made: dict[str, Any] = {
        key: [rows[key](each) for each in value] if key in rows else value for key, value in covers.items()
    }
    plan(make_window(**made))
    covered = MaintenanceSpan.objects.values_list("endpoint_id", flat=True)
    assert {name for name, endpoint in endpoints.items() if endpoint.pk in covered} == expected
    assert len(covered) == len(expected)


def test_recurring_window_over_a_change_of_the_clocks_is_written_by_its_wall() -> None:
    endpoint = make_endpoint()
    first = datetime(2026, 10, 23, 1, tzinfo=UTC)
    plan(make_window(at=first, recurrence="FREQ=DAILY", timezone="Europe/Berlin", endpoints=[endpoint]), first - HOUR)
    sweep_until(first + 3 * DAY + HOUR, start=first - HOUR, every=15 * MINUTE)
    assert [start for start, _end in list_spans()] == ["23 01:00:00", "24 01:00:00", "25 02:00:00", "26 02:00:00"]


def test_dates_of_a_recurring_window_are_skipped_and_added() -> None:
    endpoint = make_endpoint()
    text = "FREQ=DAILY\nEXDATE:20260702\nRDATE:20260702T200000"
    window = make_window(endpoints=[endpoint], recurrence=text)
    replan_windows([window.pk], NOW)
    for hour in range(24, 60, 2):
        maintain(NOW + timedelta(hours=hour))
    starts = MaintenanceSpan.objects.order_by("starts_at").values_list("starts_at", flat=True)
    assert list(starts) == [NOW, NOW + timedelta(hours=32), NOW + timedelta(days=2)]


def test_edit_that_skips_what_is_running_ends_it() -> None:
    endpoint = make_endpoint()
    window = make_window(endpoints=[endpoint], recurrence="FREQ=DAILY")
    replan_windows([window.pk], NOW)
    MaintenanceWindow.objects.update(recurrence="FREQ=DAILY\nEXDATE:20260701")
    replan_windows([window.pk], NOW + timedelta(minutes=5))
    [span] = MaintenanceSpan.objects.all()
    assert (span.starts_at, span.ends_at) == (NOW, NOW + timedelta(minutes=5))


def test_occurrences_that_passed_while_no_scheduler_ran_are_caught_up() -> None:
    endpoint = make_endpoint()
    plan(make_window(at=NOW + HOUR, recurrence="FREQ=DAILY", endpoints=[endpoint]))
    maintain(NOW + 2 * DAY + HOUR + 30 * MINUTE)
    assert list_spans() == [
        ("01 13:00:00", "01 14:00:00"),
        ("02 13:00:00", "02 14:00:00"),
        ("03 13:00:00", "03 14:00:00"),
    ]


def test_what_is_caught_up_is_rolled_up_again() -> None:
    endpoint = make_endpoint()
    plan(make_window(at=NOW + HOUR, duration_seconds=5400, endpoints=[endpoint]))
    maintain(NOW + DAY)
    [mark] = RollupMark.objects.all()
    hour = int((NOW + HOUR).timestamp()) // 3600
    assert (mark.endpoint_id, mark.hour, mark.hours) == (endpoint.pk, hour, 2)


def test_what_starts_in_time_leaves_no_mark() -> None:
    plan(make_window(at=NOW + HOUR, endpoints=[make_endpoint()]))
    sweep_until(NOW + 3 * HOUR, every=MINUTE)
    assert (MaintenanceSpan.objects.count(), RollupMark.objects.count()) == (1, 0)


def test_long_outage_is_caught_up_in_batches_and_not_beyond_a_month() -> None:
    plan(make_window(recurrence="FREQ=HOURLY;INTERVAL=4", duration_seconds=60, endpoints=[make_endpoint()]))
    later, batches = NOW + 90 * DAY, 0
    while WindowClock.objects.filter(next_at__lte=later).exists():
        before = MaintenanceSpan.objects.count()
        maintain(later)
        assert MaintenanceSpan.objects.count() - before <= OCCURRENCE_BATCH
        batches += 1
    assert batches == 31 * 6 // OCCURRENCE_BATCH + 1
    assert MaintenanceSpan.objects.count() == 1 + 31 * 6


def test_endpoint_that_joins_while_it_is_open_is_covered_from_then() -> None:
    group = make_group()
    make_endpoint(group, "old")
    plan(make_window(groups=[group]))
    new = make_endpoint(group, "new")
    assert maintain(NOW + LOOK_AGAIN - SECOND) == 0
    maintain(NOW + LOOK_AGAIN)
    assert list_spans(new) == [("01 12:00:15", "01 13:00:00")]


@pytest.mark.parametrize("leaves", ["deleted", "moved", "untagged"])
def test_endpoint_that_leaves_while_it_is_open_is_covered_up_to_then(leaves: str) -> None:
    group, endpoint = make_group(), make_endpoint(make_group("other"), "stays")
    mover = make_endpoint(group, "mover")
    mover.tags.add(Tag.objects.create(name="red"))
    scope: dict[str, Any] = {"tags": ["red"]} if leaves == "untagged" else {"groups": [group]}
    plan(make_window(endpoints=[endpoint], **scope))
    if leaves == "untagged":
        mover.tags.clear()
    else:
        changed = {"deleted_at": NOW} if leaves == "deleted" else {"group": make_group("third")}
        Endpoint.objects.filter(pk=mover.pk).update(**changed)
    maintain(NOW + MINUTE)
    assert list_spans(mover) == [("01 12:00:00", "01 12:01:00")]
    assert list_spans(endpoint) == [("01 12:00:00", "01 13:00:00")]


def test_group_that_is_deleted_takes_its_endpoints_out() -> None:
    endpoint = make_endpoint(group := make_group())
    plan(make_window(covers_all=True))
    EndpointGroup.objects.filter(pk=group.pk).update(deleted_at=NOW)
    maintain(NOW + MINUTE)
    assert list_spans(endpoint) == [("01 12:00:00", "01 12:01:00")]


def test_endpoint_that_comes_back_is_covered_again() -> None:
    group = make_group()
    endpoint = make_endpoint(group)
    plan(make_window(groups=[group]))
    for at, deleted_at in ((NOW + MINUTE, NOW), (NOW + 2 * MINUTE, None)):
        Endpoint.objects.filter(pk=endpoint.pk).update(deleted_at=deleted_at)
        maintain(at)
    assert list_spans() == [("01 12:00:00", "01 12:01:00"), ("01 12:02:00", "01 13:00:00")]


def test_ended_by_hand_it_holds_no_longer() -> None:
    window = plan(make_window(endpoints=[make_endpoint()]))
    window.ended_at = NOW + MINUTE
    window.save()
    replan_windows([window.pk], NOW + MINUTE)
    assert list_spans() == [("01 12:00:00", "01 12:01:00")]
    assert WindowClock.objects.get().next_at is None


def test_recurring_window_that_was_ended_by_hand_comes_again() -> None:
    window = plan(make_window(endpoints=[make_endpoint()], recurrence="FREQ=DAILY"))
    MaintenanceWindow.objects.filter(pk=window.pk).update(ended_at=NOW + MINUTE)
    replan_windows([window.pk], NOW + MINUTE)
    sweep_until(NOW + DAY, start=NOW + DAY - HOUR, every=MINUTE)
    assert list_spans() == [("01 12:00:00", "01 12:01:00"), ("02 12:00:00", "02 13:00:00")]


def test_edit_remakes_the_future() -> None:
    window = plan(make_window(at=NOW + LEAD, endpoints=[make_endpoint()]))
    assert list_spans() == [("01 12:01:00", "01 13:01:00")]
    MaintenanceWindow.objects.update(starts_at=NOW + HOUR)
    replan_windows([window.pk], NOW + SECOND)
    assert list_spans() == []
    sweep_until(NOW + HOUR, every=MINUTE)
    assert list_spans() == [("01 13:00:00", "01 14:00:00")]


@pytest.mark.parametrize(("minutes", "end"), [(30, "01 12:30:00"), (90, "01 13:30:00"), (5, "01 12:10:00")])
def test_edit_cuts_or_extends_what_is_running_and_leaves_the_past(minutes: int, end: str) -> None:
    window = plan(make_window(endpoints=[make_endpoint()]))
    MaintenanceWindow.objects.update(duration_seconds=minutes * 60)
    replan_windows([window.pk], NOW + 10 * MINUTE)
    assert list_spans() == [("01 12:00:00", end)]


def test_edit_of_what_is_over_changes_nothing() -> None:
    window = plan(make_window(endpoints=[make_endpoint()]))
    MaintenanceWindow.objects.update(starts_at=NOW - DAY, duration_seconds=7200)
    replan_windows([window.pk], NOW + 2 * HOUR)
    assert list_spans() == [("01 12:00:00", "01 13:00:00")]


def test_window_that_is_moved_to_later_while_it_runs_ends_and_begins_again() -> None:
    window = plan(make_window(endpoints=[make_endpoint()]))
    MaintenanceWindow.objects.update(starts_at=NOW + HOUR)
    replan_windows([window.pk], NOW + MINUTE)
    sweep_until(NOW + HOUR, start=NOW + MINUTE, every=MINUTE)
    assert list_spans() == [("01 12:00:00", "01 12:01:00"), ("01 13:00:00", "01 14:00:00")]


def test_deleted_window_ends_now_and_keeps_what_it_was() -> None:
    endpoint = make_endpoint()
    running = plan(make_window(endpoints=[endpoint]))
    coming = plan(make_window(at=NOW + LEAD, endpoints=[endpoint]))
    close_windows([running.pk, coming.pk], NOW + MINUTE / 2)
    MaintenanceWindow.objects.all().delete()
    maintain(NOW + HOUR)
    assert list_spans() == [("01 12:00:00", "01 12:00:30")]


def test_overlapping_windows_each_write_their_own_and_end_alone() -> None:
    endpoint = make_endpoint()
    first = plan(make_window("first", endpoints=[endpoint]))
    plan(make_window("second", at=NOW + HOUR / 2, endpoints=[endpoint]))
    maintain(NOW + HOUR / 2)
    MaintenanceWindow.objects.filter(pk=first.pk).update(ended_at=NOW + 40 * MINUTE)
    replan_windows([first.pk], NOW + 40 * MINUTE)
    assert list_spans() == [("01 12:00:00", "01 12:40:00"), ("01 12:30:00", "01 13:30:00")]
    assert find_endpoints_in_maintenance([endpoint.pk], NOW + 45 * MINUTE) == {endpoint.pk}


def test_sweeping_twice_and_from_two_places_writes_each_span_once() -> None:
    plan(make_window(recurrence="FREQ=HOURLY", duration_seconds=600, covers_all=True))
    make_endpoint()
    for minute in range(175):
        maintain(NOW + minute * MINUTE)
        # The other one read the clock before the first had moved it.
        WindowClock.objects.update(next_at=NOW + minute * MINUTE)
        maintain(NOW + minute * MINUTE)
    assert [start for start, _end in list_spans()] == ["01 12:00:00", "01 13:00:00", "01 14:00:00"]


def test_window_without_a_clock_is_adopted_and_one_of_a_wrong_clock_is_planned_anew() -> None:
    endpoint = make_endpoint()
    make_window(endpoints=[endpoint])
    assert (realign_windows(NOW), realign_windows(NOW)) == (1, 0)
    maintain(NOW + DAY)
    WindowClock.objects.update(spanned_until=NOW + DAY, next_at=NOW + DAY)
    assert realign_windows(NOW + MINUTE) == 1
    assert WindowClock.objects.get().next_at == NOW + MINUTE + LOOK_AGAIN


@pytest.mark.parametrize(
    "broken",
    [{"timezone": "Europe/Atlantis"}, {"recurrence": "FREQ=SECONDLY"}, {"recurrence": "FREQ=DAILY;BYMONTH=13"}],
)
def test_window_that_cannot_be_read_stops_nobody(broken: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    endpoint = make_endpoint()
    make_window("broken", endpoints=[endpoint], **broken)
    make_window("good", endpoints=[endpoint])
    realign_windows(NOW)
    assert maintain(NOW + LOOK_AGAIN) == 1
    assert list_spans() == [("01 12:00:00", "01 13:00:00")]
    assert caplog.messages == ["maintenance window cannot be read"]


def test_rule_that_never_fires_is_over_at_once() -> None:
    plan(make_window(recurrence="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", endpoints=[make_endpoint()]))
    assert (list_spans(), WindowClock.objects.get().next_at) == ([], None)


def test_sweep_with_nothing_due_is_one_query_that_uses_the_index() -> None:
    for number in range(30):
        plan(make_window(at=NOW + number * DAY + DAY))
    with CaptureQueriesContext(connection) as queries:
        assert maintain(NOW) == 0
    assert len(queries) == 1
    if connection.vendor == "sqlite":
        found = WindowClock.objects.filter(next_at__lte=NOW).order_by("next_at").explain()
        assert "hc_window_next" in found


@pytest.mark.parametrize("count", [1, 30])
def test_start_of_a_window_is_a_constant_number_of_statements(count: int) -> None:
    tag = Tag.objects.create(name="red")
    for number in range(count):
        make_endpoint(make_group(f"g{number}")).tags.add(tag)
    plan(make_window(at=NOW + LEAD * 2, tags=["red"]))
    with CaptureQueriesContext(connection) as queries:
        assert maintain(NOW + LEAD) == 1
    assert len([each for each in queries if "SAVEPOINT" not in each["sql"]]) == 5
    assert MaintenanceSpan.objects.count() == count
    with CaptureQueriesContext(connection) as queries:
        assert maintain(NOW + LEAD * 2) == 1
    assert len([each for each in queries if "SAVEPOINT" not in each["sql"]]) == 6


def test_ten_thousand_endpoints_by_a_tag_are_written_by_one_statement() -> None:
    group, tag = make_group(), Tag.objects.create(name="red")
    endpoints = Endpoint.objects.bulk_create(Endpoint(group=group, name=f"e{number}") for number in range(10_000))
    through = Endpoint.tags.through
    through.objects.bulk_create(through(endpoint_id=each.pk, tag_id=tag.pk) for each in endpoints)
    window = make_window(tags=["red"])
    with CaptureQueriesContext(connection) as queries:
        replan_windows([window.pk], NOW)
    assert MaintenanceSpan.objects.holding(NOW).count() == 10_000
    assert len([each for each in queries if each["sql"].lstrip().startswith("INSERT INTO healthcheck_m")]) == 1


@pytest.mark.parametrize("count", [1, 30])
def test_who_is_in_maintenance_is_one_query(count: int) -> None:
    group = make_group()
    ids = [make_endpoint(group, f"e{number}").pk for number in range(count)]
    plan(make_window(groups=[group]))
    outside = make_endpoint(make_group("other"))
    with CaptureQueriesContext(connection) as queries:
        assert find_endpoints_in_maintenance([*ids, outside.pk], NOW) == set(ids)
    assert len(queries) == 1
