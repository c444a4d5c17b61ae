"""The page over HTTP: what it says, what it never says, what it costs."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client, override_settings
from django.urls import include, path
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import StatusPage
from healthcheck.web.answers import ANSWERS
from tests.factories import (
    make_endpoint,
    make_evidence,
    make_group,
    make_page,
    make_result,
    make_run,
    make_state,
    make_tick,
    make_transition,
)
from tests.web.scenes import HOSTILE_NAME, paint_hostile_page, paint_mixed_page

pytestmark = pytest.mark.django_db

# The page, its sections; groups, endpoints with states; who is in maintenance, what is announced, incidents; ticks,
# queued runs, newest runs; the clock, where the database is elsewhere. Of a period the strips and what was laid over
# them. A page for people has a logo, too.
NOW_QUERIES = 10 + (connection.vendor == "postgresql")
TWIN_QUERIES = NOW_QUERIES + 2
PAGES = {"/": 1, "/status/status/": 1, "/status.json": 0, "/status/status.json": 0}

urlpatterns = [path("deep/below/", include("healthcheck.urls"))]


def _show(client: Client, address: str = "/") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize("address", PAGES)
def test_page_costs_the_same_queries_however_much_it_shows(
    client: Client, address: str, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_page()
    for number in range(count):
        make_state(make_endpoint(make_group(f"group-{number}"), f"site-{number}"))
    with django_assert_num_queries(TWIN_QUERIES + PAGES[address]):
        client.get(address)
    with django_assert_num_queries(NOW_QUERIES + PAGES[address]):
        client.get(f"{address}?period=now")


def test_page_says_what_is_wrong_and_since_when(client: Client) -> None:
    paint_mixed_page(timezone.now())
    text = _show(client)
    assert "<title>1 of 8 is down · Example Cloud</title>" in text
    assert '<p class="hc-endpoint-reason">It did not answer in time.</p>' in text
    assert "(11 minutes ago)" in text
    assert "Not checked yet" in text
    assert "The checker is behind" not in text


def test_page_that_is_younger_than_its_period_says_since_when_it_was_measured(client: Client) -> None:
    now = timezone.now()
    begun = now - timedelta(minutes=1)
    make_page()
    make_tick(at=now)
    endpoint = make_endpoint(make_group(next_run_at=now + timedelta(seconds=30)))
    make_endpoint(endpoint.group, "not checked yet")
    words = f"{begun:%-d %b %Y, %H:%M} UTC"
    assert words not in _show(client)
    make_state(endpoint, now=now, since=begun)
    make_transition(endpoint, at=begun, from_state=State.UNKNOWN, to_state=State.UP)
    ANSWERS.forget()
    assert f'<span class="hc-quiet">since {words} ·' in _show(client)
    assert f'<p class="hc-quiet">since {words} ·' in _show(client, f"/status/status/{endpoint.pk}/")
    for address in ("/status.json", f"/status/status/{endpoint.pk}.json"):
        period = client.get(address).json()["period"]
        measured = datetime.fromisoformat(period["measured_since"])
        assert timedelta() <= begun - measured < timedelta(milliseconds=1)


def test_page_of_a_silent_checker_says_so_and_reassures_nobody(client: Client) -> None:
    now = timezone.now()
    make_page()
    make_tick(at=now - timedelta(minutes=7, seconds=5))
    make_state(make_endpoint(make_group(next_run_at=now + timedelta(seconds=30))), now=now)
    text = _show(client)
    assert "The checker is behind: what follows may be out of date" in text
    assert "(7 minutes ago), so nothing new is being checked." in text
    assert "Everything is up" not in text
    assert text.index("The checker is behind") < text.index("The current state is not known</h2>")


@pytest.mark.database
@pytest.mark.postgresql
def test_page_asks_the_database_what_time_it_is(client: Client) -> None:
    now = timezone.now()
    make_page()
    make_tick(at=now - timedelta(minutes=5))
    make_state(make_endpoint(), now=now, valid_until=now - timedelta(minutes=1))
    with time_machine.travel(now - timedelta(minutes=10)):
        assert "The checker is behind" in _show(client)
        facts = client.get("/status.json").json()
        assert client.get("/readyz").json()["tick"] == "silent"
    assert facts["groups"][0]["endpoints"][0]["state"] == "unknown"


def test_page_never_shows_what_is_for_staff(client: Client) -> None:
    now = timezone.now()
    group = make_group("shown", name="Shown")
    canary = "canary.example"
    endpoint = make_endpoint(group, "Shown site", address=f"https://user:pw@{canary}/", options={"body": canary})
    make_state(endpoint, State.DOWN, now=now, last_error_kind=ErrorKind.STATUS, last_http_status=418)
    run = make_run(group, at=now)
    make_result(run, endpoint, State.DOWN, http_status=418)
    make_evidence(run, endpoint, expected=canary, found=canary, excerpt=canary, address=canary)
    make_endpoint(group, f"deleted {canary}", deleted_at=now)
    make_endpoint(make_group("other", name=f"Other {canary}"), f"other {canary}")
    make_page("own", shows_all_groups=False).groups.add(group)
    for address in ("/status/own/", "/status/own.json"):
        text = _show(client, address)
        assert "Shown site" in text
        assert "It answered with an unexpected status." in text
        assert canary not in text
        assert "418" not in text


def test_hostile_names_are_escaped_and_isolated(client: Client) -> None:
    paint_hostile_page(timezone.now())
    text = _show(client)
    assert "<script>alert" not in text
    assert "<b>bold" not in text
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert text.count("<bdi>") == text.count("</bdi>") == 6


def test_hostile_name_survives_as_json(client: Client) -> None:
    paint_hostile_page(timezone.now())
    facts = client.get("/status.json").json()
    assert facts["groups"][0]["name"] == HOSTILE_NAME[:200]


def test_empty_page_shows_the_way(client: Client) -> None:
    make_page()
    make_tick(at=timezone.now())
    text = _show(client)
    assert "This page shows no groups yet" in text
    assert "Nothing is checked yet</h2>" in text


def test_root_shows_the_way_even_without_any_page(client: Client) -> None:
    StatusPage.objects.all().delete()
    assert "This page shows no groups yet" in _show(client)


@pytest.mark.parametrize("address", ["/status/nowhere/", "/status/nowhere.json"])
def test_page_that_does_not_exist_is_not_found(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


@override_settings(ROOT_URLCONF="tests.web.test_status_page")
def test_page_works_under_any_prefix(client: Client) -> None:
    make_page()
    make_group()
    assert 'href="/deep/below/status.json"' in _show(client, "/deep/below/")
    assert 'href="/deep/below/status/status.json"' in _show(client, "/deep/below/status/status/")
