"""The theme's colours can be read where unfold puts them as text."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from healthcheck.web.contrast import TEXT_CONTRAST, measure_contrast, parse_colour
from project.theme import build_theme


# unfold takes 600 in the light and 500 in the dark, at worst on the chosen line of the sidebar.
@pytest.mark.parametrize(("tone", "ground"), [("600", "#f3f4f6"), ("500", "#1a2233")])
def test_links_of_the_sidebar_can_be_read(tone: str, ground: str) -> None:
    text, behind = parse_colour(build_theme()["COLORS"]["primary"][tone]), parse_colour(ground)
    assert text is not None
    assert behind is not None
    assert measure_contrast(text, behind) >= TEXT_CONTRAST


def test_sidebar_speaks_german() -> None:
    english = list_words()
    with override("de"):
        german = list_words()
    # The one that both languages share would be allowed, and there is none.
    assert [word for word in english if word in german] == []


def list_words() -> list[str]:
    families = build_theme()["SIDEBAR"]["navigation"]
    titles = [family["title"] for family in families if "title" in family]
    return [str(title) for title in (*titles, *(item["title"] for family in families for item in family["items"]))]
