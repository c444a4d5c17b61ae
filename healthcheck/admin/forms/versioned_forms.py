"""Forms that know which version they were opened with, and refuse to save on top of somebody else's newer one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.admin.look.field_words import describe_difference
from healthcheck.admin.look.words import describe_instant
from healthcheck.definitions.comparing import Difference, compare_documents, is_hidden
from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.versions import AS_FOUND, MAX_COMMENT_LENGTH, find_versions, load_numbers
from healthcheck.models import Version

VERSION_FIELD = "opened_version"
OWN_FIELDS = frozenset({VERSION_FIELD, "version_comment"})
# What stands in a form's refusal; the rest is in the history.
MAX_CHANGES_NAMED = 10
_MAX_VALUE_CHARS = 80


class VersionField(forms.IntegerField):
    """The number of the version that the form was opened with; hidden, and no change of the person's."""

    def __init__(self) -> None:
        super().__init__(required=False, min_value=0, widget=forms.HiddenInput, label="")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class CommentField(forms.CharField):
    """What the person says about the change; in itself it changes nothing."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class VersionedForm(ModelFormBase):
    """Mixed into a model's form by `VersionedAdmin`; the template shows both fields over the save buttons."""

    opened_version = VersionField()
    version_comment = CommentField(
        required=False,
        max_length=MAX_COMMENT_LENGTH,
        label=gettext_lazy("What changed and why"),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=gettext_lazy("One line for the history; may stay empty."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and VERSION_FIELD not in self.initial and not self.is_bound:
            self.initial[VERSION_FIELD] = load_numbers(type(self.instance), [self.instance.pk])[self.instance.pk]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk and cleaned.get(VERSION_FIELD) is not None:
            number = load_numbers(type(self.instance), [self.instance.pk])[self.instance.pk]
            refuse_stale(self, number)
        return cleaned


def refuse_stale(form: Any, number: int) -> None:
    """Add the refusal when the object has a newer version than the form; what was typed stays, with the new number."""
    opened = form.cleaned_data.get(VERSION_FIELD)
    if opened is None or opened >= number:
        return
    form.add_error(None, ValidationError(_describe_newer(form.instance, opened), code="stale"))
    # Whoever has read this may save on top of it: the page carries the number of what they have seen now.
    form.data = form.data.copy()
    form.data[form.add_prefix(VERSION_FIELD)] = str(number)


def _describe_newer(instance: Any, opened: int) -> list[str]:
    newer = list(find_versions(type(instance), instance.pk).filter(number__gte=opened).only(*_SHOWN)[:50])
    last = newer[0]
    sentence = _("%(author)s changed this at %(at)s, after you had opened it. Saving again writes your values over it.")
    lines = [sentence % {"author": last.author_name or _("Somebody"), "at": describe_instant(last.at)}]
    said = [each for each in newer if each.number > opened and each.comment not in {"", AS_FOUND}]
    lines += [_describe_comment(version) for version in said]
    first = next((version for version in newer if version.number == opened), newer[-1])
    now = read_documents(type(instance), [instance.pk]).get(instance.pk, last.definition)
    changes = compare_documents(first.definition, now, shows_hidden=True)
    return lines + [_describe_change(type(instance), each) for each in changes[:MAX_CHANGES_NAMED]]


_SHOWN = ("number", "author_name", "at", "comment", "definition")


def _describe_comment(version: Version) -> str:
    return f"“{version.comment}” ({version.author_name})" if version.author_name else f"“{version.comment}”"


def _describe_change(model: type[Model], change: Difference) -> str:
    said = describe_difference(model, change)
    if is_hidden(change.field):
        # A refusal may be read over a shoulder or pasted into a ticket.
        return _("%(field)s was changed.") % {"field": said.field}
    return _("%(field)s: “%(before)s” became “%(after)s”.") % {
        "field": said.field,
        "before": said.before[:_MAX_VALUE_CHARS],
        "after": said.after[:_MAX_VALUE_CHARS],
    }
