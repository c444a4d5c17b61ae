"""Parts of a long form that stay folded until something in them is set or refused, and say in a line what that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from healthcheck.definitions.comparing import is_hidden

# The class of a fieldset that is folded.
FOLDED = "hc-folded"
MAX_VALUE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Fold:
    """How a folded part of the form is headed; `words` say what is set in it."""

    title: str
    words: str
    is_open: bool


def fold_fieldsets(fieldsets: Iterable[Any], defaults: dict[str, Any]) -> list[tuple[Any, Fold | None]]:
    """Return the fieldsets of the admin, each with its fold where it has one. `defaults` are as the form has them."""
    return [(each, _fold(each, defaults)) for each in fieldsets]


def _fold(fieldset: Any, defaults: dict[str, Any]) -> Fold | None:
    if FOLDED not in fieldset.classes.split():
        return None
    form, title = fieldset.form, str(fieldset.name)
    names = [name for line in fieldset for name in line.fields if name in form.fields]
    told = [_tell(form, name) for name in names if _read(form[name].value()) != _read(defaults.get(name))]
    # The heading of the fold is its own.
    fieldset.name = None
    is_open = bool(told) or any(name in form.errors for name in names)
    return Fold(title, "; ".join(told) or _("nothing set"), is_open)


def _read(value: Any) -> str:
    """Return the value as a browser sends it, whether it was sent or stored."""
    return "" if value is None else str(value).replace("\r\n", "\n").strip()


def _tell(form: Any, name: str) -> str:
    field, value = form.fields[name], form[name].value()
    label = str(field.label)
    if is_hidden(f"options.{name}") or isinstance(field.widget, forms.Textarea | forms.CheckboxInput):
        return label
    choices: Any = field.choices if isinstance(field, forms.ChoiceField) else ()
    return f"{label}: {Truncator(str(dict(choices).get(value, value))).chars(MAX_VALUE_CHARS)}"
