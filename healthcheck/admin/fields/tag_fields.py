"""Tags in forms: words separated by commas, which are made when they are first used."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.definitions.tagging import ensure_tags, join_tags, normalise_tag, parse_tags
from healthcheck.models import Tag


class TagsField(forms.CharField):
    """Cleaned to normalised names, once each, in order."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"class": "vTextField"})
        defaults = {"label": _("Tags"), "help_text": _("Words separated by commas, such as production, eu.")}
        super().__init__(required=False, widget=widget, **(defaults | options))

    def clean(self, value: Any) -> list[str]:
        return parse_tags(super().clean(value))


class TaggedForm(ModelFormBase):
    """A form with its object's tags; `tags` stands in `Meta.fields` as the model's own field would."""

    tags = TagsField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        given = self.initial.get("tags") or ()
        if not isinstance(given, str):
            self.initial["tags"] = join_tags(sorted(each.name for each in given))

    def _save_m2m(self) -> None:
        # Only now: a form that is refused makes no tags.
        if "tags" in self.cleaned_data:
            self.cleaned_data["tags"] = list(ensure_tags(self.cleaned_data["tags"]).values())
        super()._save_m2m()  # type: ignore[misc]  # not in the stubs


class TagForm(ModelFormBase):
    class Meta:
        model = Tag
        fields = ("name",)

    def clean_name(self) -> str:
        name = normalise_tag(self.cleaned_data["name"])
        if not name:
            raise ValidationError(_("A tag needs a letter; write one."))
        return name


def draw_tags(names: Any) -> SafeString:
    """Return the tags as small words of a list; empty where there are none."""
    return format_html_join(" ", '<span class="hc-tag">{}</span>', ((name,) for name in names))


def draw_tags_below(names: Any) -> SafeString:
    tags = draw_tags(names)
    return format_html("<br>{}", tags) if tags else SafeString("")
