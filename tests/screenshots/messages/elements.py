"""Reads payloads strictly, so that a picture shows all that is sent or is not made, and draws their elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any


class UnknownElementError(Exception):
    """A payload holds what nobody has said how to draw."""


def take(element: Mapping[str, Any], *names: str) -> list[Any]:
    """Return the values of these names, None for those that are not there; refuse any other name."""
    if unknown := sorted(set(element) - set(names)):
        raise UnknownElementError(f"no picture of {', '.join(unknown)} in {element!r}")
    return [element.get(name) for name in names]


def expect(found: object, *known: object) -> None:
    """Refuse a value that would look otherwise than it is drawn."""
    if found not in known:
        raise UnknownElementError(f"no picture of {found!r}; only of {', '.join(map(repr, known))}")


def draw(tag: str, content: str, look: str = "") -> str:
    """Return an element around content that is HTML already."""
    return f'<{tag} class="{look}">{content}</{tag}>' if look else f"<{tag}>{content}</{tag}>"


def draw_text(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def draw_buttons(buttons: Iterable[tuple[str, str]]) -> str:
    """Return a row of buttons."""
    drawn = "".join(f'<a class="button" href="{escape(url)}">{escape(name)}</a>' for name, url in buttons)
    return draw("div", drawn, "buttons") if drawn else ""


def draw_link(name: str, url: str) -> str:
    return f'<a href="{escape(url)}">{escape(name)}</a>'


def draw_fields(fields: Iterable[tuple[str, str]]) -> str:
    """Return names with their values in two columns."""
    rows = (f"<tr><th>{escape(name)}</th><td>{draw_text(value)}</td></tr>" for name, value in fields)
    return draw("table", "".join(rows), "fields")


def draw_accent(content: str, colour: str) -> str:
    """Return content beside a line in a colour."""
    return f'<div class="accent" style="border-color:{escape(colour)}">{content}</div>'
