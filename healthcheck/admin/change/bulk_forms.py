"""The form of a bulk edit: every field with what is to be done to it, left alone unless something is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.fields.tag_fields import TagsField
from healthcheck.admin.fields.text_fields import AssertionsField, split_assertions
from healthcheck.admin.forms.endpoint_forms import OPTION_FIELDS, EndpointForm
from healthcheck.admin.look.bases import FormBase
from healthcheck.definitions.edits import ADD, OPTION_PREFIX, REMOVE, REPLACE, RESET, SET, Edit
from healthcheck.definitions.versions import MAX_COMMENT_LENGTH
from healthcheck.models import Credential, Endpoint, EndpointGroup

_HOWS = {
    SET: gettext_lazy("set to"),
    ADD: gettext_lazy("add"),
    REMOVE: gettext_lazy("remove"),
    REPLACE: gettext_lazy("replace"),
    RESET: gettext_lazy("reset to the default"),
}
_LEAVE = ("", gettext_lazy("leave as it is"))
_YES_NO = [("no", gettext_lazy("no")), ("yes", gettext_lazy("yes"))]


@dataclass(frozen=True, slots=True)
class BulkField:
    """A field that many objects may be given at once; `read` makes the document's value of the cleaned one."""

    name: str
    label: Any
    make: Callable[[], forms.Field]
    hows: Sequence[str] = (SET,)
    read: Callable[[Any], Any] = lambda value: value


class BulkForm(FormBase):
    """Three inputs per field: what to do, with what, and what to look for where something is replaced."""

    def __init__(self, *args: Any, bulk_fields: Sequence[BulkField], **kwargs: Any) -> None:
        self.bulk_fields = bulk_fields
        # Before the widgets are dressed, which the base does at the end of its own making.
        self.base_fields = self._build()  # type: ignore[misc]  # this form's own
        super().__init__(*args, **kwargs)

    def _build(self) -> dict[str, forms.Field]:
        fields: dict[str, forms.Field] = {}
        for each in self.bulk_fields:
            choices = [_LEAVE, *((how, _HOWS[how]) for how in each.hows)]
            label = _("%(field)s: what to do") % {"field": each.label}
            fields[f"{each.name}.how"] = forms.ChoiceField(choices=choices, required=False, label=label)
            value = each.make()
            value.required, value.label = False, each.label
            fields[each.name] = value
            if REPLACE in each.hows:
                found = _("%(field)s: text to replace") % {"field": each.label}
                fields[f"{each.name}.find"] = forms.CharField(required=False, strip=False, label=found)
        fields["comment"] = forms.CharField(
            required=False,
            max_length=MAX_COMMENT_LENGTH,
            label=_("What changed and why"),
            widget=forms.TextInput(attrs={"class": "vTextField"}),
        )
        return fields

    def rows(self) -> list[dict[str, Any]]:
        """Return the bound fields of each row, for the template."""
        return [
            {
                "how": self[f"{each.name}.how"],
                "value": self[each.name],
                "find": self[f"{each.name}.find"] if REPLACE in each.hows else None,
            }
            for each in self.bulk_fields
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        chosen = [each for each in self.bulk_fields if cleaned.get(f"{each.name}.how")]
        for each in chosen:
            self._refuse_empty(each, cleaned)
        if not chosen and not self.errors:
            self.add_error(None, _("Nothing is chosen; say of one field at least what is to be done to it."))
        cleaned["edits"] = [] if self.errors else [_build_edit(each, cleaned) for each in chosen]
        return cleaned

    def _refuse_empty(self, each: BulkField, cleaned: dict[str, Any]) -> None:
        how, value = cleaned[f"{each.name}.how"], cleaned.get(each.name)
        is_empty = value is None or (how in {ADD, REMOVE} and not value)
        if is_empty and how != RESET and each.name not in self.errors and each.name != "credential":
            self.add_error(each.name, _("Give a value, or leave the field as it is."))
        if how == REPLACE and not cleaned.get(f"{each.name}.find"):
            self.add_error(f"{each.name}.find", _("Give the text that is to be replaced."))


def _build_edit(each: BulkField, cleaned: dict[str, Any]) -> Edit:
    how, value = cleaned[f"{each.name}.how"], cleaned.get(each.name)
    if how == REPLACE:
        return Edit(each.name, how, str(value or ""), cleaned[f"{each.name}.find"])
    return Edit(each.name, how, None if how == RESET else each.read(value))


def list_endpoint_fields(*, with_credential: bool) -> list[BulkField]:
    """Return what may be changed of many endpoints. Never the group: their past hangs on it."""
    own = [_from_model(Endpoint, name) for name in ("timeout_seconds", "failure_threshold", "recovery_threshold")]
    text = [
        BulkField("is_paused", _("paused"), _make_yes_no, read=_read_yes_no),
        _from_model(Endpoint, "position"),
        BulkField("tags", _("tags"), TagsField, (ADD, REMOVE, SET)),
        BulkField("address", _("address"), forms.CharField, (REPLACE,)),
        _from_model(Endpoint, "description"),
        BulkField("assertions", _("assertions"), _make_assertions, (ADD, REMOVE, REPLACE, SET), _read_lines),
    ]
    credential = [BulkField("credential", _("credential"), _make_credential, read=_read_credential)]
    options = [_from_option(name) for name in OPTION_FIELDS]
    return [*own, *text, *(credential if with_credential else []), *options]


def list_group_fields() -> list[BulkField]:
    names = ("interval_seconds", "cron", "timezone", "deadline_seconds", "position")
    return [
        *(_from_model(EndpointGroup, name) for name in names),
        BulkField("is_paused", _("paused"), _make_yes_no, read=_read_yes_no),
        BulkField("tags", _("tags"), TagsField, (ADD, REMOVE, SET)),
    ]


def _from_model(model: Any, name: str) -> BulkField:
    column = model._meta.get_field(name)

    def make() -> forms.Field:
        field: forms.Field = column.formfield()
        field.initial = None
        if isinstance(field.widget, forms.Textarea):
            field.widget.attrs["rows"] = 3
        return field

    return BulkField(name, column.verbose_name, make)


def _from_option(name: str) -> BulkField:
    template = EndpointForm.base_fields[name]

    def make() -> forms.Field:
        # A form's fields are its own: what one sets must not reach the endpoint's form.
        return template.__deepcopy__({})

    return BulkField(OPTION_PREFIX + name, template.label, make, (SET, RESET))


def _make_yes_no() -> forms.Field:
    return forms.ChoiceField(choices=_YES_NO)


def _read_yes_no(value: Any) -> bool:
    return bool(value == "yes")


def _make_assertions() -> forms.Field:
    return AssertionsField(rows=3, help_text=_("One per line. What is removed or replaced is a whole line."))


def _read_lines(value: str) -> list[str]:
    return split_assertions(value)


def _make_credential() -> forms.Field:
    return forms.ModelChoiceField(Credential.objects.order_by("name"), empty_label=_("none"))


def _read_credential(value: Credential | None) -> str | None:
    return value.name if value else None
