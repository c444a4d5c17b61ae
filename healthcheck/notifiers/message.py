"""What is told, apart from how: frozen before it is sent, so that each try says the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from healthcheck.engine.incidents import Event, Severity

# What one message lists, and names per item; the rest is counted. Chat services refuse messages far shorter than mails.
MAX_ITEMS = 20
MAX_NAMES = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One incident, or one trouble of the checker, as a message says it.

    `key` is the same in every message about it, for receivers that close what they opened. `names` are of what is
    affected, the first of `count`. `seen` is what was seen of it in one sentence, `note` what a person wrote of it or
    how it ended, and of an acknowledgement who it was. URLs are empty where there is none.
    """

    event: Event
    severity: Severity
    key: str
    title: str
    cause: str = ""
    seen: str = ""
    names: tuple[str, ...] = ()
    count: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    url: str = ""
    acknowledge_url: str = ""
    note: str = ""

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one channel. `id` is its idempotency id, `left_off` counts what it does not list."""

    id: str
    items: tuple[Item, ...]
    written_at: datetime
    left_off: int = 0

    @property
    def severity(self) -> Severity:
        """That of the worst that is not over."""
        return max((item.severity for item in self.items if not item.is_over), default=Severity.NOTICE)

    @property
    def is_over(self) -> bool:
        return all(item.is_over for item in self.items)


def write_message(message: Message) -> dict[str, Any]:
    """Return the message as what JSON can hold."""
    document = asdict(message)
    document["written_at"] = message.written_at.isoformat()
    for item in document["items"]:
        for name in ("started_at", "ended_at"):
            item[name] = item[name].isoformat() if item[name] is not None else None
    return document


def read_message(document: Mapping[str, Any]) -> Message:
    """Return the message that `write_message` wrote."""
    items = tuple(_read_item(item) for item in document["items"])
    written_at = datetime.fromisoformat(document["written_at"])
    return Message(document["id"], items, written_at, left_off=document["left_off"])


def _read_item(document: Mapping[str, Any]) -> Item:
    instants = {
        name: datetime.fromisoformat(document[name]) if document[name] else None for name in ("started_at", "ended_at")
    }
    event, severity = Event(document["event"]), Severity(document["severity"])
    return Item(**{**document, **instants, "event": event, "severity": severity, "names": tuple(document["names"])})
