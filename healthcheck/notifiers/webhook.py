"""A webhook in the form of the Standard Webhooks specification: JSON, an id, an instant, and signatures."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.incidents import Event
from healthcheck.notifiers.contract import Field
from healthcheck.notifiers.field_values import parse_header_lines, parse_url, read_trust
from healthcheck.notifiers.http import Call, write_json
from healthcheck.notifiers.message import Item, Message
from healthcheck.notifiers.over_http import HttpNotifier
from healthcheck.notifiers.signatures import read_secret, sign
from healthcheck.notifiers.wording import is_alone, write_headline

AUTHORITY = Field(
    "ca_pem",
    gettext_noop("Certificate authority"),
    gettext_noop("In PEM form, where the receiver's certificate is not from a public one."),
    is_required=False,
    is_long=True,
)
_OURSELVES = {Event.TEST: "test", Event.TROUBLE: "checker.trouble", Event.TROUBLE_OVER: "checker.recovered"}
# A message that lists several.
_SEVERAL = "incidents.changed"


class WebhookNotifier(HttpNotifier):
    kind = "webhook"
    label = "Webhook"
    fields = (
        Field("url", gettext_noop("URL"), gettext_noop("Where each message is posted as JSON.")),
        Field(
            "secret",
            gettext_noop("Signing secret"),
            gettext_noop("whsec_ and base64 of 24 to 64 bytes. Empty for no signature."),
            is_secret=True,
            is_required=False,
        ),
        Field(
            "old_secret",
            gettext_noop("Former signing secret"),
            gettext_noop("While the receiver changes over: messages are signed with both."),
            is_secret=True,
            is_required=False,
        ),
        Field(
            "headers",
            gettext_noop("Headers"),
            gettext_noop("One a line, as Name: value; such as Authorization."),
            is_secret=True,
            is_required=False,
            is_long=True,
        ),
        AUTHORITY,
    )

    def check(self, values: Mapping[str, str]) -> None:
        parse_url(values["url"], field="url")
        parse_header_lines(values["headers"], field="headers")
        read_trust(values["ca_pem"])
        _read_keys(values)

    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        body = write_json(write_document(message))
        # The instant of the attempt, not of the message: receivers refuse old ones as replayed.
        timestamp = int(time.time())
        headers = [("webhook-id", message.id), ("webhook-timestamp", str(timestamp))]
        keys = _read_keys(values)
        if keys:
            headers.append(("webhook-signature", sign(keys, message.id, timestamp, body=body)))
        own = parse_header_lines(values["headers"], field="headers")
        tls = read_trust(values["ca_pem"], alpn=("http/1.1",))
        return [Call(values["url"], body, (*headers, *own), tls)]


def _read_keys(values: Mapping[str, str]) -> list[bytes]:
    return [read_secret(values[name], field=name) for name in ("secret", "old_secret") if values[name]]


def write_document(message: Message) -> dict[str, Any]:
    """Return what is posted. Names and words are promised; see docs/channels.md."""
    return {
        "type": _name_type(message),
        "timestamp": message.written_at.isoformat(),
        "data": {
            "id": message.id,
            "headline": write_headline(message),
            "severity": message.severity.word,
            "is_over": message.is_over,
            "items": [_write_item(item) for item in message.items],
            "left_off": message.left_off,
        },
    }


def _name_type(message: Message) -> str:
    if not is_alone(message):
        return _SEVERAL
    event = message.items[0].event
    return _OURSELVES.get(event, f"incident.{event.word}")


def _write_item(item: Item) -> dict[str, Any]:
    return {
        "event": item.event.word,
        "severity": item.severity.word,
        "key": item.key,
        "title": item.title,
        "cause": item.cause,
        "seen": item.seen,
        "note": item.note,
        "names": list(item.names),
        "count": item.count,
        "started_at": _write_instant(item.started_at),
        "ended_at": _write_instant(item.ended_at),
        "url": item.url,
        "acknowledge_url": item.acknowledge_url,
    }


def _write_instant(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant is not None else None
