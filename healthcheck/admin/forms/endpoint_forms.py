"""The forms of an endpoint: the whole one with the options of every kind, and the short one inside its group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.fields.tag_fields import TaggedForm
from healthcheck.admin.fields.text_fields import (
    AssertionsField,
    describe_assertions,
    describe_assertions_shortly,
    join_assertions,
)
from healthcheck.admin.forms.member_forms import MembersForm
from healthcheck.admin.forms.option_fields import KindForm, OptionsForm, list_option_fields
from healthcheck.admin.forms.versioned_forms import VERSION_FIELD, VersionField, refuse_stale
from healthcheck.admin.look.bases import InlineFormSetBase, ModelFormBase
from healthcheck.definitions.credential_use import refuse_exposure
from healthcheck.definitions.endpoint_drafts import RESTARTING_KEYS, refuse_assertions
from healthcheck.definitions.kind_use import refuse_kind
from healthcheck.definitions.members import KIND
from healthcheck.definitions.versions import load_numbers
from healthcheck.engine.probes import is_judged
from healthcheck.models import Endpoint, EndpointGroup
from healthcheck.models.endpoint import find_default_timeout

_WIDGETS: Mapping[str, forms.Widget] = {
    "address": forms.TextInput(attrs={"class": "hc-wide"}),
    "description": forms.Textarea(attrs={"rows": 2, "cols": 80, "class": "vLargeTextField"}),
    "timeout_seconds": forms.NumberInput(attrs={"class": "vIntegerField"}),
}

_TIMEOUT_OF_NEW = _(
    "Bounds the whole check: name, connection, answer and a second attempt. Empty: 10, or the group's deadline where "
    "that is shorter."
)


def restarts_clock(changed: Iterable[str]) -> bool:
    """Say whether one of these fields of the form is a reason to check at once; all of the options share one key."""
    return not {"group", "is_paused", *RESTARTING_KEYS, *list_option_fields()}.isdisjoint(changed)


class ExistingForm(ModelFormBase):
    """A form whose unique names are compared with what exists: deleted rows keep their names until they are pruned."""

    def _get_validation_exclusions(self) -> set[str]:
        # The unique constraints read these columns, of which the form shows none or only the value; excluded, they
        # would not be checked at all, and a name in use would end in an IntegrityError.
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # not in the stubs
        fixed = {"group"} - set(self.fields)
        return exclusions - {"deleted_at"} - fixed


class EndpointFormBase(ExistingForm):
    """What both forms share: the assertions, and refusals shown at the field that they belong to."""

    # Whether the person may see credentials; set by the admin, which makes a class of the form for each request.
    may_use_credentials: ClassVar[bool] = False
    # Whether they may have kinds checked that answer to no address policy; set in the same place.
    may_use_any_kind: ClassVar[bool] = False

    assertions = AssertionsField(rows=4, label=_("Assertions"), help_text=describe_assertions)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("assertions", join_assertions(self.instance))
        if self.instance.pk is None and "timeout_seconds" in self.fields:
            # Which it is depends on the group, that of the form perhaps.
            self.initial["timeout_seconds"] = (kwargs.get("initial") or {}).get("timeout_seconds")
            self.fields["timeout_seconds"].required = False
            self.fields["timeout_seconds"].help_text = _TIMEOUT_OF_NEW
        # What is stored, before the form writes what was typed over it.
        self._stored = _describe_sending(self.instance)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind = str(cleaned.get("kind") or self.instance.kind)
        if cleaned.get("assertions") and is_judged(kind):
            self.add_error("assertions", refuse_assertions(kind))
        if "timeout_seconds" in cleaned and cleaned["timeout_seconds"] is None:
            group = cleaned.get("group")
            deadline_seconds = group.deadline_seconds if group else self.instance.find_group_deadline()
            cleaned["timeout_seconds"] = find_default_timeout(deadline_seconds)
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # not in the stubs
        if not self.may_use_any_kind and self.has_changed() and (sentence := refuse_kind(self.instance.kind)):
            self.add_error("kind", sentence)
        if self.may_use_credentials or not (self._stored["credential"] and self.instance.credential_id):
            return
        for name, sentence in refuse_exposure(self._stored, _describe_sending(self.instance)).items():
            self.add_error(name if name in self.fields else None, sentence)

    def add_error(self, field: str | None, error: Any) -> None:
        """Move what the model says of `options` to the field of that option, whose name is the error's code.

        What it says of a field that this form does not show goes above the form.
        """
        if field is None and isinstance(error, ValidationError) and hasattr(error, "error_dict"):
            refusals = dict(error.error_dict)
            for refusal in refusals.pop("options", ()):
                super().add_error(refusal.code if refusal.code in self.fields else None, refusal)
            for refusal in refusals.pop("credential", ()):
                super().add_error("credential" if "credential" in self.fields else None, refusal)
            error = ValidationError(refusals)
        super().add_error(field, error)


class EndpointForm(TaggedForm, MembersForm, OptionsForm, EndpointFormBase):
    class Meta:
        model = Endpoint
        widgets = _WIDGETS
        fields = (
            "group",
            "name",
            "position",
            "is_paused",
            "kind",
            "address",
            "timeout_seconds",
            "failure_threshold",
            "recovery_threshold",
            "credential",
            "tags",
            "description",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "group" in self.fields:
            group = self.fields["group"]
            assert isinstance(group, forms.ModelChoiceField)
            group.queryset = EndpointGroup.objects.existing()


class EndpointInlineForm(KindForm, EndpointFormBase):
    assertions = AssertionsField(rows=3, label=_("Assertions"), help_text=describe_assertions_shortly)
    opened_version = VersionField()

    class Meta:
        model = Endpoint
        widgets = _WIDGETS
        fields = (
            "name",
            "position",
            "is_paused",
            "kind",
            "address",
            "timeout_seconds",
            "failure_threshold",
            "recovery_threshold",
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        leaves = self._stored_kind == KIND != cleaned.get("kind", KIND)
        if leaves and self.instance.pk and self.instance.members.exists():
            # They are not on this page.
            self.add_error("kind", _("It has members; change its kind on its own page, and empty them there."))
        return cleaned


class EndpointFormSet(InlineFormSetBase):
    """Endpoints inside the form of their group, judged against the group as it is about to be saved."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.instance.group = self.instance
        if form.instance.pk:
            form.initial[VERSION_FIELD] = self.numbers[form.instance.pk]

    @cached_property
    def numbers(self) -> dict[int, int]:
        """The newest version of each endpoint, in one query for all forms."""
        return load_numbers(Endpoint, [each.pk for each in self.get_queryset()])

    def clean(self) -> None:
        super().clean()
        for form in self.initial_forms:
            if form.instance.pk is None:
                # Django would leave it out without a word, and what was typed with it.
                form.add_error(
                    None, _("This endpoint was deleted or moved after you had opened the form; remove its row.")
                )
            if form.instance.pk in self.numbers and form.is_valid() and form.has_changed():
                refuse_stale(form, self.numbers[form.instance.pk])
        seen: set[str] = set()
        for form in self.forms:
            name = form.cleaned_data.get("name") if hasattr(form, "cleaned_data") else None
            if not name or form in self.deleted_forms:
                continue
            if name in seen:
                # The constraint speaks only of rows that are stored already.
                form.add_error("name", _("This group already has an endpoint with this name; choose another."))
            seen.add(name)


def _describe_sending(endpoint: Endpoint) -> dict[str, Any]:
    return {"address": endpoint.address, "options": endpoint.options, "credential": endpoint.credential_id}
