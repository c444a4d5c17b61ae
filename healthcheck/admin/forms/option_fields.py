"""The options of every kind as fields of a form; what is stored is those of the chosen kind alone.

One page holds the fields of all kinds, so that it works without a script; `kinds.js` shows those that fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.fields.suggested_fields import SuggestingInput
from healthcheck.admin.fields.text_fields import HeadersField, PairsField, TextField, join_headers, join_pairs
from healthcheck.admin.forms.echo_fields import EchoFields
from healthcheck.admin.forms.heartbeat_fields import HeartbeatFields
from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.admin.look.field_words import (
    ADDRESSES_CHOICES,
    BODY_TYPE_CHOICES,
    FAMILY_CHOICES,
    REDIRECT_SCOPE_CHOICES,
    RULE_CHOICES,
    TLS_MAX_CHOICES,
    TLS_MIN_CHOICES,
    VERIFY_CHOICES,
)
from healthcheck.definitions.comparing import is_hidden
from healthcheck.definitions.labels import KINDS, name_kind
from healthcheck.engine.probes import (
    collect_defaults,
    list_asked_kinds,
    list_kinds,
    list_kinds_with,
    list_kinds_with_credentials,
    read_defaults,
)
from healthcheck.engine.probes.dns_options import MAX_SERVER_CHARS, RECORD_TYPES
from healthcheck.engine.probes.http_options import MAX_BODY_BYTES, MAX_REDIRECTS
from healthcheck.engine.probes.http_values import MAX_METHOD_LENGTH, METHODS
from healthcheck.models import Endpoint

# The attribute in which a widget names the kinds that it is for; the script reads it.
KINDS_ATTRIBUTE = "data-hc-kinds"
# What a kind that asks nobody has not.
_OF_PROBES = frozenset({"address", "assertions"})
_ADDRESSES: Mapping[str, str] = {
    "http": "https://example.com/health, https://example.com/?t={timestamp}",
    "tcp": "example.com:25, tcp://example.com:25",
    "tls": "example.com, example.com:443, tls://example.com:443",
    "icmp": "example.com, 192.0.2.1, icmp://example.com",
    "dns": "example.com, dns://example.com",
}


def list_choices(kind: str) -> list[tuple[str, str]]:
    """Return the kinds to choose from, and the one that is stored even where nobody registers it any more."""
    known = list_kinds()
    names = known if kind in known else [*known, kind]
    return [(name, name_kind(name)) for name in names]


def list_option_fields() -> tuple[str, ...]:
    """Return what the options are called in the form: as everywhere."""
    return tuple(collect_defaults())


def describe_addresses() -> SafeString:
    """Return the help text of an address: how it is written for each kind."""
    rows = ((kind, kind, example) for kind, example in _ADDRESSES.items())
    return format_html_join("", '<span class="hc-example" data-hc-kinds="{}">{}: <code>{}</code></span> ', rows)


def _describe_trust() -> SafeString:
    words = _("dns: counts for a name server behind tls:// alone, as the authority does.")
    return format_html('<span class="hc-example" data-hc-kinds="dns">{}</span>', words)


class KindForm(ModelFormBase):
    """A form in which the kind is chosen, and the address written as that kind takes it."""

    kind = forms.ChoiceField(choices=list(KINDS.items()), label=gettext_lazy("Kind"), initial="http")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored_kind = self.instance.kind
        for name, field in self.fields.items():
            if name == "kind" and isinstance(field, forms.ChoiceField):
                field.choices = list_choices(self._stored_kind)
                field.widget.attrs["class"] = f"{field.widget.attrs.get('class', '')} hc-kind".strip()
            if name == "address":
                field.help_text = describe_addresses()
            if name in _OF_PROBES:
                name_kinds(field.widget, list_asked_kinds())

    @cached_property
    def chosen_kind(self) -> str:
        """The kind that the person has chosen, or that is stored."""
        if self.is_bound and "kind" in self.fields:
            return str(self.data.get(self.add_prefix("kind")) or "")
        return str(self._stored_kind)


class OptionsForm(EchoFields, HeartbeatFields, KindForm):
    """The form with every option of every kind as a field."""

    method = forms.CharField(
        max_length=MAX_METHOD_LENGTH,
        label=gettext_lazy("Method"),
        help_text=gettext_lazy("GET, POST and so on, or a word of the server's own in capital letters, such as PURGE."),
        widget=SuggestingInput(METHODS, attrs={"size": 12}),
    )
    query = PairsField(
        rows=2,
        label=gettext_lazy("Parameters"),
        help_text=gettext_lazy(
            "One per line as name=value, encoded and put behind the address. Only staff who may change it see them."
        ),
    )
    headers = HeadersField(
        rows=3,
        label=gettext_lazy("Headers"),
        help_text=gettext_lazy("One per line as Name: value. Only staff who may change it see them."),
    )
    body = TextField(
        rows=4,
        label=gettext_lazy("Body"),
        help_text=gettext_lazy("Sent as UTF-8 text. For a form, one field per line as name=value."),
    )
    body_type = forms.ChoiceField(choices=BODY_TYPE_CHOICES, label=gettext_lazy("Type of the body"))
    max_redirects = forms.IntegerField(
        min_value=0,
        max_value=MAX_REDIRECTS,
        label=gettext_lazy("Redirects to follow"),
        help_text=gettext_lazy("0 to 10; with 0 the redirect is itself the answer."),
    )
    redirect_scope = forms.ChoiceField(
        choices=REDIRECT_SCOPE_CHOICES,
        label=gettext_lazy("Where redirects may lead"),
        help_text=gettext_lazy("One that leads elsewhere fails. The scheme and the port may change on the same host."),
    )
    max_body_bytes = forms.IntegerField(
        min_value=1,
        max_value=MAX_BODY_BYTES,
        label=gettext_lazy("Body limit (bytes)"),
        help_text=gettext_lazy("A larger answer fails."),
    )
    dialogue = TextField(
        rows=6,
        label=gettext_lazy("Dialogue"),
        help_text=gettext_lazy(
            'One step per line, such as: send line "PING", expect line contains "PONG", or: use smtp starttls. '
            "Empty: the connection alone is the answer. Only staff who may change it see it."
        ),
    )
    is_encrypted = forms.BooleanField(
        required=False,
        label=gettext_lazy("Encrypted from the start"),
        help_text=gettext_lazy("TLS before the first word. For encryption later on, write the step starttls."),
    )
    record_type = forms.CharField(
        max_length=20,
        label=gettext_lazy("Record type"),
        help_text=gettext_lazy("A, AAAA, MX, TXT and so on, or TYPE and a number. PTR takes an address as its name."),
        widget=SuggestingInput(RECORD_TYPES, attrs={"size": 12}),
    )
    server = forms.CharField(
        required=False,
        max_length=MAX_SERVER_CHARS,
        label=gettext_lazy("Name server"),
        help_text=gettext_lazy(
            "Who is asked, by UDP: 192.0.2.1, [2001:db8::1]:53, ns1.example.com. Behind tcp:// by TCP, behind tls:// "
            "encrypted. Empty: the servers of this system."
        ),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    is_iterative = forms.BooleanField(
        required=False,
        label=gettext_lazy("Without recursion"),
        help_text=gettext_lazy("The server then answers for the zones that it has alone."),
    )
    proxy = forms.CharField(
        required=False,
        max_length=255,
        label=gettext_lazy("Proxy"),
        help_text=gettext_lazy("Over which the target is asked, such as http://proxy.example.com:3128."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    resolver = forms.CharField(
        required=False,
        max_length=MAX_SERVER_CHARS,
        label=gettext_lazy("Resolver"),
        help_text=gettext_lazy(
            "The address of the name server that is asked for the host, with its port if it is not 53. Empty: this "
            "system's way of resolving."
        ),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    verify = forms.ChoiceField(choices=VERIFY_CHOICES, label=gettext_lazy("Verify the certificate"))
    ca_pem = TextField(
        rows=4,
        label=gettext_lazy("Authority"),
        help_text=gettext_lazy("PEM text, used when the verification is custom."),
    )
    tls_min = forms.ChoiceField(choices=TLS_MIN_CHOICES, required=False, label=gettext_lazy("Lowest version of TLS"))
    tls_max = forms.ChoiceField(choices=TLS_MAX_CHOICES, required=False, label=gettext_lazy("Highest version of TLS"))
    host = forms.CharField(
        required=False,
        max_length=255,
        label=gettext_lazy("Host header"),
        help_text=gettext_lazy("What is said in the place of the address's host, such as shop.example.com."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    server_name = forms.CharField(
        required=False,
        max_length=255,
        label=gettext_lazy("Server name"),
        help_text=gettext_lazy("The name that is asked for and must stand in the certificate, if not the address's."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    family = forms.ChoiceField(choices=FAMILY_CHOICES, label=gettext_lazy("Address family"))
    addresses = forms.ChoiceField(choices=ADDRESSES_CHOICES, label=gettext_lazy("Addresses of the name"))
    member_rule = forms.ChoiceField(choices=RULE_CHOICES, label=gettext_lazy("Judged by"))
    up_share = forms.IntegerField(
        min_value=1,
        max_value=100,
        label=gettext_lazy("Up from (percent)"),
        help_text=gettext_lazy("For a share: of the weight of all members that are checked, so much has to be up."),
    )
    degraded_share = forms.IntegerField(
        min_value=1,
        max_value=100,
        label=gettext_lazy("Degraded from (percent)"),
        help_text=gettext_lazy("For a share: below this it is down."),
    )
    degraded_is_down = forms.BooleanField(
        required=False,
        label=gettext_lazy("A degraded member counts as down"),
        help_text=gettext_lazy("For a share."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in read_options(self.instance.options).items():
            self.initial.setdefault(name, value)
        for name in self._list_options():
            name_kinds(self.fields[name].widget, list_kinds_with(name))
            # What the kind has not may be left out altogether.
            self.fields[name].required &= name in read_defaults(self.chosen_kind)
        if "period_seconds" in self.fields:
            # Or a cron expression is given in its place.
            self.fields["period_seconds"].required = False
        if "verify" in self.fields:
            self.fields["verify"].help_text = _describe_trust()
        if "timeout_seconds" in self.fields:
            name_kinds(self.fields["timeout_seconds"].widget, list_asked_kinds())
        if "credential" in self.fields:
            name_kinds(self.fields["credential"].widget, list_kinds_with_credentials())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        given = {name: cleaned[name] for name in self._list_options() if name in cleaned}
        own = read_defaults(self.chosen_kind)
        # Only what differs from the defaults is stored: a better default then reaches old endpoints, too.
        self.instance.options = {name: given[name] for name in own if name in given and given[name] != own[name]}
        if own:
            self._refuse_foreign({name: value for name, value in given.items() if name not in own})
        return cleaned

    def _list_options(self) -> list[str]:
        return [name for name in collect_defaults() if name in self.fields]

    def _refuse_foreign(self, given: Mapping[str, Any]) -> None:
        """Refuse what is filled in and would not be stored: nothing that was typed goes without a word."""
        for name, value in given.items():
            default = collect_defaults()[name]
            if value in (default, None, ""):
                continue
            cure = (
                _("Set it back to %(default)s, or choose another kind.") % {"default": self._name_value(name, default)}
                if default
                else _("Empty it, or choose another kind.")
            )
            sentence = _("A check of the kind %(kind)s has no such option.") % {"kind": self.chosen_kind}
            self.add_error(name, f"{sentence} {cure}")

    def _name_value(self, name: str, value: Any) -> str:
        field = self.fields[name]
        choices: Any = field.choices if isinstance(field, forms.ChoiceField) else ()
        return str(dict(choices).get(value, value))


def name_kinds(widget: Any, kinds: list[str]) -> None:
    """Tell the script which kinds the widget is for."""
    # Django wraps a choice of rows in what draws the links beside it.
    getattr(widget, "widget", widget).attrs[KINDS_ATTRIBUTE] = " ".join(kinds)


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the initial values of the option fields: what is stored over the defaults."""
    values = {name: options.get(name, default) for name, default in collect_defaults().items()}
    if values.get("cron"):
        values["period_seconds"] = None
    return {**values, "headers": join_headers(values["headers"]), "query": join_pairs(values["query"])}


def describe_options(endpoint: Endpoint) -> str:
    """Return the options of the endpoint's kind as lines. What may carry keys is only said to be there or not."""
    values = read_options(endpoint.options)
    own = [name for name in read_defaults(endpoint.kind) if values[name] is not None]
    hidden = {name: _("(set)") if values[name] else _("(none)") for name in own if is_hidden(f"options.{name}")}
    return "\n".join(f"{name.replace('_', ' ')}: {hidden.get(name, values[name])}" for name in own)
