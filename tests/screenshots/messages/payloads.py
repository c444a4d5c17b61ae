"""What each kind sends of a message, written by the kind itself. Nothing is sent from here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from healthcheck.notifiers import load_notifier
from healthcheck.notifiers.email_text import Envelope, write_mail
from healthcheck.notifiers.message import Message
from healthcheck.notifiers.over_http import HttpNotifier
from healthcheck.notifiers.tidying import tidy_message

# What a channel of a kind over HTTP is set up with. None of it is a secret of anybody's.
_VALUES: dict[str, dict[str, str]] = {
    "webhook": {
        "url": "https://hooks.example.com/checks",
        "secret": "whsec_RG9jdW1lbnRhdGlvbiBvbmx5LCBub3QgYSBzZWNyZXQ=",
        "headers": "Authorization: Bearer …".replace("…", "example"),
    },
    "slack": {"url": "https://hooks.slack.com/services/example"},
    "teams": {"url": "https://workflows.example.com/example"},
    "discord": {"url": "https://discord.com/api/webhooks/example"},
    "telegram": {"token": f"123456:{'k' * 35}", "chat": "-1001234", "url": "https://api.telegram.org"},
    "pagerduty": {"routing_key": "0" * 32, "url": "https://events.pagerduty.com"},
    "opsgenie": {"api_key": "example", "url": "https://api.opsgenie.com"},
    "ntfy": {"topic": "shop-alerts", "url": "https://ntfy.sh"},
}
_ENVELOPE = Envelope(Address("Checks", addr_spec="checks@example.com"), ("ops@example.com",))


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: its headers are those that the kind adds."""

    url: str
    headers: tuple[tuple[str, str], ...]
    document: dict[str, Any]


def write_sent(kind: str, message: Message) -> Sent:
    """Return the one request of a message about one incident."""
    notifier = load_notifier(kind)
    assert isinstance(notifier, HttpNotifier)
    values = {field.name: _VALUES[kind].get(field.name, "") for field in notifier.fields}
    notifier.refuse(values)
    [call] = notifier.build_calls(values, tidy_message(message))
    return Sent(call.url, tuple(call.headers), json.loads(call.body))


def write_sent_mail(message: Message) -> EmailMessage:
    return write_mail(tidy_message(message), _ENVELOPE)
