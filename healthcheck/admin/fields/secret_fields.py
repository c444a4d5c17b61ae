"""Fields that only take: what is stored is never shown, nor is what was just typed when a form comes back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from healthcheck.admin.fields.text_fields import TextField


def ask_again(form: Any, *names: str) -> None:
    """Say at each secret that was typed into a refused form that it has to be typed once more."""
    for name in names:
        if form.errors and name in form.fields and form.data.get(form.add_prefix(name)):
            form.add_error(name, _("Enter it again: what was typed here is not sent back."))


class SecretTextarea(forms.Textarea):
    """A text area that comes back empty."""

    def format_value(self, value: Any) -> str:
        return ""


class SecretField(forms.CharField):
    """One line, such as a password; as it was typed, spaces included. Empty means: keep what is stored."""

    def __init__(self, **options: Any) -> None:
        # Not the browser's own password: it would fill in what opens the admin.
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "hc-wide", "spellcheck": "false"})
        super().__init__(required=False, strip=False, widget=widget, **options)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)


class SecretTextField(TextField):
    """Many lines, such as a private key."""

    def __init__(self, *, rows: int, **options: Any) -> None:
        super().__init__(rows=rows, **options)
        self.widget = SecretTextarea(attrs={**self.widget.attrs, "autocomplete": "off"})

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)


class LinesField(TextField):
    """One thing per line, cleaned to a list."""

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in super().clean(value).split("\n") if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.clean(self.prepare_value(initial)) != self.clean(data)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value
