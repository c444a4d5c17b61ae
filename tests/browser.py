"""Headless Chromium for tests: import `browser` and `page` into a conftest, and mark the tests `browser`.

Skips with its reason where Chromium is not installed. `HEALTHCHECK_CHROMIUM` names another binary.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = os.environ.get("HEALTHCHECK_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--force-prefers-reduced-motion"]


# One browser per module, not per session: Playwright's event loop runs in the main thread for as long as it lives,
# and no asynchronous test could run beside it.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    # That loop makes Django believe that the tests are asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as playwright:
            launched = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
            yield launched
            launched.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile at desktop width in the light theme."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    opened.set_default_timeout(10_000)
    yield opened
    opened.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about on `page`: console errors, refused content, uncaught exceptions."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    """A tab that notes its complaints; assert `complaints == []` at the end of a test."""
    tab = context.new_page()
    note_complaints(tab, complaints)
    return tab


def note_complaints(tab: Page, complaints: list[str]) -> None:
    """Write down every console error or warning and every uncaught exception of the tab."""

    def note_console(kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            complaints.append(f"{kind}: {text}")

    tab.on("console", lambda message: note_console(message.type, message.text))
    tab.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
