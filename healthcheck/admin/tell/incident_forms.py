"""The forms of an incident's page, and the one that opens an incident. The pipeline refuses what makes no sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelectMultiple
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.look.bases import FormBase
from healthcheck.admin.tell.words import SEVERITY_WORDS, STAGE_WORDS
from healthcheck.engine.incidents import Severity, Stage
from healthcheck.models import Endpoint, EndpointGroup, MaintenanceWindow
from healthcheck.pipeline.incident_verbs import MAX_POST_MORTEM_LENGTH, MAX_TEXT_LENGTH, MAX_TITLE_LENGTH

# More than anybody looks through in a menu.
MAX_PEOPLE = 200
_MARKDOWN = _("Markdown: **strong**, lists, [links](https://example.org).")
# Much longer than what is taken: the sentence that refuses it says how long it is.
_SLACK = 10


def _text_field(label: Any, limit: int, *, rows: int = 4, required: bool = False) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, "cols": 80, "class": "hc-lines"})
    return forms.CharField(
        label=label, max_length=_SLACK * limit, required=required, strip=False, widget=widget, help_text=_MARKDOWN
    )


def _title_field(label: Any, help_text: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"class": "vTextField", "maxlength": MAX_TITLE_LENGTH})
    return forms.CharField(
        label=label, max_length=_SLACK * MAX_TITLE_LENGTH, required=False, widget=widget, help_text=help_text
    )


class WriteForm(FormBase):
    text = _text_field(_("What you know"), MAX_TEXT_LENGTH)
    stage = forms.TypedChoiceField(
        label=_("Stage"),
        choices=[("", _("none: a note for colleagues, who are not told")), *((s.value, STAGE_WORDS[s]) for s in Stage)],
        coerce=lambda value: Stage(int(value)),
        empty_value=None,
        required=False,
        help_text=_("With a stage it is an update, and whoever was told of the incident is told of it."),
    )
    is_public = forms.BooleanField(
        label=_("Show this update on status pages"),
        required=False,
        help_text=_("Only where the incident itself is shown. Notes never are."),
    )


class PublishForm(FormBase):
    title = _title_field(_("Title for everybody"), _("In words that tell visitors something, and nothing internal."))
    is_public = forms.BooleanField(label=_("Show this incident on status pages"), required=False)


class PostMortemForm(FormBase):
    text = _text_field(_("Post-mortem"), MAX_POST_MORTEM_LENGTH, rows=10)


class AssignForm(FormBase):
    assignee = forms.ModelChoiceField(
        label=_("Assigned to"), queryset=get_user_model().objects.none(), required=False, empty_label=_("nobody")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people: Any = get_user_model().objects.filter(is_active=True, is_staff=True).order_by("username")
        field: Any = self.fields["assignee"]
        field.queryset = people
        # The menu is bounded; what is sent is looked up among all.
        field.choices = [("", _("nobody")), *((each.pk, str(each)) for each in people[:MAX_PEOPLE])]


class OpenForm(FormBase):
    title = _title_field(_("Title"), _("In words that others understand: it is what they are told."))
    severity = forms.TypedChoiceField(
        label=_("Severity"),
        choices=[(severity.value, SEVERITY_WORDS[severity]) for severity in Severity],
        coerce=lambda value: Severity(int(value)),
        initial=Severity.DOWN.value,
    )
    text = _text_field(_("What you know"), MAX_TEXT_LENGTH)
    endpoints = forms.ModelMultipleChoiceField(label=_("Endpoints"), queryset=Endpoint.objects.none(), required=False)
    groups = forms.ModelMultipleChoiceField(
        label=_("Groups"),
        queryset=EndpointGroup.objects.none(),
        required=False,
        help_text=_("With all their endpoints."),
    )
    is_public = forms.BooleanField(label=_("Show it on status pages"), required=False)

    def __init__(self, *args: Any, site: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, queryset in (
            ("endpoints", Endpoint.objects.existing()),
            ("groups", EndpointGroup.objects.existing()),
        ):
            field: Any = self.fields[name]
            field.queryset = queryset
            # Windows choose among the same.
            column: Any = MaintenanceWindow._meta.get_field(name)
            field.widget = AutocompleteSelectMultiple(column, site, choices=field.choices)

    def list_endpoints(self) -> Sequence[int]:
        """Return the ids of all that were chosen, one by one or with their group."""
        chosen = [each.pk for each in self.cleaned_data["endpoints"]]
        grouped = Endpoint.objects.existing().filter(group__in=self.cleaned_data["groups"])
        return [*chosen, *grouped.values_list("pk", flat=True)]


def add_refusal(form: forms.Form, refusal: ValidationError) -> None:
    """Put what the pipeline refuses to the field that it names."""
    for name, sentences in getattr(refusal, "message_dict", {None: refusal.messages}).items():
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)
