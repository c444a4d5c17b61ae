"""From an outage to its correction, to the public page, and back: the whole walk in a real browser."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Correction, Endpoint
from healthcheck.web.answers import ANSWERS
from tests.admin.test_browser import log_in
from tests.barriers import find_barriers
from tests.factories import (
    make_correction,
    make_endpoint,
    make_group,
    make_location,
    make_page,
    make_state,
    make_tick,
    make_transition,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HOUR = timedelta(hours=1)
PHONE, DESK = 390, 1280
FITS = "document.documentElement.scrollWidth <= window.innerWidth"
REASON = "A cable of ours was cut; the shop itself was <b>well</b>."


@pytest.fixture
def endpoint() -> Endpoint:
    make_location()
    now = timezone.now()
    make_page()
    make_tick(at=now)
    endpoint = make_endpoint(make_group(name="Web shop", next_run_at=now + HOUR), "checkout")
    paint_history(endpoint, now)
    return endpoint


def paint_history(endpoint: Endpoint, now: datetime) -> None:
    make_state(endpoint, now=now)
    make_transition(endpoint, at=now - 60 * 24 * HOUR, from_state=State.UNKNOWN, to_state=State.UP)
    make_transition(endpoint, at=now - 50 * HOUR, to_state=State.DEGRADED, error_kind=ErrorKind.ASSERTION)
    make_transition(endpoint, at=now - 48 * HOUR, from_state=State.DEGRADED, to_state=State.UP)
    make_transition(endpoint, at=now - 5 * HOUR, error_kind=ErrorKind.TIMEOUT)
    make_transition(endpoint, at=now - 2.5 * HOUR, from_state=State.DOWN, to_state=State.UP)
    make_correction(endpoint, start=now - 6 * HOUR, end=now - 4.5 * HOUR, reason="unbroken" * 30, author_name="Kim")


def look_over(page: Page, complaints: list[str]) -> None:
    """Everybody can use the page, on a desk and on a phone, in either theme."""
    assert complaints == []
    assert find_barriers(page) == []
    # axe reads style sheets by itself, and what those of Django import is not beside the page.
    complaints.clear()
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(FITS), f"wider than {width}"


def test_outage_is_corrected_told_and_taken_back(
    page: Page, live_server: LiveServer, complaints: list[str], endpoint: Endpoint
) -> None:
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/change/")
    page.get_by_role("link", name="Corrections", exact=True).last.click()
    expect(page.get_by_role("heading", name="Corrections of checkout")).to_be_visible()
    look_over(page, complaints)
    page.get_by_role("link", name="Correct this interval…").first.click()
    expect(page.get_by_label("Start")).not_to_have_value("")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Say what the interval was.")).to_be_visible()
    look_over(page, complaints)
    page.get_by_label("false alarm").check()
    page.get_by_label("Reason", exact=True).fill(REASON)
    page.get_by_label("Show the reason on status pages").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Other corrections stand in this interval.")).to_be_visible()
    expect(page.get_by_role("row", name="Last 24 hours")).to_contain_text("100")
    look_over(page, complaints)
    page.get_by_role("button", name="Correct it").click()
    expect(page.get_by_text("1 endpoint was corrected.")).to_be_visible()
    expect(page.get_by_role("cell", name=REASON)).to_be_visible()

    ANSWERS.forget()
    page.goto(f"{live_server.url}/status/status/{endpoint.pk}/")
    told = page.get_by_role("region", name="Corrections")
    expect(told).to_contain_text("2 intervals of the last year were corrected by hand")
    expect(told).to_contain_text("The reason of 1 is not published.")
    expect(told).to_contain_text(REASON)
    page.set_viewport_size({"width": PHONE, "height": 900})
    assert page.evaluate(FITS)

    page.goto(f"{live_server.url}/admin/healthcheck/correction/")
    page.get_by_role("link", name="Withdraw…").first.click()
    expect(page.get_by_role("heading", name="Withdraw 1 correction?")).to_be_visible()
    look_over(page, complaints)
    page.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_text("1 correction was withdrawn.")).to_be_visible()
    withdrawn = Correction.objects.get(reason=REASON)
    assert (withdrawn.author_name, withdrawn.withdrawn_by_name) == ("operator", "operator")
    ANSWERS.forget()
    page.goto(f"{live_server.url}/status/status/{endpoint.pk}/")
    expect(page.get_by_text(REASON)).to_have_count(0)
    assert complaints == []


def test_a_list_is_corrected_together(
    page: Page, live_server: LiveServer, complaints: list[str], endpoint: Endpoint
) -> None:
    make_endpoint(endpoint.group, "basket")
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/")
    # One by one: what ticks them all is a script, which may come later than the page.
    for box in page.locator("input.action-select").all():
        box.check()
    page.locator("select[name=action]").select_option("correct_selected")
    page.locator("#changelist-form [type=submit][name=index], #changelist-form button[name=index]").click()
    expect(page.get_by_role("heading", name="Correct 2 endpoints")).to_be_visible()
    now = timezone.now()
    page.get_by_label("Start").fill(f"{now - 3 * HOUR:%Y-%m-%d %H:%M}Z")
    page.get_by_label("End").fill(f"{now - 2 * HOUR:%Y-%m-%d %H:%M}Z")
    page.get_by_label("maintenance").check()
    page.get_by_label("Reason", exact=True).fill("planned")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("row", name="checkout")).to_contain_text("after")
    look_over(page, complaints)
    page.get_by_role("button", name="Correct it").click()
    expect(page.get_by_text("2 endpoints were corrected.")).to_be_visible()
    page.set_viewport_size({"width": PHONE, "height": 900})
    assert page.evaluate(FITS)
    assert complaints == []
