"""A newcomer's first minutes with a browser: from an empty folder to the first green check, along what pages say."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import browser, complaints, context, page
from tests.free_ports import find_free_ports
from tests.project.running import PROCESSES, RunningUp, running

__all__ = ["browser", "complaints", "context", "page"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (PROCESSES / "self").exists(), reason="finds processes by way of /proc"),
]

# A start, a check and a page on a busy machine: this only ends a test that hangs.
PATIENCE_MS = 60_000
PRESSES = 10


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningUp]:
    with running(tmp_path / "data", "--no-demo") as started:
        yield started


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[str]:
    """A web server that has something to show."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "index.html").write_text("<title>Shop</title><h1>Open</h1>")
    [port] = find_free_ports(1)
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(
        command, cwd=tmp_path / "www", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        yield f"http://127.0.0.1:{port}/"
        process.terminate()


@pytest.fixture(autouse=True)
def _patience(page: Page) -> Iterator[None]:
    page.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield
    expect.set_options(timeout=5_000)


def done(page: Page) -> list[str]:
    return page.locator(".hc-steps li.hc-done strong").all_inner_texts()


def probe_until_judged(page: Page) -> None:
    """Press the button again where this machine was too busy to judge: that answer says nothing."""
    page.get_by_role("button", name="Probe it").click()
    for _ in range(PRESSES):
        verdict = page.locator(".hc-verdict")
        verdict.wait_for()
        if "It answered as expected." in verdict.inner_text():
            return
        page.get_by_role("button", name="Probe again").click()
    pytest.fail(page.locator(".hc-verdict").inner_text())


def test_newcomer_is_led_from_nothing_to_the_first_green_check(
    page: Page, server: RunningUp, shop: str, complaints: list[str]
) -> None:
    page.goto(server.login_link)
    # What runs is ticked off by itself, and the first thing to do is named.
    expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    expect(page.locator(".hc-steps li.hc-done")).to_have_count(2)
    assert done(page) == ["A scheduler ticks", "A worker is ready"]
    page.locator(".hc-steps").get_by_role("link", name="Go there").click()
    page.get_by_label("URL").fill(shop)
    probe_until_judged(page)
    page.get_by_label("Name", exact=True).fill("Front page")
    page.get_by_role("button", name="Save and check it").click()
    # The page that waits for the first result becomes that result.
    expect(page.get_by_text("It answered as expected.").first).to_be_visible()
    page.get_by_role("link", name="Start page").first.click()
    expect(page.get_by_role("heading", name="Everything is up.")).to_be_visible()
    expect(page.get_by_role("heading", name="First steps")).to_have_count(0)
    expect(page.get_by_text("None was lost within a day.")).to_be_visible()
    page.goto(server.address)
    expect(page.get_by_role("heading", name="Everything is up")).to_be_visible()
    [group] = server.read_board()["groups"]
    assert [(each["name"], each["state"]) for each in group["endpoints"]] == [("Front page", "up")]
    assert complaints == []
    assert "Traceback" not in server.output
