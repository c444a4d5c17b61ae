"""Templates of updates: a fixed set of names that are replaced, and no code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.admin.tell.told import ToldAdmin
from healthcheck.models import UpdateTemplate

NAMES = ("title", "endpoints", "since")
# More than anybody looks through in a menu.
MAX_TEMPLATES_OFFERED = 50
_NAME = re.compile(r"\{([^{}\s]*)\}")
# What Markdown would read as its own: a name of an endpoint is no markup.
_MARKS = re.compile(r"([\\`*_\[\]<>~|])")


class TemplateForm(ModelFormBase):
    class Meta:
        model = UpdateTemplate
        fields = ("name", "stage", "text")
        widgets = {"text": forms.Textarea(attrs={"rows": 6, "cols": 80, "class": "hc-lines"})}

    def clean_text(self) -> str:
        text = str(self.cleaned_data["text"])
        unknown = sorted(set(_NAME.findall(text)) - set(NAMES))
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in NAMES)
            sentence = _("There is no {%(name)s}; write one of %(known)s.")
            raise ValidationError(sentence % {"name": unknown[0], "known": known})
        return text


@admin.register(UpdateTemplate)
class UpdateTemplateAdmin(ToldAdmin):
    form = TemplateForm
    list_display = ("name", "stage")
    empty_words = gettext_lazy("A template is a text to begin an update with, written on a quiet day.")
    list_filter = ("stage",)
    search_fields = ("name", "text")


def list_templates() -> Sequence[UpdateTemplate]:
    return list(UpdateTemplate.objects.only("name")[:MAX_TEMPLATES_OFFERED])


def fill_template(template: UpdateTemplate, values: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form of an update begins with; names are replaced once, so that none can bring in another."""
    escaped = {name: _MARKS.sub(r"\\\1", values.get(name, "")) for name in NAMES}
    return {"text": _NAME.sub(lambda found: escaped.get(found[1], found[0]), template.text), "stage": template.stage}
