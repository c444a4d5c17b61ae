"""Members in a real browser: found while one types, and out of view for every other kind."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import EndpointMember
from tests.admin.test_browser import log_in
from tests.admin.test_kinds_browser import field
from tests.barriers import find_barriers
from tests.factories import make_endpoint, make_group

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

_READ_FRAME = "each => [getComputedStyle(each).borderTopWidth, getComputedStyle(each).borderTopColor]"


def test_members_are_found_chosen_and_saved(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    group = make_group()
    make_endpoint(group, "Checkout")
    make_endpoint(group, "Search")
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/add/")
    expect(field(page, "members")).to_be_hidden()
    field(page, "kind").select_option("group")
    expect(field(page, "address")).to_be_hidden()
    expect(field(page, "assertions")).to_be_hidden()
    for part, line in (("check", "web/Checkout"), ("sea", "web/Search")):
        search = page.get_by_label("Find an endpoint to add")
        search.fill(part)
        expect(page.locator("#id_members_found option")).to_have_count(1)
        # As the browser does when somebody chooses from the list.
        search.fill(line)
        expect(search).to_have_value("")
    expect(field(page, "members")).to_have_value("web/Checkout\nweb/Search")
    assert find_barriers(page) == []
    field(page, "group").select_option(index=1)
    field(page, "name").fill("all")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert EndpointMember.objects.filter(parent__name="all").count() == 2
    assert complaints == []


def test_search_looks_like_a_field_to_write_in(page: Page, live_server: LiveServer) -> None:
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/add/")
    field(page, "kind").select_option("group")
    search, name = (field(page, each).evaluate(_READ_FRAME) for each in ("members_find", "name"))
    assert search == name
