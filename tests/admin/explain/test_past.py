"""The past of an endpoint in the admin: exact, for whoever may see the endpoint."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.uptime import DAY_MS, HOUR_MS, Totals
from healthcheck.models import Endpoint, Resolution
from tests.factories import make_endpoint, make_group, make_state
from tests.histories import number_day, number_hour, roll, spend
from tests.web.scenes import paint_past

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint() -> Endpoint:
    now = timezone.now()
    endpoint = make_endpoint(make_group(name="Payments"), "Checkout")
    make_state(endpoint, now=now, since=now - timedelta(days=50))
    return endpoint


def _show(client: Client, endpoint: Endpoint, query: str = "") -> str:
    response = client.get(f"/admin/healthcheck/endpoint/{endpoint.pk}/uptime/{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def test_page_shows_time_to_the_millisecond(admin_client: Client, endpoint: Endpoint) -> None:
    hour, today = number_hour(timezone.now()), number_day(timezone.now())
    roll(endpoint, Resolution.HOUR, {hour - 1: spend(Resolution.HOUR)})
    roll(endpoint, Resolution.DAY, {today - 40: Totals(up_ms=DAY_MS - 1_234, degraded_ms=234, down_ms=1_000)})
    text = _show(admin_client, endpoint)
    assert "<h1 " in text
    assert "Uptime of Checkout" in text
    assert "<td>0:00:01.000</td>" in text
    assert "<td>0:00:00.234</td>" in text
    assert "99.99%" in text
    assert 'class="hc-calendar"' in text


def test_page_shows_the_period_that_is_asked_for(admin_client: Client, endpoint: Endpoint) -> None:
    hour = number_hour(timezone.now())
    roll(endpoint, Resolution.HOUR, {hour - 1: spend(Resolution.HOUR, down_ms=HOUR_MS)})
    assert "down in 1 hour" in _show(admin_client, endpoint, "?period=24h")
    assert "down in 1 hour" not in _show(admin_client, endpoint, "?period=nonsense")


def test_page_of_an_endpoint_without_a_past_says_so(admin_client: Client) -> None:
    text = _show(admin_client, make_endpoint())
    assert "No data" in text
    assert "hc-calendar" not in text


@pytest.mark.parametrize("days", [1, 90])
def test_page_costs_the_same_queries_however_long_the_past(
    admin_client: Client,
    endpoint: Endpoint,
    days: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    paint_past(timezone.now(), days=days)
    _show(admin_client, endpoint)
    # The session, the user, the endpoint, its group; hours, days, states, what was laid over them; the clock, where the
    # database is elsewhere.
    with django_assert_num_queries(8 + (connection.vendor == "postgresql")):
        _show(admin_client, endpoint)


def test_page_is_for_who_may_see_endpoints(client: Client, endpoint: Endpoint, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_user("clerk", is_staff=True))
    assert client.get(f"/admin/healthcheck/endpoint/{endpoint.pk}/uptime/").status_code == 403
