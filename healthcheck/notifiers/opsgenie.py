"""Opsgenie, and Jira Service Management in its place: an alert for each incident, acknowledged and closed with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.incidents import Severity
from healthcheck.notifiers.contract import Field
from healthcheck.notifiers.field_values import check_token, parse_url
from healthcheck.notifiers.http import Call, write_json
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.over_http import HttpNotifier
from healthcheck.notifiers.pagerduty import choose_action
from healthcheck.notifiers.tidying import shorten
from healthcheck.notifiers.wording import list_facts, list_links, write_title

# What Opsgenie takes.
MAX_MESSAGE_CHARS = 130
MAX_ALIAS_CHARS = 512
MAX_DESCRIPTION_CHARS = 15_000

_KEY_CURE = "enter the key of an API integration that may create alerts"
_PRIORITIES = {Severity.DOWN: "P1", Severity.DEGRADED: "P3", Severity.NOTICE: "P5"}
_PATHS = {"acknowledge": "acknowledge", "resolve": "close"}
_SOURCE = "healthcheck"


class OpsgenieNotifier(HttpNotifier):
    kind = "opsgenie"
    label = "Opsgenie"
    fields = (
        Field("api_key", gettext_noop("API key"), gettext_noop("Of an API integration."), is_secret=True),
        Field(
            "url",
            gettext_noop("Server"),
            gettext_noop("https://api.eu.opsgenie.com in Europe."),
            default="https://api.opsgenie.com",
        ),
    )
    tells_each = True
    cures = {401: _KEY_CURE, 403: _KEY_CURE, 404: "enter the server's address without a path"}

    def check(self, values: Mapping[str, str]) -> None:
        parse_url(values["url"], field="url")
        check_token(values["api_key"], "The API key", field="api_key")

    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        headers = (("Authorization", f"GenieKey {values['api_key']}"),)
        alerts = f"{values['url'].rstrip('/')}/v2/alerts"
        return [
            Call(_choose_url(alerts, item), write_json(write_alert(item, message)), headers) for item in message.items
        ]


def _choose_url(alerts: str, item: Item) -> str:
    path = _PATHS.get(choose_action(item))
    return f"{alerts}/{quote(item.key[:MAX_ALIAS_CHARS], safe='')}/{path}?identifierType=alias" if path else alerts


def write_alert(item: Item, message: Message) -> dict[str, Any]:
    """Return what creates the alert of an item, or what is noted when it is acknowledged or closed."""
    if choose_action(item) in _PATHS:
        lines = [write_title(item), *(f"{name}: {text}" for name, text in list_facts(item, message))]
        return {"source": _SOURCE, "note": shorten("\n".join(lines), MAX_DESCRIPTION_CHARS)}
    facts = list_facts(item, message)
    lines = [f"{name}: {text}" for name, text in (*facts, *list_links(item))]
    return {
        "message": shorten(write_title(item), MAX_MESSAGE_CHARS),
        "alias": item.key[:MAX_ALIAS_CHARS],
        "description": shorten("\n".join(lines), MAX_DESCRIPTION_CHARS),
        "priority": _PRIORITIES[item.severity],
        "source": _SOURCE,
        "details": {"message": message.id},
    }
