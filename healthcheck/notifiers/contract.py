"""What every way of telling keeps to. Sending never raises: a receiver's trouble is an answer."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from healthcheck.engine.types import AddressRules
from healthcheck.notifiers.message import Message


class Verdict(enum.StrEnum):
    # The receiver has it.
    SENT = "sent"
    # It may have it or not: try again, under the same id.
    RETRY = "retry"
    # It will never take it as the channel is set up: a revoked token, an address that does not exist.
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one try. `sentence` is for people: short, without secrets, names the cure where it is refused.

    `retry_seconds` is what the receiver asked for (Retry-After), None where it said nothing. `is_untaken`: surely
    nobody has any of it, so that it need not be said as it was.
    """

    verdict: Verdict
    sentence: str = ""
    retry_seconds: float | None = None
    is_untaken: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a person says of a channel. Secret ones are sealed, and never shown again."""

    name: str
    label: str
    help_text: str = ""
    is_secret: bool = False
    is_required: bool = True
    is_long: bool = False
    default: str = ""
    # Where only these will do.
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a notifier may connect to, and how long one try may take over everything."""

    rules: AddressRules
    timeout_seconds: float


class Notifier(Protocol):
    """One way of telling. `values` holds every field of `fields` as text, the secret ones opened.

    `tells_each`: every item has a life of its own at the receiver, so that none may be left off for good.
    """

    kind: str
    label: str
    fields: tuple[Field, ...]
    tells_each: bool

    def refuse(self, values: Mapping[str, str]) -> None:
        """Raise ConfigurationError, with the field's name, for what can never be sent with. Opens nothing."""

    def send(self, values: Mapping[str, str], message: Message, reach: Reach) -> Answer:
        """Send one message, and return what came of it within the timeout of `reach`."""


@runtime_checkable
class OptionalNotifier(Protocol):
    """One that needs what need not be installed."""

    def describe_lack(self) -> str:
        """Return what it lacks here, in a sentence that names the cure; empty for nothing."""
