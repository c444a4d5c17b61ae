"""Every public page, in both themes, at the width of a phone and of a desk: axe finds nothing in real Chromium."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.db import OperationalError
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import Endpoint
from healthcheck.models.page import Visibility
from healthcheck.pipeline.maintain import replan_windows
from healthcheck.web.database_faults import DatabaseFault
from healthcheck.web.unavailable import answer_unavailable
from tests.barriers import THEMES, look_with_axe
from tests.factories import make_endpoint, make_page, make_tick, make_window
from tests.web.scenes import (
    paint_calm_page,
    paint_full_page,
    paint_history,
    paint_hostile_page,
    paint_mixed_page,
    paint_past,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def show_mixed(page: Page, url: str) -> None:
    paint_mixed_page(timezone.now())
    page.goto(url)


def show_full(page: Page, url: str) -> None:
    now = timezone.now()
    paint_full_page(now)
    paint_past(now)
    page.goto(f"{url}/status/example/")


def show_last_checks(page: Page, url: str) -> None:
    paint_mixed_page(timezone.now())
    page.goto(f"{url}/?period=now")


def show_day(page: Page, url: str) -> None:
    """Bars of hours, on a page that was blind twice."""
    now = timezone.now()
    paint_mixed_page(now)
    paint_past(now)
    page.goto(f"{url}/?period=24h")


def show_warning(page: Page, url: str) -> None:
    """A warning, while the checker is behind and the tab is out of date."""
    paint_mixed_page(timezone.now())
    make_page(title="Example", announcement="Do not pay twice.", announcement_level="warning", accent="#ffee00")
    make_tick(at=timezone.now() - timedelta(minutes=5))
    page.goto(url)
    page.evaluate("document.getElementById('hc-outdated').hidden = false")


def show_maintenance(page: Page, url: str) -> None:
    """One window under way and one to come, over endpoints up and down."""
    now = timezone.now()
    paint_mixed_page(now)
    for title, at in (("New switch", now - timedelta(minutes=5)), ("New cable", now + timedelta(hours=5))):
        window = make_window(title, at=at, covers_all=True, description="Cables move.\nSee https://example.com/.")
        replan_windows([window.pk], now)
    page.goto(url)
    page.get_by_text("New cable").wait_for()


def show_calm(page: Page, url: str) -> None:
    paint_calm_page(timezone.now(), endpoint_count=75)
    page.goto(url)


def show_hostile(page: Page, url: str) -> None:
    paint_hostile_page(timezone.now())
    page.goto(url)


def show_empty(page: Page, url: str) -> None:
    page.goto(url)


def show_unavailable(page: Page, url: str) -> None:
    """As the answer would be, on a page of the server: its style sheet is there."""
    answer = answer_unavailable(RequestFactory().get("/"), OperationalError(), DatabaseFault.AWAY)
    page.goto(url)
    page.set_content(answer.content.decode(), wait_until="networkidle")


def show_endpoint(page: Page, url: str) -> None:
    now = timezone.now()
    paint_full_page(now)
    paint_past(now)
    endpoint = Endpoint.objects.get(name="Checkout")
    paint_history(endpoint, now)
    page.goto(f"{url}/status/example/{endpoint.pk}/")
    for table in ("The same figures as a table", "The period as a table", "The year as a table"):
        page.get_by_text(table).click()


def show_new_endpoint(page: Page, url: str) -> None:
    make_page()
    page.goto(f"{url}/status/status/{make_endpoint().pk}/")


def show_form(page: Page, url: str) -> None:
    make_page("inner", visibility=Visibility.PASSWORD, password=make_password("open sesame"))
    page.goto(f"{url}/status/inner/")


def show_refusal(page: Page, url: str) -> None:
    show_form(page, url)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()


Show = Callable[[Page, str], None]


@pytest.mark.parametrize(
    "show",
    [
        show_mixed,
        show_full,
        show_last_checks,
        show_day,
        show_warning,
        show_maintenance,
        show_calm,
        show_hostile,
        show_empty,
        show_unavailable,
        show_endpoint,
        show_new_endpoint,
        show_form,
        show_refusal,
    ],
)
def test_axe_finds_nothing(page: Page, live_server: LiveServer, show: Show) -> None:
    show(page, live_server.url)
    found = []
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            results = look_with_axe(page, theme, options={"runOnly": {"type": "tag", "values": RULES}})
            assert len(results["passes"]) > 10
            found += [
                f"{theme} {width}: {each['id']} at {node['html'][:200]}: {node['failureSummary']}"
                for each in results["violations"]
                for node in each["nodes"]
            ]
    assert found == []
