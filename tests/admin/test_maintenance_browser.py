"""Maintenance in a real browser: a click mutes, another ends it, and a window is planned with a look at its times."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import MaintenanceSpan, MaintenanceWindow
from healthcheck.models.maintenance import find_endpoints_in_maintenance
from tests.admin.test_browser import log_in
from tests.barriers import THEMES, look_with_axe
from tests.factories import make_endpoint, make_group

RULES = ["label", "button-name", "color-contrast", "duplicate-id-aria", "select-name"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_operator_mutes_an_endpoint_by_one_click_and_ends_it_by_another(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    endpoint = make_endpoint(make_group(), "front page")
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/change/")
    page.get_by_role("button", name="Mute for 20 minutes").click()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Muted until")).to_be_visible()
    assert find_endpoints_in_maintenance([endpoint.pk], timezone.now()) == {endpoint.pk}
    page.get_by_role("button", name=re.compile("End .* now")).click()
    expect(page.get_by_text("Its maintenance is over.")).to_be_visible()
    assert find_endpoints_in_maintenance([endpoint.pk], timezone.now()) == set()
    assert MaintenanceSpan.objects.count() == 1
    assert complaints == []


def test_window_is_planned_after_a_look_at_its_next_times(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    make_endpoint(make_group(), "front page")
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/maintenancewindow/add/")
    page.wait_for_load_state("networkidle")
    page.locator("#id_title").fill("New switch")
    for name, value in (("starts_at_0", "2036-07-01"), ("starts_at_1", "22:00"), ("ends_at_0", "2036-07-01")):
        page.locator(f"#id_{name}").fill(value)
    page.locator("#id_ends_at_1").fill("23:30")
    page.locator("#id_timezone").fill("Europe/Berlin")
    page.locator("#id_recurs").select_option("daily")
    page.locator("#id_covers_all").check()
    page.get_by_role("button", name="Show the next times").click()
    expect(page.locator(".hc-times li")).to_have_count(5)
    expect(page.locator(".hc-times li").first).to_contain_text("22:00 – 23:30 CEST")
    assert MaintenanceWindow.objects.count() == 0
    # A key pressed before the scripts of a page have run is lost.
    page.wait_for_load_state("load")
    page.locator("#id_title").press("Enter")
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert MaintenanceWindow.objects.get().recurrence == "FREQ=DAILY"
    assert complaints == []


def test_axe_finds_nothing_in_the_form_and_the_list(page: Page, live_server: LiveServer) -> None:
    log_in(page, live_server)
    for path in ("add/", ""):
        page.goto(f"{live_server.url}/admin/healthcheck/maintenancewindow/{path}")
        for theme in THEMES:
            results = look_with_axe(page, theme, options={"runOnly": {"type": "rule", "values": RULES}})
            nodes = [node["html"] for each in results["violations"] for node in each["nodes"]]
            # Django's own search in a choice of many.
            assert [html for html in nodes if "select2-search__field" not in html] == []
