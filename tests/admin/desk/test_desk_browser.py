"""The start page on a screen that nobody touches, and in somebody's hands: it follows, and is in nobody's way."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.engine.types import State
from healthcheck.models import EndpointState
from tests.factories import make_endpoint, make_group, make_state, make_tick, make_transition

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DESK = "/admin/healthcheck/endpointgroup/desk/"
# A little more than the ten seconds between two looks.
ROUND_MS = 10_500
MARK = "/static/healthcheck/status.css?mark"
# Playwright's pages are always in front; this is what a page in the background says of itself.
HIDE = "Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})"
SHOW = "delete document.hidden"


@pytest.fixture
def asked(page: Page) -> list[str]:
    """The addresses that the script has asked for."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url) if "?part" in request.url else None)
    return found


@pytest.fixture
def desk(page: Page, live_server: LiveServer, asked: list[str]) -> Page:
    """The desk of an operator, all well, with the page's clock in our hands."""
    now = timezone.now()
    endpoint = make_endpoint(make_group("shop"), "Checkout")
    make_state(endpoint, now=now)
    make_transition(endpoint, to_state=State.UP, at=now)
    make_tick(at=now)
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))
    page.clock.install()
    page.goto(f"{live_server.url}{DESK}", wait_until="networkidle")
    expect(page.get_by_role("heading", name="Everything is up.")).to_be_visible()
    return page


def break_down() -> None:
    EndpointState.objects.update(state=State.DOWN, last_verdict=State.DOWN)


def renew(desk: Page) -> None:
    """Let a round pass and wait for what it brings."""
    desk.evaluate("document.querySelector('.hc-desk-head').dataset.old = ''")
    desk.clock.run_for(ROUND_MS)
    expect(desk.locator("[data-old]")).to_have_count(0)


def let_pass(desk: Page, milliseconds: int) -> None:
    """Let the page's time pass, and wait for a request of our own: what the page asked for before it is known then."""
    desk.clock.run_for(milliseconds)
    with desk.expect_request(f"**{MARK}"):
        desk.evaluate(f"void fetch('{MARK}')")


def expect_news(desk: Page) -> None:
    expect(desk.get_by_role("heading", name="Something is wrong.")).to_be_visible()


def test_desk_renews_itself_and_says_what_is_new_once(desk: Page, complaints: list[str]) -> None:
    heard = desk.locator("#hc-desk-heard")
    expect(heard).to_have_attribute("role", "status")
    renew(desk)
    expect(heard).to_be_empty()
    break_down()
    renew(desk)
    expect_news(desk)
    expect(heard).to_contain_text("Something is wrong.")
    # Said again only when it is news: an untouched region is read out once.
    desk.evaluate("document.getElementById('hc-desk-heard').textContent = 'heard'")
    renew(desk)
    expect(heard).to_have_text("heard")
    assert complaints == []


def test_desk_leaves_focus_and_scrolling_alone(desk: Page, asked: list[str]) -> None:
    desk.set_viewport_size({"width": 390, "height": 400})
    link = desk.locator("#hc-desk a").first
    link.focus()
    break_down()
    let_pass(desk, ROUND_MS)
    expect(link).to_be_focused()
    assert asked == []
    link.blur()
    desk.evaluate("window.scrollTo(0, 120)")
    renew(desk)
    expect_news(desk)
    assert desk.evaluate("window.scrollY") == 120


def test_desk_that_nobody_sees_asks_for_nothing(desk: Page, asked: list[str]) -> None:
    desk.evaluate(HIDE)
    break_down()
    let_pass(desk, 3 * ROUND_MS)
    assert asked == []
    desk.evaluate(SHOW)
    desk.clock.run_for(ROUND_MS)
    expect_news(desk)
    assert len(asked) == 1


def test_desk_that_cannot_be_renewed_says_so_until_it_can(desk: Page) -> None:
    old = desk.get_by_text("the page cannot be renewed")
    expect(old).to_be_hidden()
    desk.route("**?part", lambda route: route.fulfill(status=503))
    desk.clock.run_for(ROUND_MS)
    expect(old).to_be_visible()
    desk.unroute("**?part")
    renew(desk)
    expect(old).to_be_hidden()
