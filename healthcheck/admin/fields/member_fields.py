"""The lines of members, and above them a search that writes the lines; without a script the lines alone are there."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from healthcheck.admin.fields.text_fields import TextField
from healthcheck.admin.look.dress import dress_widget
from healthcheck.definitions.member_lines import parse_members


class MemberLines(forms.Textarea):
    """A text area with a search. `find_url` answers with the lines that fit; empty for no search."""

    find_url = ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        lines = super().render(name, value, attrs, renderer)
        if not self.find_url:
            return lines
        identity = str((attrs or {}).get("id", name))
        return format_html(
            '<span class="hc-find" data-hc-find="{url}" data-hc-lines="{lines_id}" hidden>'
            '<label for="{id}_find">{label}</label> '
            '{search}<datalist id="{id}_found"></datalist></span>{lines}',
            url=self.find_url,
            lines_id=identity,
            id=identity,
            label=_("Find an endpoint to add"),
            search=_draw_search(identity),
            lines=lines,
        )


def _draw_search(identity: str) -> SafeString:
    # Without a name: it is not sent with the form.
    attributes = {"id": f"{identity}_find", "list": f"{identity}_found", "autocomplete": "off", "class": "vTextField"}
    search = forms.SearchInput(attributes)
    dress_widget(search)
    return search.render("", None)


class MembersField(TextField):
    """One member per line, cleaned to the entries of a document."""

    def __init__(self, **options: Any) -> None:
        super().__init__(rows=6, **options)
        self.widget = MemberLines(attrs=self.widget.attrs)

    def clean(self, value: Any) -> Any:
        return parse_members(super().clean(value))
