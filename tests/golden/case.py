"""One row of the golden table: how a target behaves, how it is asked, and what must be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from healthcheck.engine.types import AddressMode, ErrorKind, Phase, State
from tests.dns_server import Reply
from tests.hostile import Behaviour

# Every name of the table ends so; nothing outside the table's own network knows it.
ZONE = "golden.test"
# A name server that checks may be told to ask; the system's own is the machine itself.
NAME_SERVER = "81.99.0.53"
# The behaviour of a door that answers well once TLS is agreed on, and says why where it is not: asyncio's servers hang
# up without the alert.
ALERTING = "alerting"
# How often the whole table may be checked at once in one process.
MAX_ROUNDS = 60


def fresh_prefix(number: int) -> str:
    """Return what stands before a name that is new in each round."""
    return f"round-{number}."


@dataclass(frozen=True)
class Golden:
    """What must come of a check. `words` stand in what was found; `address` is the one that must have answered."""

    verdict: State
    kind: ErrorKind | None = None
    phase: Phase | None = None
    words: str = ""
    address: str = ""


def is_up(address: str = "") -> Golden:
    return Golden(State.UP, address=address)


def is_down(kind: ErrorKind, phase: Phase, words: str) -> Golden:
    return Golden(State.DOWN, kind, phase, words)


def is_unknown(kind: ErrorKind, phase: Phase | None, words: str) -> Golden:
    """Nothing was measured, and that is nobody's outage."""
    return Golden(State.UNKNOWN, kind, phase, words)


@dataclass(frozen=True)
class Door:
    """A listening socket. `tls` names a certificate of `certificates.py`; `address` is empty for the case's own.

    Without a behaviour it takes no connection: its queue is full, and what more comes is not answered.
    """

    behaviour: str | Behaviour | None
    port: int = 80
    tls: str = ""
    address: str = ""


@dataclass(frozen=True)
class Case:
    """`url` is the name's own page when it is empty; the name resolves to the case's own address unless `names` says
    otherwise.
    """

    name: str
    says: str
    becomes: Golden
    doors: tuple[Door, ...] = ()
    url: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    assertions: str = ""
    names: Mapping[str, tuple[Reply, ...]] = field(default_factory=dict)
    mode: AddressMode = AddressMode.PRIVATE
    # Longer than what all others have, for what takes us long.
    timeout_seconds: float = 0.0
    # Whether the check trusts the authority of the table's certificates.
    trusts: bool = True

    @property
    def host(self) -> str:
        return f"{self.name}.{ZONE}"

    @property
    def is_encrypted(self) -> bool:
        return bool(self.doors) and self.doors[0].port == 443
