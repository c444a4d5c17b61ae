"""The page as people meet it, in headless Chromium."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.engine.types import State
from healthcheck.models import Endpoint, EndpointState
from healthcheck.web.answers import ANSWERS
from tests.factories import make_tick
from tests.web.scenes import paint_calm_page, paint_hostile_page, paint_mixed_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Paint = Callable[[datetime], None]

WIDTH = "document.documentElement.scrollWidth"
GROUND = "getComputedStyle(document.body).backgroundColor"


def test_page_shows_every_state_in_words_without_complaint(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    paint_mixed_page(timezone.now())
    page.goto(live_server.url)
    expect(page).to_have_title("1 of 8 is down · Example Cloud")
    checkout = page.get_by_role("listitem").filter(has_text="Checkout")
    expect(checkout).to_contain_text("Down")
    expect(checkout).to_contain_text("It did not answer in time.")
    expect(checkout.get_by_role("img", name="1 day: down in 1 day")).to_be_visible()
    page.get_by_role("link", name="Now").click()
    expect(checkout.get_by_role("img", name="50 of the last 60 checks up, 10 down")).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize("paint", [paint_mixed_page, paint_hostile_page])
def test_page_never_scrolls_sideways(page: Page, live_server: LiveServer, paint: Paint) -> None:
    paint(timezone.now())
    for width in (320, 768, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        page.goto(live_server.url)
        assert page.evaluate(WIDTH) == width


def test_theme_follows_the_system(page: Page, live_server: LiveServer) -> None:
    page.goto(live_server.url)
    assert page.evaluate(GROUND) == "rgb(246, 247, 249)"
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(GROUND) == "rgb(13, 15, 19)"


def test_page_is_complete_without_javascript(browser: Browser, live_server: LiveServer) -> None:
    paint_mixed_page(timezone.now())
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live_server.url)
    expect(page.get_by_text("It did not answer in time.")).to_be_visible()
    assert "This page does not update itself without JavaScript" in page.inner_text("footer")
    context.close()


def test_hostile_names_run_nothing(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    paint_hostile_page(timezone.now())
    page.goto(live_server.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>alert(1)</script>")
    assert page.evaluate("document.scripts.length") == 1
    assert complaints == []


def test_open_page_takes_over_what_changed_and_keeps_what_the_reader_folded(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    paint_mixed_page(timezone.now())
    page.clock.install()
    page.goto(live_server.url)
    page.get_by_text("Payments API").click()
    expect(page.get_by_text("It did not answer in time.")).to_be_hidden()
    EndpointState.objects.filter(state=State.DOWN).update(state=State.UP, last_verdict=State.UP, last_error_kind=0)
    ANSWERS.forget()
    page.clock.run_for(10_500)
    expect(page).to_have_title("1 of 8 is degraded · Example Cloud")
    expect(page.get_by_role("status")).to_have_text("1 of 8 is degraded")
    expect(page.get_by_text("Refunds")).to_be_hidden()
    assert complaints == []


def test_open_page_does_not_move_when_it_is_updated(page: Page, live_server: LiveServer) -> None:
    paint_mixed_page(timezone.now())
    page.clock.install()
    page.goto(f"{live_server.url}/?period=now")
    page.evaluate("scrollTo(0, 400)")
    make_tick(at=timezone.now())
    endpoint = Endpoint.objects.get(name="Checkout")
    EndpointState.objects.filter(endpoint=endpoint).update(strip="3" * 60)
    before = page.evaluate("document.documentElement.scrollHeight")
    ANSWERS.forget()
    page.clock.run_for(10_500)
    expect(page.get_by_role("img", name="0 of the last 60 checks up, 60 down")).to_be_attached()
    assert page.evaluate("[scrollY, document.documentElement.scrollHeight]") == [400, before]


def test_page_that_cannot_be_updated_says_that_it_is_out_of_date(page: Page, live_server: LiveServer) -> None:
    paint_mixed_page(timezone.now())
    page.clock.install()
    page.goto(live_server.url)
    banner = page.get_by_role("alert").filter(has_text="This page is out of date")
    expect(banner).to_be_hidden()
    page.context.set_offline(True)
    ANSWERS.forget()
    page.clock.run_for(10_500)
    expect(banner).to_be_visible()
    page.context.set_offline(False)
    ANSWERS.forget()
    page.clock.run_for(10_500)
    expect(banner).to_be_hidden()


def test_checker_that_falls_behind_is_announced_on_an_open_page(page: Page, live_server: LiveServer) -> None:
    paint_calm_page(timezone.now(), endpoint_count=5)
    page.clock.install()
    page.goto(live_server.url)
    expect(page.get_by_role("heading", name="Everything is up")).to_be_visible()
    make_tick(at=timezone.now() - timedelta(minutes=2))
    ANSWERS.forget()
    page.clock.run_for(10_500)
    expect(page.get_by_text("The checker is behind")).to_be_visible()
    expect(page.get_by_role("heading", name="The current state is not known")).to_be_visible()


def test_groups_open_by_keyboard(page: Page, live_server: LiveServer) -> None:
    paint_calm_page(timezone.now(), endpoint_count=75)
    page.goto(live_server.url)
    expect(page.get_by_text("node-1-1", exact=True)).to_be_hidden()
    page.get_by_role("link", name="90 days").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("node-1-1", exact=True)).to_be_visible()
