"""The past of an endpoint: from rollups, to this very second, and what its page makes of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.latencies import Latencies
from healthcheck.engine.strips import Mark
from healthcheck.engine.types import ErrorKind, State
from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals
from healthcheck.models import Endpoint, Resolution
from healthcheck.web.answers import ANSWERS
from healthcheck.web.calendar import WEEKS, draw_calendar, find_day, find_first_day, number_day
from healthcheck.web.past import find_own_blindness, merge
from healthcheck.web.past_rows import load_past
from healthcheck.web.percentile_chart import draw_percentiles, find_top
from healthcheck.web.uptime import PERIODS, Interval
from tests.factories import NOW, make_endpoint, make_group, make_page, make_state, make_tick
from tests.histories import number_day as number_day_of
from tests.histories import number_hour, roll, spend

DAY, WEEK, _MONTH, QUARTER = PERIODS
HOUR, TODAY = number_hour(NOW), number_day_of(NOW)


def _answer(*values_us: int, phases_us: tuple[int, ...] = ()) -> bytes:
    latencies = Latencies()
    for value in values_us:
        latencies.add(value, *phases_us)
    return latencies.pack()


@pytest.fixture
def endpoint(db: None) -> Endpoint:
    endpoint = make_endpoint(make_group(name="Payments", next_run_at=NOW + timedelta(hours=1)), "Checkout")
    make_state(endpoint, since=NOW - timedelta(days=3))
    return endpoint


def test_answers_of_a_period_are_merged_over_buckets_and_locations(endpoint: Endpoint) -> None:
    errors = {str(ErrorKind.TIMEOUT.value): 2}
    facts: dict[str, Any] = {"count": 5, "unknown_count": 1, "error_counts": errors}
    roll(endpoint, Resolution.DAY, {TODAY - 1: spend(Resolution.DAY)}, latencies=_answer(1000, 3000), **facts)
    roll(endpoint, Resolution.DAY, {TODAY - 2: spend(Resolution.DAY)}, latencies=_answer(9000), **facts)
    other: dict[str, Any] = {"latencies": _answer(9000, 9000), "location": "tokyo"}
    roll(endpoint, Resolution.DAY, {TODAY - 1: spend(Resolution.DAY)}, **other, **facts)
    # Older than the period.
    roll(endpoint, Resolution.DAY, {TODAY - 9: spend(Resolution.DAY)}, latencies=_answer(1), **facts)
    past = load_past(endpoint.pk, WEEK, NOW)
    answers = merge(bucket for _number, bucket in past.list_buckets(WEEK, NOW))
    assert (answers.count, answers.unknown_count, dict(answers.errors)) == (15, 3, {ErrorKind.TIMEOUT: 6})
    assert answers.latencies.count() == 5
    assert answers.latencies.find_percentile(99) == pytest.approx(9000, rel=0.02)
    assert past.days[TODAY - 9].latencies is None


def test_damaged_latencies_cost_only_themselves(endpoint: Endpoint) -> None:
    roll(endpoint, Resolution.HOUR, {HOUR - 1: spend(Resolution.HOUR)})
    roll(endpoint, Resolution.DAY, {TODAY - 1: spend(Resolution.DAY)}, latencies=b"\xff\xff", count=7)
    past = load_past(endpoint.pk, WEEK, NOW)
    assert past.days[TODAY - 1].totals == spend(Resolution.DAY)
    assert merge(past.days.values()).latencies.count() == 0


def test_time_that_is_not_rolled_up_is_in_its_hour_and_in_its_day(endpoint: Endpoint) -> None:
    roll(endpoint, Resolution.HOUR, {HOUR - 1: spend(Resolution.HOUR, down_ms=HOUR_MS)})
    roll(endpoint, Resolution.DAY, {TODAY: Totals(down_ms=HOUR_MS)})
    past = load_past(endpoint.pk, DAY, NOW + timedelta(minutes=1))
    assert past.hours[HOUR].totals == Totals(up_ms=60_000)
    assert past.days[TODAY].totals == Totals(up_ms=60_000, down_ms=HOUR_MS)
    assert past.sum_up(QUARTER, NOW).totals == past.sum_up(DAY, NOW).totals


def test_endpoint_was_blind_where_nothing_of_it_is_known(endpoint: Endpoint) -> None:
    blind = spend(Resolution.DAY, unknown_ms=DAY_MS)
    days = {TODAY - 3: blind, TODAY - 2: blind, TODAY - 1: spend(Resolution.DAY, unknown_ms=5)}
    roll(endpoint, Resolution.DAY, days)
    roll(endpoint, Resolution.HOUR, {HOUR - 1: spend(Resolution.HOUR)})
    past = load_past(endpoint.pk, WEEK, NOW)
    assert find_own_blindness(past, WEEK, NOW) == (Interval((TODAY - 3) * DAY_MS, (TODAY - 1) * DAY_MS),)


def test_past_is_known_from_its_first_moment_on_at_any_location(endpoint: Endpoint) -> None:
    late = NOW + timedelta(minutes=1)
    assert load_past(endpoint.pk, WEEK, late).sum_up(WEEK, late).known_from_ms == (HOUR - 47) * HOUR_MS
    lived, day = Totals(up_ms=HOUR_MS // 4, unknown_ms=HOUR_MS // 4), spend(Resolution.DAY)
    roll(endpoint, Resolution.HOUR, {HOUR - 1: lived})
    roll(endpoint, Resolution.DAY, {TODAY: lived})
    past = load_past(endpoint.pk, WEEK, late)
    assert [past.sum_up(period, late).known_from_ms for period in PERIODS] == [HOUR * HOUR_MS - HOUR_MS // 2] * 4
    roll(endpoint, Resolution.DAY, {TODAY - 9: day, TODAY - 3: Totals(up_ms=5), TODAY: lived}, location="tokyo")
    past = load_past(endpoint.pk, WEEK, late)
    assert past.sum_up(WEEK, late).known_from_ms == (TODAY - 2) * DAY_MS - 5
    assert past.sum_up(QUARTER, late).known_from_ms == (TODAY - 9) * DAY_MS


@pytest.mark.parametrize("count", [1, 400])
def test_past_costs_the_same_queries_however_long_it_is(
    endpoint: Endpoint, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    roll(endpoint, Resolution.DAY, {TODAY - number: spend(Resolution.DAY) for number in range(count)})
    roll(endpoint, Resolution.HOUR, {HOUR - number: spend(Resolution.HOUR) for number in range(1, count + 1)})
    # Hours, days and states; all of it is rolled up.
    with django_assert_num_queries(3):
        load_past(endpoint.pk, QUARTER, NOW)


def test_page_shows_the_past(client: Client, endpoint: Endpoint) -> None:
    now = timezone.now()
    hour, today = number_hour(now), number_day_of(now)
    make_page(counts_degraded_as_good=False)
    make_tick(at=now)
    endpoint.states.update(state=State.UP, since=now - timedelta(days=3), valid_until=now + timedelta(hours=1))
    errors = {str(ErrorKind.TIMEOUT.value): 1234, "31": 2}
    answered: dict[str, Any] = {"latencies": _answer(20_000, phases_us=(5_000,)), "count": 2000, "error_counts": errors}
    roll(endpoint, Resolution.HOUR, {hour - 1: spend(Resolution.HOUR)})
    days = {today - 1: spend(Resolution.DAY, down_ms=DAY_MS // 2), today - 200: spend(Resolution.DAY, degraded_ms=9)}
    roll(endpoint, Resolution.DAY, days, **answered)
    text = client.get(f"/status/status/{endpoint.pk}/").content.decode()
    assert "Degraded does not count as good." in text
    assert '<th scope="row">It did not answer in time.</th><td>1,234</td>' in text
    assert "Half of the answers took at most 20 ms" in text
    assert "each figure is at most 2% off" in text
    assert '<th scope="row">Name lookup</th>' in text
    assert "12:00:00" in text
    assert 'class="hc-calendar"' in text
    assert 'href="?period=24h"' in text
    ANSWERS.forget()
    facts = client.get(f"/status/status/{endpoint.pk}.json?period=7d").json()
    assert facts["period"]["key"] == "7d"
    assert facts["answers"]["error_counts"] == {"timeout": 1234, "other": 2}
    assert facts["periods"]["90d"]["down_ms"] == DAY_MS // 2
    assert facts["days"][0]["degraded_ms"] == 9


def test_calendar_is_a_column_for_each_week() -> None:
    today = NOW.date()
    first = find_first_day(today)
    assert (first.weekday(), (today - first).days // 7) == (0, WEEKS - 1)
    assert find_day(number_day(today)) == today
    assert number_day(date(1970, 1, 2)) == 1
    svg = draw_calendar({number_day(today): Mark.DOWN | Mark.MOSTLY_DOWN}, NOW, title="A <year>")
    assert "<title>A &lt;year&gt;</title>" in svg
    assert svg.count("hc-bar-down") == 1
    # NOW is a Wednesday: rows below it have no day yet in the last week.
    assert f"h{WEEKS * 20}" in svg
    assert f"h{(WEEKS - 1) * 20}" in svg


def test_percentiles_are_steps_with_gaps() -> None:
    columns = [(1000, 2000, 4000), None, (1000, 1000, 1000), (2000, 2000, 2000)]
    svg = draw_percentiles(columns, title="Response time", description="Fast.")
    assert find_top(columns) == 4000
    assert 'd="M0.0 180.0H240.0M480.0 180.0H720.0V120.0H960.0"' in svg
    assert svg.count("hc-chart-line") == 3
