"""What the tests of telling people share: a kind of channel with a field of every sort, and keys for secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from healthcheck.engine.incidents import Event, Severity
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Delivery, DeliveryStatus, NotificationChannel
from healthcheck.models.secrets import make_key, seal_secrets
from healthcheck.notifiers import NOTIFIERS, load_notifier
from healthcheck.notifiers.contract import Answer, Field, Reach, Verdict
from healthcheck.notifiers.message import Item, Message, write_message
from tests.factories import NOW

KEY = make_key()
KIND = "pigeon"


class PigeonNotifier:
    """As somebody else's package would bring it along."""

    kind, label = KIND, "Carrier pigeon"
    fields = (
        Field("loft", "Loft", "Where it flies to."),
        Field("greeting", "Greeting", is_required=False, is_long=True, default="Hello"),
        Field("whistle", "Whistle", "What it listens to.", is_secret=True),
        Field("feed", "Feed", is_secret=True, is_required=False, is_long=True),
    )

    def refuse(self, values: Mapping[str, str]) -> None:
        if "sea" in values["loft"]:
            raise ConfigurationError("A pigeon lands on no sea; name a loft on land.", field="loft")

    def send(self, values: Mapping[str, str], message: Message, reach: Reach) -> Answer:
        return Answer(Verdict.SENT)


@pytest.fixture
def pigeons(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}
    monkeypatch.setitem(NOTIFIERS, KIND, f"{__name__}:PigeonNotifier")
    yield
    # To other tests there is no such kind.
    load_notifier.cache_clear()


def make_pigeon(name: str = "pigeon", **columns: Any) -> NotificationChannel:
    """Store a channel that has all it needs."""
    defaults = {"details": {"loft": "Oak"}, "sealed": seal_secrets({"whistle": "whistle-canary"})}
    return NotificationChannel.objects.create(name=name, kind=KIND, **(defaults | columns))


def pigeon_fields(**changed: str) -> dict[str, str]:
    """Return the form of a new channel."""
    return {
        "name": "pigeon",
        "is_enabled": "on",
        "pause_seconds": "60",
        "own_loft": "Oak",
        "own_greeting": "Hello",
        "own_whistle": "whistle-canary",
        "own_feed": "",
    } | changed


def make_delivery(channel: NotificationChannel, title: str = "shop is down", **columns: Any) -> Delivery:
    item = Item(
        event=Event.OPENED,
        severity=Severity.DOWN,
        key="incident-1",
        title=title,
        cause="3 of 3 down: dns",
        names=("front page",),
        count=3,
        started_at=NOW - timedelta(hours=1),
        ended_at=NOW,
        acknowledge_url="https://status.example/ack/canary",
    )
    defaults: dict[str, Any] = {
        "status": DeliveryStatus.DELIVERED,
        "created_at": NOW,
        "next_try_at": NOW,
        "ended_at": NOW + timedelta(seconds=1),
        "attempts": 1,
        "duration_ms": 40,
        "message": write_message(Message("0", (item,), NOW)),
    }
    return Delivery.objects.create(channel=channel, **(defaults | columns))
