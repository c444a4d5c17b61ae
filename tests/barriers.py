"""What keeps people out of a page: axe, over a page that has come to rest."""

from __future__ import annotations

from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

Theme = Literal["light", "dark"]

THEMES: tuple[Theme, ...] = ("light", "dark")

# Halfway through a transition a colour belongs to neither theme, and an icon without its font is a pale word.
REST = """async () => {
    await document.fonts.ready;
    document.getAnimations().filter(each => each instanceof CSSTransition).forEach(each => each.finish());
}"""


def find_barriers(page: Page) -> list[str]:
    """Return what axe finds on the admin page's own part, in either theme."""
    barriers: list[str] = []
    for theme in THEMES:
        found = look_with_axe(page, theme, context="#content-main")["violations"]
        barriers += [f"{theme}: {each['id']} {node['html']}" for each in found for node in each["nodes"]]
    page.emulate_media(color_scheme="light")
    return barriers


def look_with_axe(page: Page, theme: Theme, **arguments: Any) -> dict[str, Any]:
    """Return axe's whole answer on the page in one theme; `arguments` are those of `Axe.run`."""
    page.emulate_media(color_scheme=theme)
    page.evaluate(REST)
    answer: dict[str, Any] = Axe().run(page, **arguments).response
    return answer
