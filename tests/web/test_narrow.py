"""The status pages on a phone: what the smaller ones need fits, and since when stands on one line."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import Endpoint
from healthcheck.models.page import Visibility
from tests.factories import make_page
from tests.web.scenes import paint_hostile_page, paint_mixed_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = 390
# Lines of text that the elements take.
LINES = """[...document.querySelectorAll('.hc-endpoint .hc-quiet')].map(each =>
    Math.round(each.getBoundingClientRect().height / parseFloat(getComputedStyle(each).lineHeight)))"""


def test_smaller_pages_fit_a_phone(page: Page, live_server: LiveServer) -> None:
    paint_hostile_page(timezone.now())
    endpoint = Endpoint.objects.order_by("pk")[0]
    make_page("locked", title="Locked", visibility=Visibility.PASSWORD, password=make_password("x"))
    page.set_viewport_size({"width": PHONE, "height": 844})
    for path in ("status/locked/enter", "nowhere/", f"status/status/{endpoint.pk}/", f"status/{'w' * 300}/"):
        page.goto(f"{live_server.url}/{path}")
        assert page.evaluate("document.scrollingElement.scrollWidth") == PHONE, path
        assert page.locator("h1:visible").count() == 1, path


@pytest.mark.parametrize("language", ["en", "de"])
def test_since_stands_on_one_line(browser: Browser, live_server: LiveServer, language: str) -> None:
    paint_mixed_page(timezone.now())
    context = browser.new_context(viewport={"width": PHONE, "height": 844}, locale=language)
    page = context.new_page()
    page.goto(live_server.url)
    page.locator("details:not([open]) > summary").evaluate_all("all => all.forEach(each => each.click())")
    lines = page.evaluate(LINES)
    context.close()
    assert len(lines) > 5
    assert set(lines) == {1}
