"""What a page says of maintenance: ahead, while it runs, beside states; and what it says nothing of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from healthcheck.engine.types import State
from healthcheck.models import Endpoint, MaintenanceWindow, PageItem, PageSection, Tag
from healthcheck.pipeline.maintain import replan_windows
from healthcheck.web.answers import ANSWERS
from healthcheck.web.maintenance import MAX_NAMES, MAX_NOTICES
from tests.factories import make_endpoint, make_group, make_page, make_span, make_state, make_tick, make_window

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def plan(title: str = "New switch", *, starts_in: timedelta = -HOUR / 2, **columns: Any) -> MaintenanceWindow:
    now = timezone.now()
    window = make_window(title, at=(now + starts_in).replace(microsecond=0), **columns)
    replan_windows([window.pk], now)
    return window


def seen(name: str, state: State = State.UP, *, group: str = "web") -> Endpoint:
    """Store an endpoint in this state, as of now."""
    now = timezone.now()
    make_tick(at=now)
    rows = Endpoint.objects.filter(group__slug=group)
    endpoint = make_endpoint(rows[0].group if rows else make_group(group), name)
    make_state(endpoint, state, now=now)
    return endpoint


def show(client: Client, path: str = "/") -> str:
    ANSWERS.forget()
    return client.get(path).content.decode()


def twin(client: Client) -> Any:
    ANSWERS.forget()
    return client.get("/status.json").json()


@pytest.mark.parametrize(("starts_in", "kind"), [(-HOUR / 2, "Maintenance under way"), (HOUR, "Planned maintenance")])
def test_page_announces_a_window_that_runs_or_comes(client: Client, starts_in: timedelta, kind: str) -> None:
    make_page()
    seen("site")
    plan(starts_in=starts_in, covers_all=True, description="Cables move.")
    page = show(client)
    assert f"{kind}: <bdi>New switch</bdi>" in page
    assert "<p><bdi>Cables move.</bdi></p>" in page
    assert "Affects everything on this page." in page
    assert page.index("hc-notice") < page.index('id="hc-verdict"')


def test_twin_says_the_same(client: Client) -> None:
    make_page()
    seen("site")
    window = plan(covers_all=True, description="Cables move.")
    [notice] = twin(client)["maintenance"]
    ends_at = window.starts_at + HOUR
    assert {**notice, "starts_at": "", "ends_at": ""} == {
        "title": "New switch",
        "description": "Cables move.",
        "is_running": True,
        "starts_at": "",
        "ends_at": "",
        "affects": [],
    }
    assert datetime.fromisoformat(notice["starts_at"]) == window.starts_at
    assert datetime.fromisoformat(notice["ends_at"]) == ends_at


def test_window_is_announced_as_long_ahead_as_it_says(client: Client) -> None:
    make_page()
    seen("site")
    plan("near", starts_in=5 * HOUR, announce_hours=6, covers_all=True)
    plan("far", starts_in=7 * HOUR, announce_hours=6, covers_all=True)
    plan("week", starts_in=100 * HOUR, announce_hours=168, covers_all=True)
    assert [each["title"] for each in twin(client)["maintenance"]] == ["near", "week"]


def test_recurring_window_announces_its_next_time_while_it_runs_and_after(client: Client) -> None:
    make_page()
    seen("site")
    window = plan(recurrence="FREQ=DAILY", covers_all=True)
    [running] = twin(client)["maintenance"]
    assert running["is_running"]
    MaintenanceWindow.objects.filter(pk=window.pk).update(ended_at=timezone.now())
    replan_windows([window.pk], timezone.now())
    [coming] = twin(client)["maintenance"]
    assert (coming["is_running"], datetime.fromisoformat(coming["starts_at"]) - window.starts_at) == (False, 24 * HOUR)


def test_page_names_what_it_shows_of_a_window_and_nothing_else(client: Client) -> None:
    page = make_page(shows_all_groups=False)
    one, other = seen("a1", group="one"), seen("b1", group="two")
    seen("a2", group="one")
    hidden = seen("secret", group="inner")
    page.groups.set([one.group, other.group])
    tag = Tag.objects.create(name="rack")
    for endpoint in (one, hidden):
        endpoint.tags.add(tag)
    plan(tags=["rack"], groups=[other.group, hidden.group])
    [notice] = twin(client)["maintenance"]
    assert notice["affects"] == ["a1", "Two"]
    assert "secret" not in show(client)
    assert "Inner" not in show(client)


def test_single_endpoints_of_a_page_are_named_by_their_labels(client: Client) -> None:
    endpoint, other = seen("db-17.internal", group="inner"), seen("web", group="inner")
    section = PageSection.objects.create(page=make_page(), position=1, title="")
    for position, (each, label) in enumerate(((endpoint, "Database"), (other, "Web"))):
        PageItem.objects.create(section=section, position=position, endpoint=each, label=label)
    plan(endpoints=[endpoint])
    [notice] = twin(client)["maintenance"]
    assert notice["affects"] == ["Database"]
    assert "db-17" not in show(client)


@pytest.mark.parametrize("leak", ["private", "elsewhere", "nothing", "over", "deleted"])
def test_page_says_nothing_of_a_window_that_is_not_its_own(client: Client, leak: str) -> None:
    page = make_page(shows_all_groups=False)
    page.groups.set([seen("site").group])
    hidden = seen("secret", group="inner")
    columns: dict[str, dict[str, Any]] = {
        "private": {"is_public": False, "covers_all": True},
        "elsewhere": {"endpoints": [hidden]},
        "nothing": {},
        "over": {"starts_in": -3 * HOUR, "covers_all": True},
        "deleted": {"groups": [hidden.group]},
    }
    plan("Leaking pipe", **columns[leak])
    if leak == "deleted":
        Endpoint.objects.filter(pk=hidden.pk).update(deleted_at=timezone.now())
    assert "Leaking pipe" not in show(client)
    assert twin(client)["maintenance"] == []


def test_endpoint_in_maintenance_has_a_badge_beside_its_state(client: Client) -> None:
    make_page()
    endpoint = seen("site", State.DOWN)
    seen("other")
    make_span(endpoint, at=timezone.now() - HOUR / 2)
    page = show(client)
    assert page.count('<use href="#hc-maintenance"/></svg>Maintenance</span>') == 1
    assert "Down" in page
    inside = [each["in_maintenance"] for group in twin(client)["groups"] for each in group["endpoints"]]
    assert inside == [True, False]
    assert "Maintenance</span>" in show(client, f"/status/status/{endpoint.pk}/")


def test_trouble_in_maintenance_is_none_of_the_headline(client: Client) -> None:
    make_page()
    endpoint = seen("site", State.DOWN)
    seen("other")
    assert "1 of 2 is down" in show(client)
    make_span(endpoint, at=timezone.now() - HOUR / 2)
    page = show(client)
    assert '<h2 class="hc-verdict-sentence" id="hc-verdict-sentence">Everything outside maintenance is up</h2>' in page
    assert "1 endpoint, 1 in maintenance" in page
    assert twin(client)["verdict"]["state"] == "up"


def test_headline_counts_what_bears_the_badge(client: Client) -> None:
    make_page()
    maintained = [seen("site", State.DOWN), seen("mail"), seen("shop")]
    seen("other")
    for endpoint in maintained:
        make_span(endpoint, at=timezone.now() - HOUR / 2)
    page = show(client)
    assert page.count("Maintenance</span>") == 3
    assert "Everything outside maintenance is up" in page
    assert "1 endpoint, 3 in maintenance" in page


def test_trouble_beside_maintenance_stays_trouble(client: Client) -> None:
    make_page()
    endpoint = seen("site", State.DOWN)
    seen("other", State.DOWN)
    seen("third")
    make_span(endpoint, at=timezone.now() - HOUR / 2)
    page = show(client)
    assert "1 of 2 is down" in page
    assert "1 up, 1 in maintenance" in page


def test_page_that_is_all_in_maintenance_promises_nothing(client: Client) -> None:
    make_page()
    make_span(seen("site", State.DOWN), at=timezone.now() - HOUR / 2)
    assert twin(client)["verdict"] == {"state": "unknown", "sentence": "Everything is in maintenance"}
    assert '<use href="#hc-maintenance"/>' in show(client)


def test_what_is_up_in_maintenance_counts_as_up(client: Client) -> None:
    make_page()
    make_span(seen("site"), at=timezone.now() - HOUR / 2)
    assert "Everything is up" in show(client)


def test_hostile_words_of_a_window_are_shown_as_text(client: Client) -> None:
    make_page()
    seen("site")
    plan(
        "<script>alert(1)</script>", covers_all=True, description='<img src=x onerror="alert(1)">\njavascript:alert(1)'
    )
    page = show(client)
    assert "<script>alert" not in page
    assert "<img" not in page


def test_many_windows_and_names_are_bounded(client: Client) -> None:
    make_page()
    for number in range(MAX_NAMES + 5):
        endpoint = seen(f"e{number}", group=f"g{number}")
        endpoint.tags.add(Tag.objects.get_or_create(name="rack")[0])
    seen("outside", group="outside")
    for number in range(MAX_NOTICES + 5):
        plan(f"w{number}", tags=["rack"])
    page = show(client)
    assert page.count('class="hc-banner hc-announcement hc-notice"') == MAX_NOTICES
    assert "and 5 more" in page


@pytest.mark.parametrize("count", [1, 30])
def test_announcements_cost_the_same_queries_however_many(client: Client, count: int) -> None:
    make_page()
    for number in range(count):
        endpoint = seen(f"e{number}", group=f"g{number}")
        plan(f"w{number}", endpoints=[endpoint], groups=[endpoint.group], tags=["rack"])
    show(client)
    ANSWERS.forget()
    with CaptureQueriesContext(connection) as queries:
        client.get("/status.json?period=now")
    ours = [each for each in queries if "maintenance" in each["sql"]]
    assert len(ours) == 6
