"""PagerDuty, by its Events API v2: an alert for each incident, acknowledged and resolved with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.incidents import Event, Severity
from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.contract import Answer, Field, Verdict
from healthcheck.notifiers.field_values import parse_url
from healthcheck.notifiers.http import Call, Reply, write_json
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.over_http import HttpNotifier
from healthcheck.notifiers.tidying import shorten
from healthcheck.notifiers.wording import list_facts, list_links, write_title

# What PagerDuty takes.
MAX_KEY_CHARS = 255
MAX_SUMMARY_CHARS = 1024

_KEY = re.compile(r"[A-Za-z0-9]{32}")
_KEY_CURE = "enter the integration key of an Events API v2 integration of the service"
_SEVERITIES = {Severity.DOWN: "critical", Severity.DEGRADED: "warning", Severity.NOTICE: "info"}


class PagerDutyNotifier(HttpNotifier):
    kind = "pagerduty"
    label = "PagerDuty"
    fields = (
        Field(
            "routing_key",
            gettext_noop("Integration key"),
            gettext_noop("32 characters, of an Events API v2 integration."),
            is_secret=True,
        ),
        Field(
            "url",
            gettext_noop("Server"),
            gettext_noop("https://events.eu.pagerduty.com in Europe."),
            default="https://events.pagerduty.com",
        ),
    )
    tells_each = True
    cures = {401: _KEY_CURE, 403: _KEY_CURE, 404: "enter the server's address without a path"}

    def check(self, values: Mapping[str, str]) -> None:
        parse_url(values["url"], field="url")
        if not _KEY.fullmatch(values["routing_key"]):
            raise ConfigurationError(
                "The integration key has 32 letters and digits; copy it anew.", field="routing_key"
            )

    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        url = f"{values['url'].rstrip('/')}/v2/enqueue"
        return [
            Call(url, write_json({"routing_key": values["routing_key"], **write_event(item, message)}))
            for item in message.items
        ]

    def read_reply(self, reply: Reply) -> Answer | None:
        """A wrong key is said in the text of a status that says no more than that something is wrong."""
        if reply.status == 400 and "routing" in reply.text.lower():
            return Answer(Verdict.REFUSED, f"PagerDuty does not know the integration key (HTTP 400); {_KEY_CURE}.")
        return None


def choose_action(item: Item) -> str:
    """Return what becomes of the alert."""
    if item.is_over:
        return "resolve"
    return "acknowledge" if item.event is Event.ACKNOWLEDGED else "trigger"


def write_event(item: Item, message: Message) -> dict[str, Any]:
    """Return the event of an item. The same key in every event about it makes one alert of them."""
    return {
        "event_action": choose_action(item),
        "dedup_key": item.key[:MAX_KEY_CHARS],
        "payload": {
            "summary": shorten(write_title(item), MAX_SUMMARY_CHARS),
            "source": item.names[0] if item.names else item.title or item.key,
            "severity": _SEVERITIES[item.severity],
            "timestamp": (item.started_at or message.written_at).isoformat(),
            "custom_details": {**dict(list_facts(item, message)), "Message": message.id},
        },
        "links": [{"href": url, "text": name} for name, url in list_links(item)],
    }
