"""When the checker saw nothing: said only where it is so for everything on the page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.types import State
from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals
from healthcheck.models import Endpoint, Resolution
from healthcheck.web.snapshot import load_board
from healthcheck.web.uptime import PERIODS, Interval, Period
from tests.factories import NOW, make_endpoint, make_group, make_page, make_state, make_tick
from tests.histories import number_day, number_hour, roll, spend

pytestmark = pytest.mark.django_db

DAY, WEEK, MONTH, QUARTER = PERIODS
HOUR_NUMBER, TODAY = number_hour(NOW), number_day(NOW)
UP_HOUR, UP_DAY = spend(Resolution.HOUR), spend(Resolution.DAY)
BLIND_HOUR = spend(Resolution.HOUR, unknown_ms=HOUR_MS)


def _live(name: str, blind_hours: set[int], *, is_paused: bool = False) -> Endpoint:
    """Live for ten days until noon, blind in these hours."""
    endpoint = make_endpoint(make_group(name), name, is_paused=is_paused)
    hours = {
        number: BLIND_HOUR if number in blind_hours else UP_HOUR for number in range((TODAY - 10) * 24, HOUR_NUMBER)
    }
    roll(endpoint, Resolution.HOUR, hours)
    days: dict[int, Totals] = {}
    for number, totals in hours.items():
        days[number // 24] = days.get(number // 24, Totals()) + totals
    roll(endpoint, Resolution.DAY, days)
    make_state(endpoint, since=NOW - timedelta(days=10))
    return endpoint


def _find(period: Period) -> tuple[Interval, ...]:
    make_tick()
    span = load_board(make_page(), now=NOW, period=period).span
    assert span is not None
    return span.blind


def _hours(first: int, count: int) -> Interval:
    return Interval(first * HOUR_MS, (first + count) * HOUR_MS)


NIGHT = (TODAY - 3) * 24 + 22


@pytest.mark.parametrize("period", [WEEK, MONTH, QUARTER])
def test_blind_hours_are_found_across_midnight(period: Period) -> None:
    _live("one", {NIGHT, NIGHT + 1, NIGHT + 2, NIGHT + 9})
    _live("other", {NIGHT, NIGHT + 1, NIGHT + 2, NIGHT + 14})
    assert _find(period) == (_hours(NIGHT, 3),)


def test_blind_hours_of_the_last_day_are_found() -> None:
    recent = {HOUR_NUMBER - 3, HOUR_NUMBER - 2}
    _live("one", recent)
    _live("other", recent)
    assert _find(DAY) == _find(WEEK) == (_hours(HOUR_NUMBER - 3, 2),)


def test_whole_blind_days_need_no_hours() -> None:
    blind = set(range((TODAY - 5) * 24, (TODAY - 3) * 24))
    _live("one", blind)
    _live("other", blind | {NIGHT})
    assert _find(QUARTER) == (Interval((TODAY - 5) * DAY_MS, (TODAY - 3) * DAY_MS),)


def test_unknown_time_at_different_hours_is_no_blindness() -> None:
    _live("one", {NIGHT})
    _live("other", {NIGHT + 1})
    assert _find(QUARTER) == ()


def test_paused_endpoint_neither_hides_blindness_nor_makes_it() -> None:
    _live("one", {NIGHT})
    _live("paused", set(), is_paused=True)
    assert _find(WEEK) == (_hours(NIGHT, 1),)
    Endpoint.objects.update(is_paused=True)
    assert _find(WEEK) == ()


def test_blindness_that_goes_on_is_said_at_once() -> None:
    endpoint = _live("one", {HOUR_NUMBER - 1})
    endpoint.states.update(state=State.UNKNOWN, since=NOW - timedelta(hours=1))
    make_tick()
    now = NOW + timedelta(minutes=10)
    for period in (DAY, WEEK):
        span = load_board(make_page(), now=now, period=period).span
        assert span is not None
        assert span.blind == (Interval((HOUR_NUMBER - 1) * HOUR_MS, HOUR_NUMBER * HOUR_MS + 600_000),)


@pytest.mark.parametrize("count", [1, 30])
def test_blindness_costs_two_queries_more(count: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    page = make_page()
    for number in range(count):
        _live(f"site-{number}", {NIGHT})
    with django_assert_num_queries(10):
        load_board(page, now=NOW, period=QUARTER)


def test_page_says_when_it_saw_nothing(client: Client) -> None:
    now = timezone.now()
    make_page()
    make_tick(at=now)
    endpoint = make_endpoint(make_group(next_run_at=now + timedelta(minutes=1)))
    hour = number_hour(now)
    roll(endpoint, Resolution.HOUR, {hour - 2: BLIND_HOUR, hour - 1: UP_HOUR})
    make_state(endpoint, now=now)
    text = client.get("/?period=24h").content.decode()
    assert "The checker saw nothing of this page" in text
    assert f"{now - timedelta(hours=2):%H}:00 to " in text
    facts = client.get("/status.json?period=24h").json()
    assert [each["end"][-6:] for each in facts["period"]["blind"]] == ["00:00Z"]
