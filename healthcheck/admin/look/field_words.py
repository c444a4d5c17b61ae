"""Differences in the words of the forms: a field by its label, a value as a person would say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.look.words import describe_instant
from healthcheck.definitions.comparing import HIDDEN, Difference
from healthcheck.definitions.labels import KINDS, name_field
from healthcheck.engine.probes.address_rule import ALL, ANY, FIRST, RULES
from healthcheck.engine.probes.group import BEST, SHARE, WORST
from healthcheck.engine.probes.http_options import ANYWHERE, SAME_HOST
from healthcheck.engine.probes.http_values import FORM, JSON, TEXT
from healthcheck.engine.trust import CUSTOM, OFF, OLDEST, ON
from healthcheck.engine.types import AddressFamily
from healthcheck.web.language import list_spoken

_AT_LEAST = gettext_lazy("at least {}: each is checked, and so many must be well")
VERIFY_CHOICES = [
    (ON, gettext_lazy("on: the authorities that this system trusts")),
    (CUSTOM, gettext_lazy("custom: only the authority below")),
    (OFF, gettext_lazy("off: any certificate is accepted")),
]
FAMILY_CHOICES = [
    (AddressFamily.ANY.value, gettext_lazy("IPv4 or IPv6")),
    (AddressFamily.IPV4.value, gettext_lazy("IPv4 only")),
    (AddressFamily.IPV6.value, gettext_lazy("IPv6 only")),
]
_RULE_WORDS: Mapping[str, Any] = {
    FIRST: gettext_lazy("first: the one that takes a connection first"),
    ANY: gettext_lazy("any: each is checked, and one must be well"),
    ALL: gettext_lazy("all: each is checked, and all must be well"),
}
ADDRESSES_CHOICES = [(rule, _RULE_WORDS.get(rule) or format_lazy(_AT_LEAST, rule.split()[-1])) for rule in RULES]
BODY_TYPE_CHOICES = [
    (TEXT, gettext_lazy("text as it stands")),
    (JSON, gettext_lazy("JSON, checked when it is saved")),
    (FORM, gettext_lazy("a form: one field per line as name=value")),
]
TLS_MIN_CHOICES = [
    ("", gettext_lazy("what this system allows")),
    (OLDEST, gettext_lazy("TLS 1.0 and 1.1, too, which are not secure")),
    ("1.2", gettext_lazy("TLS 1.2")),
    ("1.3", gettext_lazy("TLS 1.3")),
]
TLS_MAX_CHOICES = [
    ("", gettext_lazy("what this system allows")),
    ("1.2", gettext_lazy("TLS 1.2")),
    ("1.3", gettext_lazy("TLS 1.3")),
]
REDIRECT_SCOPE_CHOICES = [
    (ANYWHERE, gettext_lazy("anywhere")),
    (SAME_HOST, gettext_lazy("to the same host only")),
]
RULE_CHOICES = [
    (WORST, gettext_lazy("worst: as bad as its worst member")),
    (BEST, gettext_lazy("best: as good as its best member")),
    (SHARE, gettext_lazy("share: how much of it is up")),
]
# What a document says in English, because it is kept.
_MARKS: Mapping[str, Any] = {
    HIDDEN: gettext_lazy("(hidden)"),
    "yes": gettext_lazy("yes"),
    "no": gettext_lazy("no"),
    "set": gettext_lazy("set"),
}
_MARKED = frozenset(
    {
        "is_paused",
        "shows_all_groups",
        "is_public",
        "covers_all",
        "password",
        "details.sends_secret_in_body",
        "options.is_encrypted",
        "options.is_iterative",
        "options.degraded_is_down",
    }
)


def describe_differences(model: type[Model], changes: Sequence[Difference]) -> list[Difference]:
    return [describe_difference(model, each) for each in changes]


def describe_difference(model: type[Model], change: Difference) -> Difference:
    before, after = (describe_value(model, change.field, side) for side in (change.before, change.after))
    return Difference(name_field(model, change.field), before, after)


def describe_value(model: type[Model], key: str, text: str) -> str:
    """Return one side of a difference in words; what has none stays as it is."""
    if not text:
        return ""
    if key in _MARKED or text == HIDDEN:
        return str(_MARKS.get(text, text))
    if key in _WRITERS:
        return _WRITERS[key](text)
    return str(_list_choices(model, key).get(text, text))


def _write_seconds(text: str) -> str:
    return _count(text, lambda count: ngettext("%(number)s second", "%(number)s seconds", count))


def _write_ms(text: str) -> str:
    return _count(text, lambda count: ngettext("%(number)s millisecond", "%(number)s milliseconds", count))


def _write_bytes(text: str) -> str:
    return _count(text, lambda count: ngettext("%(number)s byte", "%(number)s bytes", count))


def _count(text: str, choose: Callable[[int], str]) -> str:
    # Parts of one are several, in the languages that we speak.
    return choose(1 if text == "1" else 2) % {"number": text}


def _write_instant(text: str) -> str:
    try:
        return describe_instant(datetime.fromisoformat(text))
    except ValueError:
        return text


def _write_language(text: str) -> str:
    return _(list_spoken().get(text, text))


def _write_secret(text: str) -> str:
    return str(_SECRETS.get(text, text))


_SECRETS: Mapping[str, Any] = {
    "password": gettext_lazy("Password"),
    "token": gettext_lazy("Token"),
    "client_secret": gettext_lazy("Client secret"),
    "private_key": gettext_lazy("Private key"),
    "passphrase": gettext_lazy("Passphrase"),
    "headers": gettext_lazy("Headers"),
    "unreadable": gettext_lazy("unreadable"),
}
_WRITERS: Mapping[str, Callable[[str], str]] = {
    "timeout_seconds": _write_seconds,
    "interval_seconds": _write_seconds,
    "deadline_seconds": _write_seconds,
    "options.max_body_bytes": _write_bytes,
    "options.packet_interval_ms": _write_ms,
    "options.packet_wait_ms": _write_ms,
    "options.packet_bytes": _write_bytes,
    "secrets": _write_secret,
    "secrets_changed_at": _write_instant,
    "starts_at": _write_instant,
    "ended_at": _write_instant,
    "duration_seconds": _write_seconds,
    "language": _write_language,
}


_OPTION_CHOICES: Mapping[str, Any] = {
    "options.verify": VERIFY_CHOICES,
    "options.family": FAMILY_CHOICES,
    "options.addresses": ADDRESSES_CHOICES,
    "options.body_type": BODY_TYPE_CHOICES,
    "options.tls_min": TLS_MIN_CHOICES,
    "options.tls_max": TLS_MAX_CHOICES,
    "options.redirect_scope": REDIRECT_SCOPE_CHOICES,
    "options.member_rule": RULE_CHOICES,
}


@cache
def _list_choices(model: type[Model], key: str) -> Mapping[str, Any]:
    if key in _OPTION_CHOICES:
        return dict(_OPTION_CHOICES[key])
    try:
        column: Any = model._meta.get_field(key)
    except FieldDoesNotExist:
        return {}
    words = {str(value): label for value, label in getattr(column, "flatchoices", ())}
    # Which kinds there are is the registry's business, and no choice of the column.
    return words or (KINDS if key == "kind" else {})
