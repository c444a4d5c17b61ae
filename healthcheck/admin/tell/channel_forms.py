"""The form of a channel: the fields of its kind, the secret ones to be written and never read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from django import forms
from django.utils.html import escape
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.fields.push_fields import SubscriptionField, aim_at_worker
from healthcheck.admin.fields.secret_fields import SecretField, SecretTextField, ask_again
from healthcheck.admin.fields.text_fields import TextField
from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import NotificationChannel
from healthcheck.models.secrets import SecretsError, seal_secrets
from healthcheck.notifiers import load_notifier
from healthcheck.notifiers.contract import Field, Notifier

# The kinds know how long each of their values may be; this bounds what they are asked about.
MAX_VALUE_LENGTH, MAX_LONG_LENGTH = 5_000, 256 * 1024
# A kind's own fields stand beside those of every channel, whatever they are called.
_PREFIX, _CLEAR = "own_", "clear_"
# By these names a kind says whom a message is for, and not where its secrets are sent.
_WHOM = frozenset({"recipients", "sender", "unsubscribe", "chat", "thread", "contact"})
# Fields that a person is helped to fill in, by kind and name.
_HELPED: Mapping[tuple[str, str], type[SecretTextField]] = {("webpush", "subscription"): SubscriptionField}


class ChannelForm(ModelFormBase):
    """Made for a kind by `build_form`."""

    notifier: ClassVar[Notifier]
    # Set by the admin, which makes a class of the form for each request.
    worker_url: ClassVar[str] = ""

    class Meta:
        model = NotificationChannel
        fields = ("name", "is_enabled", "is_about_ourselves", "pause_seconds")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        aim_at_worker(self, self.worker_url)
        self.instance.kind = self.notifier.kind
        self.unreadable = ""
        try:
            self.stored = self.instance.open_secrets()
        except SecretsError as error:
            self.stored, self.unreadable = {}, str(error)
        for field in self.notifier.fields:
            self._ask(field)
            if field.is_secret:
                self._mark(field)
            elif self.instance.pk:
                self.initial.setdefault(_PREFIX + field.name, self.instance.details.get(field.name, ""))

    def _ask(self, field: Field) -> None:
        """Ask for what is needed and not stored, and offer to remove nothing but what is."""
        is_stored = bool(self.stored.get(field.name))
        if not is_stored:
            self.fields.pop(_CLEAR + field.name, None)
        if shown := self.fields.get(_PREFIX + field.name):
            is_kept = is_stored or bool(field.is_secret and self.unreadable)
            shown.required = field.is_required and not (field.default or is_kept)

    def _mark(self, field: Field) -> None:
        """Say what is stored of a secret, which is whether."""
        shown = self.fields.get(_PREFIX + field.name)
        if shown is None or not self.instance.pk:
            return
        if self.unreadable:
            mark = _("(set, but no key opens it.) Enter it again, or add the key that sealed it.")
        elif self.stored.get(field.name):
            mark = _("(set) Leave it empty to keep it.")
        else:
            mark = _("(not set)")
        shown.help_text = f"{mark} {shown.help_text}".strip()

    def full_clean(self) -> None:
        super().full_clean()
        ask_again(self, *(_PREFIX + field.name for field in self.notifier.fields if field.is_secret))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        details, secrets = self._read_details(cleaned), self._read_secrets(cleaned)
        if self.unreadable and not secrets:
            if details != self.instance.details:
                self.add_error(None, self._explain_unreadable())
            return cleaned
        if self.instance.pk and self._goes_elsewhere(details) and not self._has_entered(cleaned):
            self.add_error(None, self._explain_elsewhere())
            return cleaned
        self._keep(details, secrets)
        return cleaned

    def _keep(self, details: dict[str, str], secrets: dict[str, str]) -> None:
        """Let the kind judge, and put what it takes into the row."""
        values = {field.name: str((secrets | details).get(field.name, "")) for field in self.notifier.fields}
        missing = [
            each for each in self.notifier.fields if each.is_required and not (values[each.name] or each.default)
        ]
        for field in missing:
            self.add_error(_PREFIX + field.name, gettext("This field is required."))
        if missing:
            return
        try:
            self.notifier.refuse(values)
            if not self.instance.pk or secrets != self.stored:
                self.instance.sealed = seal_secrets(secrets) if secrets else ""
            self.instance.details = details
        except ConfigurationError as error:
            own = _PREFIX + error.field
            self.add_error(own if own in self.fields else None, error.sentence)
        except SecretsError as error:
            self.add_error(None, str(error))

    def _goes_elsewhere(self, details: Mapping[str, str]) -> bool:
        """Tell whether a stored secret could be sent where it was not before: whoever changes that must know it."""
        names = (details.keys() | self.instance.details.keys()) - _WHOM
        return any(details.get(name, "") != self.instance.details.get(name, "") for name in names)

    def _has_entered(self, cleaned: Mapping[str, Any]) -> bool:
        """Tell whether every secret that is stored was entered again or is removed."""
        return all(_read_entered(cleaned, name) or cleaned.get(_CLEAR + name) for name in self.stored)

    def _explain_unreadable(self) -> str:
        return gettext("What it is told by cannot be changed while its secrets cannot be opened: %(reason)s") % {
            "reason": self.unreadable
        }

    def _explain_elsewhere(self) -> str:
        return gettext(
            "A stored secret would be sent with other details than before; enter the secrets again, or leave the rest "
            "as it is."
        )

    def _read_details(self, cleaned: Mapping[str, Any]) -> dict[str, str]:
        """Return what is no secret as it is stored: what is empty is left out."""
        public = (field.name for field in self.notifier.fields if not field.is_secret)
        return {name: cleaned[_PREFIX + name] for name in public if cleaned.get(_PREFIX + name)}

    def _read_secrets(self, cleaned: Mapping[str, Any]) -> dict[str, str]:
        kept = {name: value for name, value in self.stored.items() if not cleaned.get(_CLEAR + name)}
        entered = {field.name: _read_entered(cleaned, field.name) for field in self.notifier.fields if field.is_secret}
        return kept | {name: value for name, value in entered.items() if value}


def _read_entered(cleaned: Mapping[str, Any], name: str) -> str:
    # What is blank alone was left behind, and is no secret.
    value = str(cleaned.get(_PREFIX + name) or "")
    return value if value.strip() else ""


@cache
def build_form(kind: str) -> type[ChannelForm]:
    """Return the form of a kind. Raises ConfigurationError for a kind that is not known."""
    notifier = load_notifier(kind)
    own: dict[str, Any] = {"notifier": notifier}
    for field in notifier.fields:
        own[_PREFIX + field.name] = _build_field(field, _HELPED.get((kind, field.name), SecretTextField))
        if field.is_secret and not field.is_required:
            label = format_lazy(_("Remove what is stored: {label}"), label=_(field.label))
            own[_CLEAR + field.name] = forms.BooleanField(required=False, label=label)
    return type("ChannelForm", (ChannelForm,), own)


def list_own_fields(channel: NotificationChannel) -> list[str]:
    """Return the names of the fields of the channel's kind in its form, in order; what is not stored is not removed."""
    try:
        stored = channel.open_secrets()
    except SecretsError:
        stored = {}
    names = []
    for field in load_notifier(channel.kind).fields:
        names.append(_PREFIX + field.name)
        if field.is_secret and not field.is_required and stored.get(field.name):
            names.append(_CLEAR + field.name)
    return names


def _build_field(field: Field, secret_text: type[SecretTextField]) -> forms.Field:
    # What is required depends on what is stored: the form sees to that.
    # The admin takes a help text for HTML, and a kind's is none.
    words: dict[str, Any] = {"label": _(field.label), "help_text": field.help_text and escape(_(field.help_text))}
    limit = MAX_LONG_LENGTH if field.is_long else MAX_VALUE_LENGTH
    if field.is_secret:
        return (
            secret_text(rows=4, max_length=limit, **words) if field.is_long else SecretField(max_length=limit, **words)
        )
    if field.is_long:
        return TextField(rows=4, max_length=limit, initial=field.default, **words)
    if field.choices:
        choices = [(each, each) for each in field.choices]
        return forms.ChoiceField(required=False, choices=choices, initial=field.default, **words)
    widget = forms.TextInput(attrs={"class": "hc-wide", "autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(
        max_length=limit,
        required=False,
        initial=field.default,
        widget=widget,
        **words,
    )
