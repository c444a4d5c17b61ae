"""The rows of a long list in the looks of django-unfold, drawn in Python.

The theme renders all column headers again for every row and each box by a template, which takes longer than everything
else in a list of fifty. Lists that open in a popup, and those edited in place, keep the theme's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import display_for_field, display_for_value, lookup_field
from django.contrib.admin.views.main import ChangeList
from django.db.models import ForeignKey
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from unfold.templatetags import unfold_list as theme
from unfold.widgets import CHECKBOX_CLASSES

_BOX = "action_checkbox"
_ROW = (
    '<tbody class="block relative lg:table-row-group {}"><tr class="data-row block border border-base-200 mb-3 '
    'relative rounded-default lg:table-row lg:border-none lg:mb-0 lg:rounded-none dark:border-base-800">{}</tr></tbody>'
)
_STRIPES = ("", "bg-base-50 dark:bg-white/[.02]")


@dataclass(frozen=True, slots=True)
class _Column:
    """`opening` is the tag of its cells with everything that is the same in each of them."""

    name: str
    opening: SafeString
    closing: SafeString
    is_link: bool


def draw_list(cl: ChangeList) -> dict[str, Any]:
    """Return what the template of a list needs: the theme's headers, and one drawn row per object."""
    headers: list[dict[str, Any]] = list(theme.result_headers(cl))
    columns = list(_list_columns(cl, headers))
    rows = (_draw_cells(cl, columns, each) for each in cl.result_list)
    striped = ((_STRIPES[number % 2], cells) for number, cells in enumerate(rows))
    return {
        "cl": cl,
        "result_headers": headers,
        "num_sorted_fields": sum(bool(each["sortable"] and each["sorted"]) for each in headers),
        "rows": format_html_join("\n", _ROW, striped),
    }


def _list_columns(cl: ChangeList, headers: Sequence[dict[str, Any]]) -> Iterator[_Column]:
    links = cl.list_display_links or ([] if cl.list_display_links is None else [_first_name(cl)])
    for name, header in zip(cl.list_display, headers, strict=True):
        is_box, is_link = name == _BOX, name in links
        tag = "th" if is_link and name == links[0] else "td"
        classes = theme.CHECKBOX_CLASSES if is_box else (f"field-{name}", *theme.ROW_CLASSES)
        label = _("Select record") if is_box else header["text"]
        opening = format_html('<{} class="{}" data-label="{}">', tag, " ".join(classes), label)
        yield _Column(str(name), opening, format_html("</{}>", tag), is_link)


def _first_name(cl: ChangeList) -> Any:
    return next(name for name in cl.list_display if name != _BOX)


def _draw_cells(cl: ChangeList, columns: Sequence[_Column], row: Any) -> SafeString:
    cells = ((each.opening, _draw_cell(cl, each, row), each.closing) for each in columns)
    return format_html_join("", "{}{}{}", cells)


def _draw_cell(cl: ChangeList, column: _Column, row: Any) -> str:
    if column.name == _BOX:
        return _draw_box(row.pk)
    text = _read_text(cl, column.name, row)
    if not column.is_link:
        return text
    url = cl.url_for_result(row)
    if cl.preserved_filters:
        url = f"{url}?{cl.preserved_filters}"
    return format_html('<a href="{}" class="{}">{}</a>', url, " ".join(theme.LINK_CLASSES), text)


def _draw_box(pk: Any) -> SafeString:
    box = '<input type="checkbox" name="{}" value="{}" class="{} action-select" aria-label="{}">'
    return format_html(box, ACTION_CHECKBOX_NAME, pk, " ".join(CHECKBOX_CLASSES), _("Select record"))


def _read_text(cl: ChangeList, name: str, row: Any) -> str:
    field, attribute, value = lookup_field(name, row, cl.model_admin)
    empty = cl.model_admin.get_empty_value_display()
    if field is None:
        empty = getattr(attribute, "empty_value_display", empty)
        return conditional_escape(display_for_value(value, empty, boolean=getattr(attribute, "boolean", False)))
    if isinstance(field, ForeignKey):
        return conditional_escape(getattr(row, field.name) or empty)
    return conditional_escape(display_for_field(value, field, empty))
