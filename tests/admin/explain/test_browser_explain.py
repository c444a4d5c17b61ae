"""From an empty database to green, to red and why, and back, as a person would do it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from healthcheck.engine.loop import stop_engine_loop
from healthcheck.models import Endpoint
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.dispatch import claim_due_groups
from healthcheck.pipeline.manual import request_check
from healthcheck.tasks import run_group
from tests.admin.test_browser import log_in
from tests.barriers import find_barriers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MAX_PRESSES = 10


class Shop:
    """A real server on loopback whose health a test decides."""

    def __init__(self) -> None:
        self.word = "ok"
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f'{{"status": "{shop.word}"}}'.encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self.server.server_port}"


# From the date over each side to the first card below it.
DISTANCES = """[...document.querySelectorAll('.hc-sides > section')].map(side => Math.round(
    side.querySelector('.hc-card').getBoundingClientRect().top
    - side.querySelector('.hc-quiet').getBoundingClientRect().bottom))"""


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    thread = threading.Thread(target=shop.server.serve_forever)
    thread.start()
    yield shop
    shop.server.shutdown()
    thread.join()
    shop.server.server_close()


@pytest.fixture(autouse=True)
def everything_allowed(settings: Settings) -> Iterator[None]:
    """The target is on loopback, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


def add_by_url(page: Page, live_server: LiveServer, shop: Shop) -> Endpoint:
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/")
    page.get_by_role("link", name="Add by URL").click()
    # Nonsense first: one sentence, and what was typed is still there.
    page.get_by_label("URL").fill("ftp://shop")
    page.get_by_role("button", name="Probe it").click()
    expect(page.locator("ul.errorlist")).to_have_text("The address must start with http:// or https://; add it.")
    expect(page.get_by_label("URL")).to_have_value("ftp://shop")
    page.get_by_label("URL").fill(f"{shop.place}/health")
    press_until_judged(page, "Probe it", "Probe again")
    expect(page.get_by_role("status")).to_contain_text("It answered as expected.")
    expect(page.locator(".hc-excerpt")).to_have_text('{"status": "ok"}')
    expect(page.get_by_label('json $.status == "ok"')).to_be_checked()
    assert find_barriers(page) == []
    page.get_by_label("Name", exact=True).fill("Shop health")
    page.get_by_role("button", name="Save and check it").click()
    expect(page.get_by_role("status")).to_contain_text("The first run is due now")
    return Endpoint.objects.get()


def press_until_judged(page: Page, first: str, again: str) -> None:
    """Press, and press again where the machine was too busy to judge: that answer is ours and says nothing."""
    page.get_by_role("button", name=first).click()
    for _ in range(MAX_PRESSES):
        page.get_by_role("status").wait_for()
        if "no capacity" not in page.get_by_role("status").inner_text():
            return
        page.get_by_role("button", name=again).click()


def check(endpoint: Endpoint) -> int:
    run_id = request_check(endpoint.group_id, read_database_clock())
    run_group(run_id)
    return run_id


def test_operator_adds_by_url_sees_why_it_fails_and_that_it_is_back(
    page: Page, live_server: LiveServer, shop: Shop, complaints: list[str]
) -> None:
    log_in(page, live_server)
    endpoint = add_by_url(page, live_server, shop)
    assert [each.text for each in endpoint.assertions.all()] == ["status 200", 'json $.status == "ok"']
    [run_id] = claim_due_groups(read_database_clock())
    run_group(run_id)
    # The page comes to the answer by itself.
    page.wait_for_url(f"**/endpoint/{endpoint.pk}/results/{run_id}/")
    expect(page.locator(".hc-verdict")).to_contain_text("It answered as expected.")
    expect(page.locator(".hc-assertions tbody tr")).to_have_count(2)
    shop.word = "failing"
    check(endpoint)
    run_id = check(endpoint)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/results/")
    page.get_by_role("link", name="Why?").first.click()
    page.wait_for_url(f"**/results/{run_id}/")
    why = page.locator(".hc-why")
    expect(why).to_contain_text('Expected json $.status == "ok", found "failing".')
    expect(why).to_contain_text("Failed 2 of 2 in a row, so it is down since")
    expect(page.locator(".hc-assertions .hc-failed")).to_contain_text('"failing"')
    expect(page.locator(".hc-curl")).to_contain_text(f"http://{shop.place}/health")
    assert find_barriers(page) == []
    shop.word = "ok"
    press_until_judged(page, "Try now", "Try again")
    expect(page.get_by_role("status")).to_contain_text("It answered as expected.")
    expect(page.locator("#hc-then")).to_contain_text("down")
    expect(page.locator("#hc-tried")).to_contain_text("up")
    assert page.evaluate(DISTANCES) == [12, 12]
    assert find_barriers(page) == []
    assert complaints == []


def test_operator_tries_a_change_before_it_is_saved(
    page: Page, live_server: LiveServer, shop: Shop, complaints: list[str]
) -> None:
    log_in(page, live_server)
    endpoint = add_by_url(page, live_server, shop)
    page.goto(f"{live_server.url}/admin/healthcheck/endpoint/{endpoint.pk}/change/")
    page.locator("#id_assertions").fill('json $.status == "fine"')
    press_until_judged(page, "Try without saving", "Try without saving")
    expect(page.get_by_role("status")).to_contain_text("Its answer was not what was expected.")
    expect(page.locator(".hc-assertions .hc-failed")).to_contain_text('"ok"')
    expect(page.locator("#id_assertions")).to_have_value('json $.status == "fine"')
    assert [each.text for each in endpoint.assertions.all()] == ["status 200", 'json $.status == "ok"']
    page.locator("#id_assertions").fill('json $.status == "ok"')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list")).to_contain_text("Shop health")
    assert [each.text for each in endpoint.assertions.all()] == ['json $.status == "ok"']
    assert complaints == []
