"""Form fields for texts of many lines: assertions, headers, parameters. What is wrong is named with its line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.probes import list_asked_kinds
from healthcheck.engine.probes.http_values import read_pairs
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Assertion, Endpoint

# With the kinds that they are for; no kinds: all that are asked.
_EXAMPLES: Mapping[str, str] = {
    "status 200-299, 301": "http",
    'body contains "ready"': "http tcp",
    'body not matches "error|fatal"': "http tcp",
    'json $.database.status == "ok"': "http",
    'header content-type contains "json"': "http",
    "rcode == NOERROR": "dns",
    'answers contains "192.0.2.1"': "dns",
    "ttl >= 300 degraded": "dns",
    "loss <= 20% degraded": "icmp",
    "jitter < 30ms degraded": "icmp",
    "latency < 800ms degraded": "",
    "certificate > 14 days": "http tcp tls",
    'protocol >= "TLSv1.2"': "tls",
    "status 200 or status 404": "http",
}
_SHORT_EXAMPLES = tuple(_EXAMPLES)[:2]


def describe_assertions_shortly() -> SafeString:
    """Return the help text where it stands beside every endpoint of a group."""
    return format_html(
        _("One per line, such as {} or {}. The endpoint's own page shows one of each kind."),
        format_html("<code>{}</code>", _SHORT_EXAMPLES[0]),
        format_html("<code>{}</code>", _SHORT_EXAMPLES[1]),
    )


def describe_assertions() -> SafeString:
    """Return the help text: the rule, and examples of assertions; `kinds.js` shows those that fit the kind."""
    asked = " ".join(list_asked_kinds())
    expected = (
        ("http", _("Without a line on the status, 200 to 399 is expected.")),
        ("dns", _("Without lines on them, the code NOERROR and an answer are expected.")),
    )
    rules = format_html_join(" ", '<span class="hc-example" data-hc-kinds="{0}">{0}: {1}</span>', expected)
    lines = ((kinds or asked, example) for example, kinds in _EXAMPLES.items())
    examples = format_html_join(" ", '<span class="hc-example" data-hc-kinds="{}"><code>{}</code></span>', lines)
    return format_html("{} {}{}", _("One per line; every one must hold."), rules, examples)


class TextField(forms.CharField):
    """Text as the person wrote it, with one newline character however the browser ends its lines."""

    def __init__(self, *, rows: int, **options: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "cols": 80, "class": "hc-lines", "spellcheck": "false"})
        super().__init__(required=False, strip=False, widget=widget, **options)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value) or "").replace("\r\n", "\n").replace("\r", "\n")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(initial) != self.to_python(data)


class AssertionsField(TextField):
    """One assertion per line, parsed by the engine; its sentence names the line, and we add the column."""

    def to_python(self, value: Any) -> str:
        return super().to_python(value).rstrip()

    def validate(self, value: str) -> None:
        super().validate(value)
        try:
            parse_assertions(value)
        except ConfigurationError as error:
            raise ValidationError(_locate(error, value)) from None
        for number, line in enumerate(value.split("\n"), start=1):
            _refuse_overlong(number, line)


class HeadersField(TextField):
    """One header per line as `Name: value`, cleaned to pairs."""

    def clean(self, value: Any) -> list[list[str]]:
        text = super().clean(value)
        lines = enumerate(text.split("\n"), start=1)
        return [split_header(number, line) for number, line in lines if line.strip()]


class PairsField(TextField):
    """One parameter per line as `name=value`, cleaned to pairs."""

    def clean(self, value: Any) -> list[list[str]]:
        text = super().clean(value)
        try:
            return [list(pair) for pair in read_pairs(text, field="query")]
        except ConfigurationError as error:
            raise ValidationError(error.sentence) from None


def split_assertions(text: str) -> list[str]:
    """Return the lines that say something, in order."""
    return [line.strip() for line in text.split("\n") if line.strip()]


def join_assertions(endpoint: Endpoint) -> str:
    """Return the stored assertions in their text form; reads what was prefetched."""
    return "\n".join(assertion.text for assertion in endpoint.assertions.all()) if endpoint.pk else ""


def join_headers(headers: Mapping[str, str] | Iterable[Any]) -> str:
    """Return stored headers as lines. Both of the forms that the engine accepts are read."""
    pairs: Iterable[Any] = headers.items() if isinstance(headers, Mapping) else headers
    return "\n".join(f"{name}: {value}" for name, value in pairs)


def join_pairs(pairs: Mapping[str, str] | Iterable[Any]) -> str:
    """Return stored parameters as lines. Both of the forms that the engine accepts are read."""
    given: Iterable[Any] = pairs.items() if isinstance(pairs, Mapping) else pairs
    return "\n".join(f"{name}={value}" for name, value in given)


def write_assertions(endpoint: Endpoint, text: str) -> None:
    """Replace the endpoint's assertions with these lines; the position is the line's number."""
    endpoint.assertions.all().delete()
    lines = enumerate(split_assertions(text))
    Assertion.objects.bulk_create(Assertion(endpoint=endpoint, position=index, text=line) for index, line in lines)


def _locate(error: ConfigurationError, text: str) -> str:
    if error.position is None:
        return error.sentence
    column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
    return _("%(sentence)s (Column %(column)s.)") % {"sentence": error.sentence, "column": column}


def _refuse_overlong(number: int, line: str) -> None:
    limit = Assertion._meta.get_field("text").max_length or 0
    if len(line.strip()) > limit:
        sentence = _("Line %(number)s: The assertion is too long; use at most %(limit)s characters.")
        raise ValidationError(sentence % {"number": number, "limit": limit})


def split_header(number: int, line: str) -> list[str]:
    """Return name and value of one line. Raises ValidationError, which names the line and quotes nothing of it."""
    name_and_value = line.split(":", 1)
    if len(name_and_value) < 2:
        raise ValidationError(_("Line %(number)s is not a header; write it as Name: value.") % {"number": number})
    return [part.strip(" \t") for part in name_and_value]
