"""The lists' rows: complete whoever draws them, and those that we draw are the theme's own, tag by tag."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from healthcheck.admin.look.bases import IS_UNFOLD
from tests.admin.scenes import HOSTILE, paint_bad_day

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck"
LISTS = {"endpoint": f"{ROOT}/endpoint/?state=down", "endpointgroup": f"{ROOT}/endpointgroup/"}


@pytest.mark.parametrize("kind", LISTS)
def test_every_row_has_its_box_and_its_link_back_to_this_list(operator: Client, kind: str) -> None:
    paint_bad_day(timezone.now())
    response = operator.get(LISTS[kind])
    rows = _read_list(response).result_list
    page = response.content.decode()
    assert len(rows) >= 3
    boxes = re.findall(r'<input type="checkbox" name="_selected_action" value="(\d+)"', page)
    assert boxes == [str(row.pk) for row in rows]
    kept = "?_changelist_filters=state%3Ddown" if "?" in LISTS[kind] else ""
    for row in rows:
        assert f'<a href="{ROOT}/{kind}/{row.pk}/change/{kept}"' in page


@pytest.mark.parametrize("kind", LISTS)
def test_hostile_names_stay_text(operator: Client, kind: str) -> None:
    paint_bad_day(timezone.now())
    page = operator.get(f"{ROOT}/{kind}/").content.decode()
    assert html.escape(HOSTILE[:60]) in page
    assert "<script>alert(1)" not in page


def test_popup_keeps_what_it_tells_its_opener(operator: Client) -> None:
    group = paint_bad_day(timezone.now())
    page = operator.get(f"{ROOT}/endpointgroup/?_popup=1").content.decode()
    assert f'data-popup-opener="{group.pk}"' in page


if IS_UNFOLD:
    from unfold.templatetags import unfold_list as theme

    from healthcheck.admin.look.themed_rows import draw_list

    @pytest.mark.parametrize("kind", LISTS)
    def test_drawn_cells_are_those_of_the_theme(operator: Client, kind: str) -> None:
        paint_bad_day(timezone.now())
        cl = _read_list(operator.get(LISTS[kind]))
        drawn = list(_find_tags(str(draw_list(cl)["rows"])))
        themed = [tag for row in theme.results(cl) for cell in row for tag in _find_tags(str(cell))]
        # But that long names of groups may wrap.
        themed = [tag.replace(" nowrap", "") for tag in themed]
        assert [tag for tag in drawn if not tag.startswith(("<tbody", "<tr", "</tbody", "</tr"))] == themed


def _read_list(response: Any) -> Any:
    return response.context_data["cl"]


def _find_tags(text: str) -> Iterator[str]:
    """Yield tags, with their attributes in one order, and the texts between them."""
    for part in re.findall(r"<[^>]+>|[^<]+", text):
        name, *attributes = re.findall(r'[^\s"<>]+="[^"]*"|[^\s<>]+', part) or [""]
        if part.startswith("<"):
            yield f"<{name} {' '.join(sorted(attributes))}"
        elif part.strip():
            yield part.strip()
