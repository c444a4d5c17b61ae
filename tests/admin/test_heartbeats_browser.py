"""A heartbeat from its form to its first signal, in a real browser."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import Signal
from tests.admin.test_browser import log_in
from tests.factories import make_group, make_location

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

HEARTBEAT = ("period_seconds", "cron", "timezone", "grace_seconds", "max_run_seconds")
OTHERS = ("address", "assertions", "method", "dialogue", "verify", "family")


def test_heartbeat_is_added_given_its_address_and_heard(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    make_location()
    make_group()
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/add/")
    expect(page.get_by_text("When the job is expected (heartbeat)")).to_be_hidden()
    page.locator("#id_kind").select_option("heartbeat")
    for name in HEARTBEAT:
        expect(page.locator(f"#id_{name}")).to_be_visible()
    for name in OTHERS:
        expect(page.locator(f"#id_{name}")).to_be_hidden()
    page.locator("#id_group").select_option(index=1)
    page.locator("#id_name").fill("backup")
    page.locator("#id_period_seconds").fill("")
    page.locator("#id_cron").fill("0 3 * * *")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Signals of backup")).to_be_visible()
    expect(page.locator("li.hc-time")).to_have_count(3)
    page.get_by_role("button", name="Make its address").click()
    address = page.locator("pre").first.inner_text()
    assert httpx.post(f"{address}/1", content="no space left").status_code == 200
    page.goto(page.url.replace("/token/", "/signals/"))
    expect(page.get_by_text("fail, exit code 1")).to_be_visible()
    expect(page.get_by_text(address)).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert (Signal.objects.count(), complaints) == (1, [])
