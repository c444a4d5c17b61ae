"""Sections, endpoint pages and the password form as people meet them, in headless Chromium."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.engine.types import State
from healthcheck.models import Endpoint, EndpointState, StatusPage
from healthcheck.models.page import Visibility
from healthcheck.web.answers import ANSWERS
from tests.factories import make_page
from tests.web.scenes import paint_calm_page, paint_full_page, paint_history

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "open sesame"
# A page of a thousand rows on a busy machine: this only ends a test that hangs.
PATIENCE_MS = 60_000
# Collected from the first paint on; what a person does themselves within half a second does not count.
WATCH_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def paint_endpoint() -> tuple[StatusPage, Endpoint]:
    now = timezone.now()
    page = paint_full_page(now)
    endpoint = Endpoint.objects.get(name="Checkout")
    paint_history(endpoint, now)
    return page, endpoint


def measure_layout(page: Page) -> Any:
    return page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4, .hc-group, .hc-card, .hc-footer')].map((each) => {"
        " const box = each.getBoundingClientRect(); return [each.className, box.x, box.y, box.width, box.height]; })"
    )


def test_password_lets_in_and_its_pass_is_sent_below_the_page_only(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    make_page("inner", title="Inner", visibility=Visibility.PASSWORD, password=make_password(PASSWORD))
    page.goto(f"{live_server.url}/status/inner/")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Inner")
    assert complaints == []
    with page.expect_response("**/status/inner/status.json") as twin:
        page.get_by_role("link", name="JSON").click()
    assert twin.value.status == 200
    assert "hc_page_" not in page.request.get(f"{live_server.url}/status/inner.json").headers.get("set-cookie", "")
    assert page.request.get(f"{live_server.url}/status/inner.json").status == 403


def test_wrong_password_is_said_beside_the_field(page: Page, live_server: LiveServer) -> None:
    make_page("inner", visibility=Visibility.PASSWORD, password=make_password(PASSWORD))
    page.goto(f"{live_server.url}/status/inner/")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Open the page").click()
    expect(page.get_by_role("alert")).to_contain_text("That is not the password.")
    expect(page.get_by_label("Password")).to_have_attribute("aria-describedby", "hc-enter-error")
    expect(page.get_by_label("Password")).to_have_value("")


def test_page_and_its_endpoint_need_nothing_but_a_keyboard(page: Page, live_server: LiveServer) -> None:
    _page, endpoint = paint_endpoint()
    page.goto(f"{live_server.url}/status/example/")
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        focused: str = page.evaluate("document.activeElement.innerText.split('\\n')[0]")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid" or focused == page.evaluate("document.body.innerText.split('\\n')[0]")
        seen.append(focused)
        if focused == "Checkout":
            break
    periods = ["Now", "24 hours", "7 days", "30 days", "90 days"]
    assert seen[:7] == ["https://status.example.org/maintenance/17", *periods, "Website"]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/status/example/{endpoint.pk}/")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "The same figures as a table":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("table")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    page.wait_for_function("document.activeElement.scrollTop > 0")


def test_endpoint_page_tells_its_figures_in_words_as_well(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    _page, endpoint = paint_endpoint()
    page.goto(f"{live_server.url}/status/example/{endpoint.pk}/")
    chart = page.get_by_role("img", name="Response time")
    expect(chart).to_be_visible()
    description = page.locator("#hc-chart-description").text_content() or ""
    assert description.startswith("Half of the answers took at most ")
    assert page.get_by_role("img", name="of 300 checks failed").count() == 1
    assert page.get_by_role("row").count() == 0
    page.get_by_text("The same figures as a table").click()
    assert page.get_by_role("row").count() > 70
    assert complaints == []


def test_pages_with_everything_on_them_never_scroll_sideways(page: Page, live_server: LiveServer) -> None:
    _page, endpoint = paint_endpoint()
    for path, width in product(("", f"{endpoint.pk}/"), (320, 390, 1280)):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{live_server.url}/status/example/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == width, path


@pytest.mark.parametrize("path", ["?period=now", "{id}/"])
def test_open_page_takes_over_what_changed_and_moves_nothing(
    page: Page, live_server: LiveServer, complaints: list[str], path: str
) -> None:
    _page, endpoint = paint_endpoint()
    page.add_init_script(WATCH_SHIFTS)
    page.clock.install()
    page.goto(f"{live_server.url}/status/example/{path.format(id=endpoint.pk)}")
    before = measure_layout(page)
    EndpointState.objects.filter(endpoint=endpoint).update(strip="1" * 40 + "3" * 20)
    ANSWERS.forget()
    page.clock.run_for(10_500)
    expect(page.get_by_role("img", name="40 of the last 60 checks up, 20 down")).to_be_visible()
    assert measure_layout(page) == before
    assert page.evaluate("window.shifts") == 0
    assert complaints == []


def test_new_announcement_is_heard_on_an_open_page(page: Page, live_server: LiveServer) -> None:
    own, _endpoint = paint_endpoint()
    page.clock.install()
    page.goto(f"{live_server.url}/status/example/")
    expect(page.get_by_role("status")).to_be_empty()
    StatusPage.objects.filter(pk=own.pk).update(announcement="Checkout is back.")
    page.clock.run_for(10_500)
    expect(page.get_by_role("status")).to_have_text("Checkout is back.")


def test_focus_stays_where_it_was_when_its_part_is_swapped(page: Page, live_server: LiveServer) -> None:
    _page, endpoint = paint_endpoint()
    page.clock.install()
    page.goto(f"{live_server.url}/status/example/")
    page.get_by_role("link", name="Refunds").focus()
    EndpointState.objects.filter(endpoint=endpoint).update(state=State.UP, last_verdict=State.UP, last_error_kind=0)
    ANSWERS.forget()
    page.clock.run_for(10_500)
    expect(page).to_have_title("1 of 8 is degraded · Example Cloud")
    expect(page.get_by_role("link", name="Refunds")).to_be_focused()


# However long the rows and the page take on a busy machine, the checker that wrote them is not called silent.
@override_settings(HEALTHCHECK={"STALE_AFTER_SECONDS": 600.0})
def test_page_of_a_thousand_is_painted_without_a_shift(page: Page, live_server: LiveServer) -> None:
    with transaction.atomic():
        paint_calm_page(timezone.now(), endpoint_count=1000)
    page.add_init_script(WATCH_SHIFTS)
    page.goto(live_server.url, wait_until="networkidle", timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name="Everything is up")).to_be_visible(timeout=PATIENCE_MS)
    assert page.evaluate("window.shifts") == 0


def test_pages_ask_nobody_but_their_own_server(page: Page, live_server: LiveServer) -> None:
    _page, endpoint = paint_endpoint()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/status/example/", f"/status/example/{endpoint.pk}/"):
        page.goto(f"{live_server.url}{path}", wait_until="networkidle")
    assert len(asked) > 6
    assert [url for url in asked if not url.startswith(live_server.url)] == []
    assert page.context.cookies() == []
