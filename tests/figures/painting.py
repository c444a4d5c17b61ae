"""When Chromium paints the status page, and whether anything moves: asked of the browser itself, over loopback."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

from tests.browser import CHROMIUM, CHROMIUM_ARGS
from tests.figures.children import Child
from tests.figures.table import Row

LOADS = 7
PATIENCE_SECONDS = 30.0
# Paint and shifts are told to observers only, and what came before one is asked for.
WATCH = """
window.shifts = 0;
new PerformanceObserver((list) => { for (const each of list.getEntries()) window.shifts += each.value; })
  .observe({ type: "layout-shift", buffered: true });
"""
PAINTED = """
() => new Promise((resolve) => new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (each.name === "first-contentful-paint") resolve(each.startTime);
}).observe({ type: "paint", buffered: true }))
"""


def measure_painting(how: str) -> Iterator[Row]:
    """Serve the database of this process as a deployment does, and load its page in fresh profiles."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{reserved.getsockname()[1]}"
    command = (sys.executable, "-m", "gunicorn", "-c", "python:project.gunicorn_conf", "-b", address, "project.wsgi")
    log = Path(os.environ["HEALTHCHECK_DATA"]) / "web.log"
    with Child(*command, log=log, environment=os.environ), sync_playwright() as playwright:
        _wait_for(f"http://{address}/healthz")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        loads = [_load(browser, f"http://{address}/") for _ in range(LOADS)]
        # What the browser itself takes for as good as nothing: the page of a sentence, in the same looks.
        short = [_load(browser, f"http://{address}/status/no-such-page/") for _ in range(LOADS)]
        browser.close()
    yield Row("first contentful paint", "under 200 ms", f"{median(paint for paint, _ in loads):.0f} ms", how)
    yield Row("the same of a page of one sentence", "", f"{median(paint for paint, _ in short):.0f} ms", how)
    yield Row("layout shift", "0", f"{max(shift for _, shift in loads):g}", how)


def _load(browser: Browser, url: str) -> tuple[float, float]:
    """Return milliseconds to the first contentful paint, and the shifts until the network is quiet."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(url, wait_until="networkidle")
    measured = float(page.evaluate(PAINTED)), float(page.evaluate("window.shifts"))
    context.close()
    return measured


def _wait_for(url: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urlopen(url, timeout=1):
                return
        except (URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
