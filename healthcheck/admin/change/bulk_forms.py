"""The form of a bulk edit: a box for everything that may be done, and beside it what it is done with.

Nothing happens whose box is not ticked, and a value without its box is asked about rather than forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from healthcheck.admin.change.bulk_fields import BulkField
from healthcheck.admin.look.bases import FormBase
from healthcheck.definitions.edits import ADD, REMOVE, REPLACE, RESET, SET, Edit
from healthcheck.definitions.versions import MAX_COMMENT_LENGTH

_Step = tuple[BulkField, str]


class BulkForm(FormBase):
    """Of each way to change a field, such as `tags.add`: its box, `tags.add.value`, and `….find` where it replaces."""

    def __init__(self, *args: Any, bulk_fields: Sequence[BulkField], **kwargs: Any) -> None:
        self.steps: list[_Step] = [(each, how) for each in bulk_fields for how in each.hows]
        # Before the widgets are dressed, which the base does at the end of its own making.
        self.base_fields = self._build()  # type: ignore[misc]  # this form's own
        super().__init__(*args, **kwargs)

    def _build(self) -> dict[str, forms.Field]:
        fields: dict[str, forms.Field] = {}
        for each, how in self.steps:
            name, label = f"{each.name}.{how}", each.describe(how)
            fields[name] = forms.BooleanField(required=False, label=label)
            if how == RESET:
                continue
            if how == REPLACE:
                found = _("%(what)s: the old one") % {"what": label}
                fields[f"{name}.find"] = forms.CharField(required=False, strip=False, label=found)
            value = each.make()
            value.required = False
            value.label = _("%(what)s: the new one") % {"what": label} if how == REPLACE else label
            fields[f"{name}.value"] = value
        fields["comment"] = forms.CharField(
            required=False,
            max_length=MAX_COMMENT_LENGTH,
            label=_("What changed and why"),
            widget=forms.TextInput(attrs={"class": "vTextField"}),
        )
        return fields

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the bound fields of each row, for the template."""
        for each, how in self.steps:
            name = f"{each.name}.{how}"
            if how != RESET:
                find = self[f"{name}.find"] if how == REPLACE else None
                yield {"box": self[name], "value": self[f"{name}.value"], "find": find}

    def resets(self) -> list[Any]:
        """Return the boxes that ask for nothing more."""
        return [self[f"{each.name}.{how}"] for each, how in self.steps if how == RESET]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        chosen = [(each, how) for each, how in self.steps if cleaned.get(f"{each.name}.{how}")]
        for each, how in self.steps:
            if how != RESET:
                (self._refuse_empty if (each, how) in chosen else self._refuse_unticked)(each, how)
        self._refuse_contradictions(chosen)
        if not chosen and not self.errors:
            self.add_error(None, _("Nothing is ticked; tick what is to be done."))
        cleaned["edits"] = [] if self.errors else [_build_edit(each, how, cleaned) for each, how in chosen]
        return cleaned

    def _refuse_empty(self, each: BulkField, how: str) -> None:
        name = f"{each.name}.{how}"
        value = self.cleaned_data.get(f"{name}.value")
        is_choice = isinstance(self.fields[f"{name}.value"], forms.ChoiceField)
        is_empty = value is None or (not value and (how in {ADD, REMOVE} or is_choice))
        if is_empty and not each.may_be_none and f"{name}.value" not in self.errors:
            self.add_error(f"{name}.value", _("Give a value, or untick the box."))
        if how == REPLACE and not self.cleaned_data.get(f"{name}.find"):
            self.add_error(f"{name}.find", _("Give the text that is to be replaced."))

    def _refuse_unticked(self, each: BulkField, how: str) -> None:
        name = f"{each.name}.{how}"
        typed = [self.data.get(f"{name}.value"), self.data.get(f"{name}.find")]
        if any(typed):
            # Whatever else is wrong with it matters only once it is wanted.
            self.errors.pop(f"{name}.value", None)
            self.add_error(name, _("A value is given, but the box is not ticked: tick it, or empty the value."))

    def _refuse_contradictions(self, chosen: Sequence[_Step]) -> None:
        for each, how in chosen:
            ways = [other for field, other in chosen if field is each]
            if len(ways) > 1 and how in {SET, RESET}:
                self.add_error(f"{each.name}.{how}", _("It cannot be done together with the others; tick one of them."))


def _build_edit(each: BulkField, how: str, cleaned: dict[str, Any]) -> Edit:
    name = f"{each.name}.{how}"
    if how == RESET:
        return Edit(each.name, how)
    value = cleaned.get(f"{name}.value")
    if how == REPLACE:
        return Edit(each.name, how, str(value or ""), cleaned[f"{name}.find"])
    return Edit(each.name, how, each.read(value))
