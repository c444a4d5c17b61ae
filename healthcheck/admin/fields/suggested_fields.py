"""A text with suggestions: the usual values to choose from, and room for any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class SuggestingInput(forms.TextInput):
    """A line of text beside a list of the browser's own."""

    def __init__(self, suggestions: Sequence[str], attrs: Mapping[str, Any] | None = None) -> None:
        super().__init__({"autocomplete": "off", **(attrs or {})})
        self.suggestions = suggestions

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        identity = f"{(attrs or {}).get('id', name)}_suggestions"
        drawn = super().render(name, value, {**(attrs or {}), "list": identity}, renderer)
        options = format_html_join("", '<option value="{}"></option>', ((each,) for each in self.suggestions))
        return format_html('{}<datalist id="{}">{}</datalist>', drawn, identity, options)
