"""An operator at work in a real browser: adds a group, is refused, corrects it, looks at histories, checks now."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from healthcheck.engine.types import State
from healthcheck.models import CheckRun, Endpoint, EndpointGroup, RunStatus
from healthcheck.tasks import run_group

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def everything_allowed(settings: Settings) -> None:
    """The target is the live server itself, on loopback."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything"}


def log_in(page: Page, live_server: LiveServer) -> None:
    """Give the browser a session of somebody who may do everything. By the form it would be two pages more."""
    client = Client()
    client.force_login(User.objects.create_superuser("operator", password="open sesame"))
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    # The stock admin has no icon, and a browser complains when it finds none.
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))


def open_groups(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/admin/healthcheck/endpointgroup/")


def log_in_by_form(page: Page, live_server: LiveServer) -> None:
    log_in(page, live_server)
    page.context.clear_cookies()
    open_groups(page, live_server)
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Log in").click()


def add_group(page: Page, live_server: LiveServer) -> EndpointGroup:
    page.get_by_role("link", name="Add endpoint group").first.click()
    # Nobody types before the scripts are there.
    page.wait_for_load_state("networkidle")
    page.locator("#id_name").press_sequentially("Web shop")
    expect(page.locator("#id_slug")).to_have_value("web-shop")
    page.locator("#id_endpoints-0-name").fill("front page")
    page.locator("#id_endpoints-0-address").fill(f"{live_server.url}/admin/login/")
    page.locator("#id_endpoints-0-assertions").fill('status 200\njson $[ == "ok"')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("ul.errorlist")).to_contain_text("Line 2: The JSON path is not accepted")
    assert not EndpointGroup.objects.exists()
    # A script puts the cursor into the first field once; what is typed meanwhile ends up there.
    page.wait_for_load_state("networkidle")
    page.locator("#id_endpoints-0-assertions").fill('status 200\nbody contains "Username"')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    return EndpointGroup.objects.get()


def test_choosing_a_logo_upsets_no_script(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    log_in(page, live_server)
    page.goto(f"{live_server.url}/admin/healthcheck/statuspage/add/")
    page.wait_for_load_state("networkidle")
    # The theme listens to file inputs from the first change of the page on.
    page.evaluate("document.body.append(document.createElement('p'))")
    page.locator("#id_logo_file").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": b"logo"})
    assert page.evaluate("document.querySelector('#id_logo_file').files[0].name") == "logo.png"
    assert complaints == []


def test_operator_adds_a_group_corrects_it_and_checks_it(
    page: Page, live_server: LiveServer, complaints: list[str]
) -> None:
    log_in_by_form(page, live_server)
    group = add_group(page, live_server)
    assert [each.text for each in group.endpoints.get().assertions.all()] == ["status 200", 'body contains "Username"']
    page.locator("#result_list").get_by_role("link", name="Web shop", exact=True).click()
    page.get_by_role("link", name="Runs").click()
    expect(page.locator("#content")).to_contain_text("There are no runs here.")
    page.go_back()
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_role("status")).to_contain_text("The run is under way")
    run = CheckRun.objects.get()
    run_group(run.pk)
    # The page comes to the answer by itself.
    expect(page.locator(".hc-facts")).to_contain_text("finished")
    expect(page.locator(".hc-table")).to_contain_text("● up")
    run.refresh_from_db()
    assert (run.status, run.up_count) == (RunStatus.FINISHED, 1)
    page.get_by_role("link", name="front page").click()
    expect(page.locator(".hc-table tbody tr")).to_have_count(1)
    expect(page.locator(".hc-table")).to_contain_text("200")
    assert complaints == []


def test_operator_pauses_and_resumes_by_a_button(page: Page, live_server: LiveServer, complaints: list[str]) -> None:
    group = EndpointGroup.objects.create(name="Shop", slug="shop")
    Endpoint.objects.create(group=group, name="site", address="http://127.0.0.1/")
    log_in(page, live_server)
    open_groups(page, live_server)
    expect(page.locator("#result_list")).to_contain_text(f"1 {State.UNKNOWN.word}")
    page.get_by_role("link", name="Shop", exact=True).click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("“Shop” is paused.")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("“Shop” is checked again, at once.")).to_be_visible()
    assert complaints == []
