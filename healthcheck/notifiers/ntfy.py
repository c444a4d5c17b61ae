"""ntfy, at ntfy.sh or a server of one's own: plain text, with buttons."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.incidents import Severity
from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.contract import Field
from healthcheck.notifiers.field_values import check_token, parse_url, read_trust
from healthcheck.notifiers.fitting import fit
from healthcheck.notifiers.http import Call, write_json
from healthcheck.notifiers.message import Message
from healthcheck.notifiers.over_http import HttpNotifier
from healthcheck.notifiers.tidying import shorten_bytes
from healthcheck.notifiers.webhook import AUTHORITY
from healthcheck.notifiers.wording import (
    describe_left_off,
    is_alone,
    list_brief,
    list_facts,
    list_links,
    write_headline,
    write_title,
)

# What is longer becomes a file, which phones do not show.
MAX_MESSAGE_BYTES = 4096
MAX_TITLE_BYTES = 250

_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LOGIN_CURE = "enter an access token that may write to the topic"
_TAGS = {Severity.DOWN: "rotating_light", Severity.DEGRADED: "warning", Severity.NOTICE: "information_source"}
_PRIORITIES = {Severity.DOWN: 4, Severity.DEGRADED: 3, Severity.NOTICE: 3}


class NtfyNotifier(HttpNotifier):
    kind = "ntfy"
    label = "ntfy"
    fields = (
        # Who knows it reads along where no token is asked for.
        Field(
            "topic",
            gettext_noop("Topic"),
            gettext_noop("At most 64 letters, digits, hyphens and underscores."),
            is_secret=True,
        ),
        Field(
            "token",
            gettext_noop("Access token"),
            gettext_noop("Where the server asks for one."),
            is_secret=True,
            is_required=False,
        ),
        Field("url", gettext_noop("Server"), default="https://ntfy.sh"),
        AUTHORITY,
    )
    cures = {401: _LOGIN_CURE, 403: _LOGIN_CURE, 404: "enter the server's address without a path"}

    def check(self, values: Mapping[str, str]) -> None:
        url = parse_url(values["url"], field="url")
        if url.raw_path != b"/":
            raise ConfigurationError("The server is entered without a path; remove it.", field="url")
        if not _TOPIC.fullmatch(values["topic"]):
            raise ConfigurationError(
                "The topic has at most 64 letters, digits, hyphens and underscores; correct it.", field="topic"
            )
        check_token(values["token"], "The token", field="token")
        read_trust(values["ca_pem"])

    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        document = fit(message, write_notification, measure=_measure, limit=MAX_MESSAGE_BYTES)
        headers = (("Authorization", f"Bearer {values['token']}"),) if values["token"] else ()
        tls = read_trust(values["ca_pem"], alpn=("http/1.1",))
        return [Call(values["url"], write_json({"topic": values["topic"], **document}), headers, tls)]


def write_notification(message: Message) -> dict[str, Any]:
    """Return the message as a title and a text, with a button for each link where it is one item."""
    links = list_links(message.items[0]) if is_alone(message) else []
    details = message.items[0].url if is_alone(message) else ""
    return {
        "title": shorten_bytes(write_headline(message), MAX_TITLE_BYTES),
        "message": "\n".join(_write_lines(message)),
        "priority": 3 if message.is_over else _PRIORITIES[message.severity],
        "tags": ["white_check_mark" if message.is_over else _TAGS[message.severity]],
        "actions": [{"action": "view", "label": name, "url": url} for name, url in links],
        # Where a tap on the message leads.
        **({"click": details} if details else {}),
    }


def _write_lines(message: Message) -> list[str]:
    if is_alone(message):
        # Its bytes may be four times its characters.
        return [shorten_bytes(f"{name}: {text}", 900) for name, text in list_facts(message.items[0], message)] or ["-"]
    lines = []
    for item in message.items:
        lines += [write_title(item), *(text for _, text in list_brief(item))]
    return [*lines, *([describe_left_off(message)] if message.left_off else [])]


def _measure(document: dict[str, Any]) -> int:
    return len(document["message"].encode())
