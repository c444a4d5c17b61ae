"""What many objects may be given at once, field by field, and in which words it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.fields.tag_fields import TagsField
from healthcheck.admin.fields.text_fields import AssertionsField, split_assertions
from healthcheck.admin.forms.option_fields import OptionsForm, list_option_fields
from healthcheck.admin.forms.plugin_fields import make_plugin_fields
from healthcheck.definitions.edits import ADD, OPTION_PREFIX, REMOVE, REPLACE, RESET, SET
from healthcheck.definitions.labels import name_field
from healthcheck.engine.probes import list_kinds, list_kinds_with
from healthcheck.models import Credential, Endpoint, EndpointGroup

_UNCHOSEN = ("", "---------")
_YES_NO = [_UNCHOSEN, ("no", gettext_lazy("no")), ("yes", gettext_lazy("yes"))]
_TAG_WORDS: Mapping[str, Any] = {
    ADD: gettext_lazy("Add tags"),
    REMOVE: gettext_lazy("Remove tags"),
    SET: gettext_lazy("Replace all tags with"),
}
_ASSERTION_WORDS: Mapping[str, Any] = {
    ADD: gettext_lazy("Add assertions"),
    REMOVE: gettext_lazy("Remove assertions"),
    REPLACE: gettext_lazy("Replace a line of the assertions"),
    SET: gettext_lazy("Replace all assertions with"),
}


def _read_as_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class BulkField:
    """A field that many objects may be given at once; `read` makes the document's value of the cleaned one.

    `words` say what each way of changing it does, where “Replace X with” does not.
    """

    name: str
    label: str
    make: Callable[[], forms.Field]
    hows: Sequence[str] = (SET,)
    read: Callable[[Any], Any] = _read_as_is
    words: Mapping[str, Any] = field(default_factory=dict)
    # Whether nothing is a value, such as no credential.
    may_be_none: bool = False

    def describe(self, how: str) -> str:
        if how == RESET:
            # The page asks for all of these in one row.
            return self.label
        return str(self.words.get(how) or _("Replace %(field)s with") % {"field": self.label})


def list_endpoint_fields(*, with_credential: bool, with_groups: bool) -> list[BulkField]:
    """Return what may be changed of many endpoints. Never their names: those have to differ."""
    names = ("timeout_seconds", "failure_threshold", "recovery_threshold")
    return [
        *(_from_model(Endpoint, name) for name in names),
        _paused(Endpoint),
        *([_group()] if with_groups else []),
        _from_model(Endpoint, "position"),
        _tags(Endpoint),
        BulkField(
            "address",
            name_field(Endpoint, "address"),
            forms.CharField,
            (REPLACE,),
            words={REPLACE: _("Replace a text in the address")},
        ),
        _from_model(Endpoint, "description"),
        BulkField(
            "assertions",
            name_field(Endpoint, "assertions"),
            _make_assertions,
            (ADD, REMOVE, REPLACE, SET),
            split_assertions,
            _ASSERTION_WORDS,
        ),
        *([_credential()] if with_credential else []),
        *(_from_option(name) for name in list_option_fields()),
    ]


def list_group_fields() -> list[BulkField]:
    names = (
        "interval_seconds", "cron", "timezone", "deadline_seconds", "retention_days", "hour_retention_days", "position",
    )  # fmt: skip
    return [*(_from_model(EndpointGroup, name) for name in names), _paused(EndpointGroup), _tags(EndpointGroup)]


def _from_model(model: Any, name: str) -> BulkField:
    column = model._meta.get_field(name)

    def make() -> forms.Field:
        made: forms.Field = column.formfield()
        made.initial = None
        if isinstance(made.widget, forms.Textarea):
            made.widget.attrs["rows"] = 3
        return made

    # With its unit, which is to be typed.
    return BulkField(name, str(capfirst(column.verbose_name)), make)


def _from_option(name: str) -> BulkField:
    template = {**OptionsForm.base_fields, **make_plugin_fields()}[name]

    def make() -> forms.Field:
        # A form's fields are its own: what one sets must not reach the endpoint's form.
        made: forms.Field = template.__deepcopy__({})
        if isinstance(made, forms.ChoiceField):
            offered: Any = made.choices
            made.choices = [_UNCHOSEN, *offered]
        return made

    kinds = list_kinds_with(name)
    words = {SET: _("Verify certificates:")} if name == "verify" else {}
    is_yes_no = isinstance(template, forms.BooleanField)
    label = str(template.label) if len(kinds) == len(list_kinds()) else f"{template.label} ({', '.join(kinds)})"
    return BulkField(
        OPTION_PREFIX + name,
        label,
        _make_yes_no if is_yes_no else make,
        (SET, RESET),
        _read_yes_no if is_yes_no else _read_as_is,
        words,
    )


def _paused(model: Any) -> BulkField:
    words = {SET: _("Set “paused” to")}
    return BulkField("is_paused", name_field(model, "is_paused"), _make_yes_no, read=_read_yes_no, words=words)


def _tags(model: Any) -> BulkField:
    return BulkField("tags", name_field(model, "tags"), TagsField, (ADD, REMOVE, SET), words=_TAG_WORDS)


def _group() -> BulkField:
    words = {SET: _("Move to the group")}
    return BulkField("group", name_field(Endpoint, "group"), _make_group, read=_read_slug, words=words)


def _credential() -> BulkField:
    label = name_field(Endpoint, "credential")
    return BulkField("credential", label, _make_credential, read=_read_credential, may_be_none=True)


def _make_yes_no() -> forms.Field:
    return forms.ChoiceField(choices=_YES_NO)


def _read_yes_no(value: Any) -> bool:
    return bool(value == "yes")


def _make_assertions() -> forms.Field:
    return AssertionsField(rows=3, help_text=_("One per line."))


def _make_group() -> forms.Field:
    return forms.ModelChoiceField(
        EndpointGroup.objects.existing().order_by("position", "name"),
        help_text=_("They are checked at once in their new group. Runs of the past stay with the old one."),
    )


def _read_slug(value: EndpointGroup) -> str:
    return value.slug


def _make_credential() -> forms.Field:
    return forms.ModelChoiceField(Credential.objects.order_by("name"), empty_label=_("none"))


def _read_credential(value: Credential | None) -> str | None:
    return value.name if value else None
