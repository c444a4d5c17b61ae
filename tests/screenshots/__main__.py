"""`python -m tests.screenshots [NAME ...] [--out FOLDER] [--list]`: pictures of every page, made by real use.

Starts `manage.py up` with its demo on a throwaway folder, logs in by its link, walks through the pages as a person
would, and takes each of them in both themes at desktop and phone width. Then takes what each kind of channel is sent.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser import CHROMIUM, CHROMIUM_ARGS, note_complaints
from tests.notifiers.mail_server import Mailbox, run_mail_server
from tests.project.running import ROOT, RunningUp, running
from tests.screenshots.catalogue import SHOTS, Shot
from tests.screenshots.messages.pictures import DRAWINGS, name_message, show_message
from tests.screenshots.scene import prepare_scene
from tests.screenshots.told import prepare_messages

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
SIZES = {"desktop": DESKTOP, "phone": PHONE}
# A page that is longer says nothing new further down.
MAX_HEIGHT = 2400
COLOURS = 64
# Both states of a message side by side; as low as the lowest of them.
MESSAGE: ViewportSize = {"width": 960, "height": 100}
MESSAGE_COLOURS = 32
NAMES = tuple(dict.fromkeys([*(shot.name for shot in SHOTS), *map(name_message, DRAWINGS)]))


def main() -> int:
    """Return the exit status: 1 when a page could not be taken or the browser complained."""
    arguments = _parse_arguments()
    if arguments.list:
        sys.stdout.writelines(f"{name}\n" for name in NAMES)
        return 0
    wanted = set(arguments.names) or NAMES
    shots = [shot for shot in SHOTS if shot.name in wanted]
    kinds = [kind for kind in DRAWINGS if name_message(kind) in wanted]
    arguments.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        complaints = _take_pages(browser, shots, arguments.out) if shots else []
        complaints += _take_messages(browser, kinds, arguments.out)
        browser.close()
    sys.stderr.writelines(f"{complaint}\n" for complaint in complaints)
    return 1 if complaints else 0


def _take_pages(browser: Browser, shots: list[Shot], out: Path) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="hcshots") as folder, running(Path(folder) / "data") as server:
        server.wait_for_results()
        with run_mail_server() as mailbox:
            return _take_all(browser, server, shots, mailbox=mailbox, out=out)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description="Takes pictures of every page.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="pages; all of them by default")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures", help="folder of the pictures")
    parser.add_argument("--list", action="store_true", help="name the pages and end")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"no page is called {', '.join(sorted(unknown))}; --list names them")
    return arguments


def _take_all(browser: Browser, server: RunningUp, shots: list[Shot], *, mailbox: Mailbox, out: Path) -> list[str]:
    complaints: list[str] = []
    context = browser.new_context(viewport=DESKTOP, base_url=server.address)
    context.set_default_timeout(30_000)
    tab = context.new_page()
    note_complaints(tab, complaints)
    scene = prepare_scene(tab, server)
    prepare_messages(scene, mailbox)
    for shot in shots:
        sys.stderr.write(f"{shot.name}\n")
        for theme in THEMES:
            # Before the visit: some pages choose their theme while they load.
            tab.emulate_media(color_scheme=theme)
            tab.set_viewport_size(DESKTOP)
            shot.visit(scene)
            if shot.complaint:
                complaints[:] = [each for each in complaints if shot.complaint not in each]
            _take(tab, f"{shot.name}-{theme}", out)
    return complaints


def _take(tab: Page, name: str, out: Path) -> None:
    for size, viewport in SIZES.items():
        tab.set_viewport_size(viewport)
        # As tall as the page, so that what sticks to the window's edge is where a reader would find it.
        length = tab.evaluate("document.documentElement.scrollHeight")
        tab.set_viewport_size({**viewport, "height": min(max(length, viewport["height"]), MAX_HEIGHT)})
        _save(tab.screenshot(), out / f"{name}-{size}.png", COLOURS)


def _take_messages(browser: Browser, kinds: list[str], out: Path) -> list[str]:
    complaints: list[str] = []
    tab = browser.new_page(viewport=MESSAGE)
    note_complaints(tab, complaints)
    for kind in kinds:
        sys.stderr.write(f"{name_message(kind)}\n")
        for theme in THEMES:
            tab.emulate_media(color_scheme=theme)
            show_message(tab, kind)
            _save(tab.screenshot(full_page=True), out / f"{name_message(kind)}-{theme}.png", MESSAGE_COLOURS)
    return complaints


def _save(screenshot: bytes, path: Path, colours: int) -> None:
    # As a palette, or a set of pictures weighs more than the code.
    Image.open(io.BytesIO(screenshot)).convert("RGB").quantize(colours).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
