"""Web push (RFC 8030) to one browser: its push service carries what the browser alone can read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from healthcheck.engine.faults import gettext_noop
from healthcheck.engine.incidents import Severity
from healthcheck.notifiers.contract import Answer, Field, Verdict
from healthcheck.notifiers.field_values import read_trust
from healthcheck.notifiers.fitting import fit
from healthcheck.notifiers.http import Call, Reply, write_json
from healthcheck.notifiers.message import Message
from healthcheck.notifiers.over_http import HttpNotifier
from healthcheck.notifiers.push_encryption import MAX_PAYLOAD_BYTES, encrypt, write_authorization
from healthcheck.notifiers.push_subscription import CURE, FIELD, check_contact, list_parts, read_subscription
from healthcheck.notifiers.tidying import shorten_bytes
from healthcheck.notifiers.webhook import AUTHORITY
from healthcheck.notifiers.wording import describe_left_off, is_alone, list_facts, write_headline, write_title

# For how long a push service keeps what it cannot deliver: who opens the laptop in the morning learns of the night.
TTL_SECONDS = 24 * 60 * 60
# What vouches for us is taken for a day at most (RFC 8292, 2), by clocks that differ.
VOUCHED_FOR = timedelta(hours=12)
# What a push service knows an undelivered message by, so that a later one takes its place (RFC 8030, 5.4).
TOPIC_CHARS = 32
# Notifications show a few lines. In JSON both may be twice as long, beside two addresses of 1,000 characters.
MAX_TITLE_BYTES, MAX_BODY_BYTES = 200, 600

_STATES = {Severity.DOWN: "down", Severity.DEGRADED: "degraded", Severity.NOTICE: "unknown"}
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_AGAIN = f"open this channel in that browser and {CURE}"


class WebPushNotifier(HttpNotifier):
    kind = "webpush"
    label = "Web push"
    fields = (
        Field(
            FIELD,
            gettext_noop("Subscription"),
            gettext_noop("Of one browser; the button fills it in. JSON of endpoint, keys and vapid."),
            is_secret=True,
            is_long=True,
        ),
        Field(
            "contact",
            gettext_noop("Contact"),
            gettext_noop("Whom the push service can write to: mailto:ops@example.com or an address with https://."),
        ),
        AUTHORITY,
    )
    cures = {401: _AGAIN, 403: _AGAIN}

    def check(self, values: Mapping[str, str]) -> None:
        read_subscription(values[FIELD])
        check_contact(values["contact"])
        read_trust(values["ca_pem"])

    def build_calls(self, values: Mapping[str, str], message: Message) -> Sequence[Call]:
        subscription = read_subscription(values[FIELD])
        tag = name_tag(message)
        vouched = write_authorization(
            subscription.vapid,
            audience=subscription.audience,
            subject=values["contact"],
            expires_at=datetime.now(UTC) + VOUCHED_FOR,
        )
        headers = (
            ("Authorization", vouched),
            ("Content-Encoding", "aes128gcm"),
            ("Content-Type", "application/octet-stream"),
            ("TTL", str(TTL_SECONDS)),
            ("Topic", _hide(tag, subscription.keys.auth)),
            ("Urgency", choose_urgency(message)),
        )
        payload = fit(
            message, lambda part: write_json(write_payload(part, message)), measure=len, limit=MAX_PAYLOAD_BYTES
        )
        tls = read_trust(values["ca_pem"], alpn=("http/1.1",))
        return [Call(str(subscription.endpoint), encrypt(payload, subscription.keys), headers, tls)]

    def read_reply(self, reply: Reply) -> Answer | None:
        """A subscription that has ended is unknown or gone (RFC 8030, 7.3)."""
        if reply.status in {404, 410}:
            return Answer(Verdict.REFUSED, f"The browser has ended its subscription (HTTP {reply.status}); {_AGAIN}.")
        return None

    def list_hidden(self, values: Mapping[str, str]) -> list[str]:
        """The parts of the subscription as well: a push service may say its own address back."""
        return [*super().list_hidden(values), *list_parts(read_subscription(values[FIELD]), values[FIELD])]


def choose_urgency(message: Message) -> str:
    """Return which state of its battery a browser is woken in (RFC 8030, 5.3). An end is as urgent as it can wait."""
    return "high" if not message.is_over and message.severity is Severity.DOWN else "normal"


def name_tag(message: Message) -> str:
    """Return what a notification is replaced by: the key of its one item, or that of just these items."""
    keys = _list_keys(message)
    return keys[0] if len(keys) == 1 else f"several-{_digest(' '.join(sorted(keys)))}"


def _list_keys(message: Message) -> list[str]:
    return list(dict.fromkeys(item.key if _KEY.fullmatch(item.key) else _digest(item.key) for item in message.items))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:TOPIC_CHARS]


def _hide(tag: str, secret: bytes) -> str:
    """Return a topic that is the same for the same tag, and tells the push service nothing of it."""
    return base64.urlsafe_b64encode(hmac.digest(secret, tag.encode(), hashlib.sha256)).decode("ascii")[:TOPIC_CHARS]


def write_payload(message: Message, whole: Message) -> dict[str, Any]:
    """Return what the service worker shows of as much of a message as has room. `keys` are those of the whole."""
    item = whole.items[0] if is_alone(whole) else None
    return {
        "title": shorten_bytes(write_headline(whole), MAX_TITLE_BYTES),
        "body": "\n".join(_write_lines(message)),
        "tag": name_tag(whole),
        "keys": _list_keys(whole),
        "state": "up" if whole.is_over else _STATES[whole.severity],
        "at_ms": int(whole.written_at.timestamp() * 1000),
        "url": item.url if item else "",
        "acknowledge_url": item.acknowledge_url if item and not item.is_over else "",
    }


def _write_lines(message: Message) -> list[str]:
    if is_alone(message):
        return [
            shorten_bytes(
                "\n".join(f"{name}: {text}" for name, text in list_facts(message.items[0], message)), MAX_BODY_BYTES
            )
        ]
    lines = [shorten_bytes(write_title(item), MAX_BODY_BYTES) for item in message.items]
    return [*lines, *([describe_left_off(message)] if message.left_off else [])]
