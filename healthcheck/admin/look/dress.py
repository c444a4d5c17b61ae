"""The looks of the widgets that our forms choose themselves. The stock admin styles elements; unfold styles classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.apps import apps
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper

# By type of widget, the first that fits: its classes, and a template where its frame differs as well.
DRESSES: Sequence[tuple[type[forms.Widget], str, str]] = ()

if apps.is_installed("unfold"):
    from unfold import widgets as looks

    DRESSES = (
        (forms.CheckboxInput, " ".join(looks.CHECKBOX_CLASSES), ""),
        (forms.ClearableFileInput, "", ""),
        (forms.FileInput, "", ""),
        (forms.HiddenInput, "", ""),
        (forms.CheckboxSelectMultiple, "", ""),
        (forms.RadioSelect, "", ""),
        (forms.SelectMultiple, " ".join(looks.SELECT_CLASSES), ""),
        (forms.Select, " ".join(looks.SELECT_CLASSES), looks.UnfoldAdminSelectWidget.template_name),
        (forms.Textarea, " ".join(looks.TEXTAREA_CLASSES), ""),
        (forms.widgets.Input, " ".join(looks.INPUT_CLASSES), ""),
    )


def dress_form(form: forms.BaseForm) -> None:
    """Give the plain widgets of a form the classes of the theme; those of the theme wear them already."""
    for field in form.fields.values():
        dress_widget(field.widget)


def dress_widget(widget: Any) -> None:
    """Give one plain widget the classes of the theme."""
    if isinstance(widget, RelatedFieldWidgetWrapper):
        widget = widget.widget
    dress = next((each for each in DRESSES if isinstance(widget, each[0])), None)
    if dress is None or type(widget).__module__.startswith("unfold."):
        return
    _kind, classes, template = dress
    worn = widget.attrs.get("class", "").split()
    widget.attrs["class"] = " ".join([*worn, *(name for name in classes.split() if name not in worn)])
    if template:
        widget.template_name = template
