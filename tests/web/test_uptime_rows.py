"""What is read of a period, from real rows: exact to the millisecond, up to this very instant."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.strips import Mark
from healthcheck.engine.types import State
from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals, to_ms
from healthcheck.models import Correction, CorrectionEffect, Endpoint, MaintenanceSpan, Resolution, UptimeStrip
from healthcheck.web.uptime import PERIODS, Period, Uptime
from healthcheck.web.uptime_rows import MAX_OPEN_HOURS, read_period
from tests.factories import NOW, make_endpoint, make_group, make_location, make_state, make_transition
from tests.histories import number_day, number_hour, roll, spend

pytestmark = pytest.mark.django_db

DAY, WEEK, MONTH, QUARTER = PERIODS
MINUTE = timedelta(minutes=1)
LATE = NOW + 20 * MINUTE
HOUR_NUMBER, DAY_NUMBER = number_hour(NOW), number_day(NOW)
MINUTE_MS = 60_000
DOWN_HOUR = spend(Resolution.HOUR, down_ms=HOUR_MS)


def _read(endpoint: Endpoint, period: Any = DAY, now: datetime = LATE) -> Uptime:
    return read_period(Endpoint.objects.filter(pk=endpoint.pk), period, now).uptimes[endpoint.pk]


@pytest.fixture
def endpoint() -> Endpoint:
    """Rolled up until noon; twenty minutes later it is still up."""
    endpoint = make_endpoint()
    roll(endpoint, Resolution.HOUR, {HOUR_NUMBER - 1: DOWN_HOUR, HOUR_NUMBER - 2: spend(Resolution.HOUR)})
    roll(
        endpoint, Resolution.DAY, {DAY_NUMBER - 1: spend(Resolution.DAY), DAY_NUMBER: Totals(11 * HOUR_MS, 0, HOUR_MS)}
    )
    make_state(endpoint, since=NOW - 2 * MINUTE, valid_until=LATE + MINUTE)
    return endpoint


def test_hour_under_way_is_measured_to_this_instant(endpoint: Endpoint) -> None:
    uptime = _read(endpoint)
    assert uptime.totals == Totals(up_ms=HOUR_MS + 20 * MINUTE_MS, down_ms=HOUR_MS)
    assert list(uptime.marks[-4:]) == [0, Mark.UP, Mark.DOWN | Mark.MOSTLY_DOWN, Mark.UP]
    assert len(uptime.marks) == 24


def test_day_under_way_has_its_rolled_up_hours_and_the_rest(endpoint: Endpoint) -> None:
    totals = Totals(up_ms=DAY_MS + 11 * HOUR_MS + 20 * MINUTE_MS, down_ms=HOUR_MS)
    for period in (WEEK, MONTH, QUARTER):
        uptime = _read(endpoint, period)
        assert uptime.totals == totals
        assert list(uptime.marks[-3:]) == [0, Mark.UP, Mark.UP | Mark.DOWN]


def test_change_within_the_hour_under_way_counts(endpoint: Endpoint) -> None:
    endpoint.states.update(state=State.DOWN, since=NOW + 5 * MINUTE)
    make_transition(endpoint, at=NOW - 2 * MINUTE, from_state=State.DOWN, to_state=State.UP)
    make_transition(endpoint, at=NOW + 5 * MINUTE)
    assert _read(endpoint).totals == Totals(up_ms=HOUR_MS + 5 * MINUTE_MS, down_ms=HOUR_MS + 15 * MINUTE_MS)


def test_evidence_that_expired_is_unknown_from_then(endpoint: Endpoint) -> None:
    endpoint.states.update(valid_until=NOW + 8 * MINUTE)
    totals = _read(endpoint).totals
    assert (totals.up_ms, totals.unknown_ms) == (HOUR_MS + 8 * MINUTE_MS, 12 * MINUTE_MS)
    endpoint.states.update(valid_until=NOW - 5 * MINUTE, since=NOW - 9 * MINUTE)
    assert _read(endpoint).totals.unknown_ms == 20 * MINUTE_MS


def test_maintenance_and_corrections_hold_at_once(endpoint: Endpoint) -> None:
    MaintenanceSpan.objects.create(
        endpoint_id=endpoint.pk, window_id=1, starts_at=NOW + 10 * MINUTE, ends_at=LATE + MINUTE
    )
    Correction.objects.create(
        endpoint_id=endpoint.pk,
        starts_at=NOW + MINUTE,
        ends_at=NOW + 4 * MINUTE,
        effect=CorrectionEffect.EXCLUDED,
        reason="not ours",
        at=LATE,
    )
    totals = _read(endpoint).totals
    assert (totals.maintenance_ms, totals.excluded_ms) == (10 * MINUTE_MS, 3 * MINUTE_MS)
    assert totals.up_ms == HOUR_MS + 7 * MINUTE_MS


def test_endpoint_that_is_new_exists_from_its_first_change() -> None:
    endpoint = make_endpoint()
    make_state(endpoint, since=NOW + 15 * MINUTE, valid_until=LATE + MINUTE)
    make_transition(endpoint, at=NOW + 15 * MINUTE, from_state=State.UNKNOWN, to_state=State.UP)
    assert _read(endpoint).totals == Totals(up_ms=5 * MINUTE_MS)


def test_endpoint_that_was_never_checked_has_no_uptime() -> None:
    endpoint = make_endpoint()
    assert read_period(Endpoint.objects.all(), DAY, NOW).uptimes == {}
    make_state(endpoint, State.UNKNOWN, since=None, valid_until=None)
    assert read_period(Endpoint.objects.all(), DAY, NOW).uptimes == {}


def test_endpoint_that_is_new_is_known_from_its_first_change_on() -> None:
    endpoint = make_endpoint()
    make_state(endpoint, since=NOW - 75 * MINUTE, valid_until=LATE + MINUTE)
    make_transition(endpoint, at=NOW - 75 * MINUTE, from_state=State.UNKNOWN, to_state=State.UP)
    assert [_read(endpoint, period).known_from_ms for period in PERIODS] == [to_ms(NOW) - 75 * MINUTE_MS] * 4
    # The same, once its first hour is rolled up.
    lived = Totals(up_ms=15 * MINUTE_MS)
    roll(endpoint, Resolution.HOUR, {HOUR_NUMBER - 2: lived})
    roll(endpoint, Resolution.DAY, {DAY_NUMBER: lived})
    assert [_read(endpoint, period).known_from_ms for period in PERIODS] == [to_ms(NOW) - 75 * MINUTE_MS] * 4


def test_what_was_known_all_along_is_known_from_the_start_of_its_bucket(endpoint: Endpoint) -> None:
    assert _read(endpoint).known_from_ms == (HOUR_NUMBER - 2) * HOUR_MS
    assert _read(endpoint, WEEK).known_from_ms == (DAY_NUMBER - 1) * DAY_MS
    blind = {DAY_NUMBER - 3: spend(Resolution.DAY, unknown_ms=DAY_MS), DAY_NUMBER - 2: spend(Resolution.DAY)}
    roll(endpoint, Resolution.DAY, blind, location="tokyo")
    assert _read(endpoint, WEEK).known_from_ms == (DAY_NUMBER - 2) * DAY_MS


def test_nothing_is_known_of_an_endpoint_that_was_always_blind(endpoint: Endpoint) -> None:
    endpoint.states.update(state=State.UNKNOWN)
    roll(endpoint, Resolution.HOUR, {HOUR_NUMBER - 1: spend(Resolution.HOUR, unknown_ms=HOUR_MS)}, location="tokyo")
    uptimes = read_period(Endpoint.objects.all(), Period("1h", Resolution.HOUR, 1), LATE).uptimes
    assert uptimes[endpoint.pk].known_from_ms is None


def test_roll_up_that_is_behind_is_made_up_for_within_limits(endpoint: Endpoint) -> None:
    make_transition(endpoint, at=NOW - 2 * MINUTE, from_state=State.DOWN, to_state=State.UP)
    endpoint.states.update(valid_until=NOW + timedelta(days=9))
    later = NOW + timedelta(hours=5)
    assert _read(endpoint, now=later).totals == Totals(up_ms=6 * HOUR_MS, down_ms=HOUR_MS)
    much_later = NOW + timedelta(hours=MAX_OPEN_HOURS + 40)
    totals = _read(endpoint, WEEK, much_later).totals
    assert totals.up_ms == DAY_MS + 11 * HOUR_MS + (MAX_OPEN_HOURS - 1) * HOUR_MS
    assert totals.down_ms == HOUR_MS


def test_every_second_of_every_location_counts(endpoint: Endpoint) -> None:
    roll(endpoint, Resolution.HOUR, {HOUR_NUMBER - 1: spend(Resolution.HOUR)}, location="tokyo")
    make_state(endpoint, since=NOW - timedelta(days=2), valid_until=LATE + MINUTE, location=make_location("tokyo"))
    uptime = _read(endpoint)
    assert uptime.totals == Totals(up_ms=2 * HOUR_MS + 40 * MINUTE_MS, down_ms=HOUR_MS)
    assert uptime.marks[-2] == Mark.UP | Mark.DOWN | Mark.MOSTLY_DOWN


def test_damaged_strip_is_no_data_rather_than_no_page(endpoint: Endpoint) -> None:
    UptimeStrip.objects.update(packed="damaged")
    assert _read(endpoint).totals == Totals(up_ms=20 * MINUTE_MS)


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize("count", [1, 30])
def test_period_costs_the_same_queries_however_many_endpoints(
    period: Any, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    group = make_group()
    for number in range(count):
        endpoint = make_endpoint(group, f"site-{number}")
        make_state(endpoint, since=NOW - MINUTE)
        roll(endpoint, Resolution.HOUR, {HOUR_NUMBER - 2: spend(Resolution.HOUR)})
        roll(endpoint, Resolution.DAY, {DAY_NUMBER - 1: spend(Resolution.DAY)})
    # Strips, states, what was laid over them, and the changes of one location.
    with django_assert_num_queries(4):
        read_period(Endpoint.objects.all(), period, NOW)
