"""The two halves of adding by URL: what to probe, and what to make of the answer. Nothing typed is ever lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.fields.text_fields import AssertionsField, describe_assertions_shortly, split_assertions
from healthcheck.admin.look.bases import FormBase
from healthcheck.definitions.kind_use import refuse_kind
from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.probes import load_probe
from healthcheck.engine.probes.http_options import MAX_ADDRESS_LENGTH, parse_address, spell_host
from healthcheck.engine.schedule import MAX_INTERVAL_SECONDS, MIN_INTERVAL_SECONDS
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Endpoint, EndpointGroup
from healthcheck.models.endpoint import find_default_timeout
from healthcheck.pipeline.schemes import find_kind, list_candidates

MAX_NAME = 200
DEFAULT_INTERVAL_SECONDS = 60
# What is offered and not chosen from the start: both may change without anything being wrong.
_LEFT_TO_CHOOSE = ("header", "latency")


class UrlForm(FormBase):
    """What to probe, and where it will belong."""

    address = forms.CharField(
        label=gettext_lazy("URL"),
        max_length=MAX_ADDRESS_LENGTH,
        widget=forms.TextInput(
            attrs={
                "class": "hc-wide",
                "autofocus": True,
                "inputmode": "url",
                "autocomplete": "off",
                "autocapitalize": "off",
                "spellcheck": "false",
                "placeholder": "https://example.com/health",
            }
        ),
        help_text=gettext_lazy(
            "Without https:// or http://, both are tried in this order. Also taken: tcp://host:port (a connection), "
            "tls://host (a certificate), dns://name (what a name resolves to) and icmp://host (a ping)."
        ),
        error_messages={"required": gettext_lazy("Paste the URL of what is to be checked.")},
    )
    group = forms.ModelChoiceField(
        label=gettext_lazy("Group"),
        queryset=EndpointGroup.objects.none(),
        required=False,
        empty_label=gettext_lazy("a new group, named after the host"),
        help_text=gettext_lazy("Endpoints of a group are checked together."),
        error_messages={"invalid_choice": gettext_lazy("This group does not exist any more; choose another.")},
    )

    def __init__(self, *args: Any, may_add_group: bool, may_use_any_kind: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._may_use_any_kind = may_use_any_kind
        group = self.fields["group"]
        assert isinstance(group, forms.ModelChoiceField)
        group.queryset = EndpointGroup.objects.existing()
        if not may_add_group:
            group.required, group.empty_label = True, _("choose a group")

    def clean_address(self) -> str:
        """Refuse nonsense, as it will be read: an address without a scheme is tried with both."""
        address: str = self.cleaned_data["address"]
        try:
            first = list_candidates(address)[0]
            load_probe(find_kind(first)).parse(first, {})
        except ConfigurationError as error:
            raise ValidationError(error.sentence) from None
        if not self._may_use_any_kind and (sentence := refuse_kind(find_kind(first))):
            raise ValidationError(sentence)
        return address


class DetailsForm(FormBase):
    """What to make of the answer. `offered` are the assertions to choose from, one per line."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=MAX_NAME, help_text=gettext_lazy("Shown on pages."))
    group_name = forms.CharField(
        label=gettext_lazy("Name of the new group"),
        max_length=MAX_NAME,
        required=False,
        help_text=gettext_lazy("Used when no group was chosen above."),
    )
    interval_seconds = forms.IntegerField(
        label=gettext_lazy("Interval of the new group (seconds)"),
        min_value=MIN_INTERVAL_SECONDS,
        max_value=MAX_INTERVAL_SECONDS,
        required=False,
        help_text=gettext_lazy("A group that exists keeps its own."),
    )
    offered = forms.CharField(required=False, widget=forms.HiddenInput)
    chosen = forms.MultipleChoiceField(
        label=gettext_lazy("Expect of every answer"), required=False, widget=forms.CheckboxSelectMultiple
    )
    further = AssertionsField(rows=3, label=gettext_lazy("Expect further"), help_text=describe_assertions_shortly)

    def __init__(self, *args: Any, offered: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        posted = split_assertions(str(self.data.get("offered", ""))) if self.is_bound else []
        self.offered_lines = list(dict.fromkeys([*posted, *offered]))
        choices = self.fields["chosen"]
        assert isinstance(choices, forms.MultipleChoiceField)
        choices.choices = [(line, line) for line in self.offered_lines]
        self.initial["offered"] = "\n".join(self.offered_lines)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        try:
            parse_assertions("\n".join(self.list_assertions(cleaned)))
        except ConfigurationError as error:
            self.add_error("further", error.sentence)
        return cleaned

    def list_assertions(self, cleaned: Mapping[str, Any]) -> list[str]:
        return [*cleaned.get("chosen", ()), *split_assertions(cleaned.get("further", ""))]


def suggest_name(address: str) -> str:
    """Return the host and the path, without what may be a secret in it."""
    if find_kind(address) != "http":
        return _cut_scheme(address)[:MAX_NAME]
    url = parse_address(address)
    port = f":{url.port}" if url.port else ""
    return f"{spell_host(url)}{port}{url.path.rstrip('/')}"[:MAX_NAME]


def suggest_group_name(address: str) -> str:
    # Hosts are written alike in addresses of every kind.
    url = address if find_kind(address) == "http" else f"http://{_cut_scheme(address)}"
    return spell_host(parse_address(url))[:MAX_NAME]


def _cut_scheme(address: str) -> str:
    return address.strip().partition("://")[2]


def find_group(address: str) -> EndpointGroup | None:
    """Return the group that is named after the host, if there is one."""
    return EndpointGroup.objects.existing().filter(name=suggest_group_name(address)).first()


def choose_first(offered: Sequence[str]) -> list[str]:
    """Return what is chosen from the start."""
    return [line for line in offered if not line.startswith(_LEFT_TO_CHOOSE)]


def build_group(name: str, interval_seconds: int) -> EndpointGroup:
    """Return an unsaved group with a slug of its own and a deadline that its interval allows."""
    return EndpointGroup(
        name=name,
        slug=_find_free_slug(name),
        interval_seconds=interval_seconds,
        deadline_seconds=min(30.0, interval_seconds * 0.8),
    )


def build_endpoint(group: EndpointGroup, name: str, address: str) -> Endpoint:
    return Endpoint(
        group=group,
        name=name,
        kind=find_kind(address),
        address=address,
        timeout_seconds=find_default_timeout(group.deadline_seconds),
    )


def _find_free_slug(name: str) -> str:
    wanted = slugify(name.replace(".", "-").replace(":", "-"))[:90] or "group"
    taken = set(EndpointGroup.objects.existing().filter(slug__startswith=wanted).values_list("slug", flat=True))
    number = next(number for number in range(1, len(taken) + 2) if _number_slug(wanted, number) not in taken)
    return _number_slug(wanted, number)


def _number_slug(wanted: str, number: int) -> str:
    return wanted if number == 1 else f"{wanted}-{number}"
