"""Pages of the admin on a desk's screen: words stay whole, parts stay apart, and what can be pressed looks like it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import Reason, RunStatus
from tests.admin.test_browser import log_in
from tests.factories import NOW, make_group, make_run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Into how many lines each cell of a column breaks a single word.
BROKEN = """[...document.querySelectorAll('td[data-label="Trigger"]')].map(cell => {
    const range = document.createRange(); range.selectNodeContents(cell);
    return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size; })"""
EDGE = "getComputedStyle(document.querySelector('input[type=file]'), '::file-selector-button').borderTopWidth"


@pytest.fixture(autouse=True)
def everything_allowed(settings: Settings) -> None:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything"}


def test_long_status_breaks_no_short_word(page: Page, live_server: LiveServer) -> None:
    group = make_group()
    make_run(group, status=RunStatus.MISSED, reason=Reason.SCHEDULER, slot_count=5, gap_until=NOW)
    counts = {"up_count": 12, "degraded_count": 3, "down_count": 2, "unknown_count": 1}
    make_run(group, at=NOW + timedelta(minutes=1), wall_us=1_200_000, work_us=9_800_000, **counts)
    log_in(page, live_server)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{live_server.url}/admin/healthcheck/endpointgroup/{group.pk}/runs/")
    page.wait_for_load_state("networkidle")
    assert page.evaluate(BROKEN) == [1, 1]
    assert page.evaluate("document.scrollingElement.scrollWidth") <= 1280


@pytest.mark.parametrize("path", ["endpoint/import/", "statuspage/add/"])
def test_button_of_a_file_input_has_an_edge(page: Page, live_server: LiveServer, path: str) -> None:
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/{path}")
    assert page.evaluate(EDGE) == "1px"
