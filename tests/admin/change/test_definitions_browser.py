"""An operator changes many endpoints in a real browser: filter, select, edit, preview, apply, history, revert."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from healthcheck.models import Endpoint
from tests.admin.test_browser import log_in
from tests.barriers import find_barriers
from tests.factories import make_endpoint, make_group

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def open_list(page: Page, live_server: LiveServer, query: str = "") -> None:
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{query}")


def choose_action(page: Page, label: str) -> None:
    page.locator("select[name=action]").first.select_option(label=label)
    page.locator("button[name=index]").first.click()


def test_operator_edits_many_and_takes_one_back(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    group = make_group()
    for name in ("old one", "old two", "other"):
        make_endpoint(group, name)
    log_in(page, live_server)
    open_list(page, live_server, "?q=old")
    page.locator("#action-toggle").check()
    choose_action(page, "Edit selected endpoints…")
    expect(page.locator("#content")).to_contain_text("2 endpoints are selected.")
    page.get_by_role("checkbox", name="Replace Timeout (seconds) with").check()
    page.get_by_role("spinbutton", name="Replace Timeout (seconds) with").fill("7")
    page.get_by_role("textbox", name="Add tags").fill("eu")
    page.get_by_label("What changed and why").fill("slower network")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#content")).to_contain_text("A value is given, but the box is not ticked")
    page.get_by_role("checkbox", name="Add tags").check()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("status").first).to_have_text("2 endpoints will be changed.")
    expect(page.locator("ins.hc-come").first).to_have_text("7 seconds")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("body")).to_contain_text("2 endpoints were changed.")
    assert sorted(Endpoint.objects.values_list("name", "timeout_seconds")) == [
        ("old one", 7.0),
        ("old two", 7.0),
        ("other", 10.0),
    ]
    endpoint = Endpoint.objects.get(name="old one")
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/history/")
    expect(page.locator("#content")).to_contain_text("slower network")
    page.get_by_role("link", name="Revert… version 1").click()
    expect(page.locator("del.hc-gone").first).to_have_text("7 seconds")
    page.get_by_role("button", name="Revert").click()
    expect(page.locator("body")).to_contain_text("It is defined as in version 1 again.")
    endpoint.refresh_from_db()
    assert (endpoint.timeout_seconds, endpoint.tags.count()) == (10.0, 0)
    assert complaints == []


def test_operator_exports_changes_and_imports(
    page: Page, live_server: LiveServer, complaints: list[str], tmp_path: Path
) -> None:
    make_endpoint(name="Ünï")
    log_in(page, live_server)
    open_list(page, live_server)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export", exact=True).click()
    file = tmp_path / "endpoints.csv"
    download.value.save_as(file)
    file.write_text(file.read_text().replace("127.0.0.1", "127.0.0.2"))
    page.get_by_role("link", name="Import", exact=True).click()
    page.wait_for_load_state()
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("ins.hc-come")).to_have_text("http://127.0.0.2/")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("body")).to_contain_text("1 endpoint was imported.")
    assert Endpoint.objects.get().address == "http://127.0.0.2/"
    assert complaints == []


def measure_overflow(page: Page) -> int:
    """Return how many pixels have to be scrolled sideways on a phone."""
    page.set_viewport_size({"width": 390, "height": 844})
    # Laid out anew with the next frame, which the answer of the browser does not wait for.
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_pages_of_many_fit_a_phone(page: Page, live_server: LiveServer) -> None:
    make_endpoint(name="long" * 40, address="http://127.0.0.1/" + "segment" * 60)
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/import/")
    assert measure_overflow(page) == 0
    page.set_viewport_size({"width": 1280, "height": 900})
    open_list(page, live_server)
    page.locator("#action-toggle").check()
    choose_action(page, "Edit selected endpoints…")
    page.locator("[name='address.replace']").check()
    page.locator("[name='address.replace.find']").fill("segment")
    assert measure_overflow(page) == 0
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("status").first).to_have_text("1 endpoint will be changed.")
    assert measure_overflow(page) == 0


def test_value_is_quiet_until_its_box_is_ticked(page: Page, live_server: LiveServer) -> None:
    make_endpoint()
    log_in(page, live_server)
    open_list(page, live_server)
    page.locator("#action-toggle").check()
    choose_action(page, "Edit selected endpoints…")
    value = page.locator("[name='description.set.value']")
    expect(value).to_have_css("border-top-style", "dashed")
    assert find_barriers(page) == []
    page.locator("[name='description.set']").check()
    expect(value).to_have_css("border-top-style", "solid")


def test_somebody_else_s_change_is_shown_and_nothing_typed_is_lost(page: Page, live_server: LiveServer) -> None:
    endpoint = make_endpoint()
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/change/")
    with page.context.new_page() as other:
        other.goto(page.url)
        other.locator("#id_timeout_seconds").fill("5")
        other.get_by_role("button", name="Save", exact=True).click()
        expect(other.locator("body")).to_contain_text("was changed successfully")
    page.locator("#id_name").fill("typed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("body")).to_contain_text("Timeout: “10 seconds” became “5 seconds”.")
    expect(page.locator("#id_name")).to_have_value("typed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("body")).to_contain_text("was changed successfully")
    endpoint.refresh_from_db()
    assert endpoint.name == "typed"
