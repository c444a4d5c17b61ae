"""The values that cross the engine's boundary. Frozen, without behaviour that touches the outside."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from healthcheck.engine.details import Details


class State(enum.IntEnum):
    """What is known about an endpoint. The numbers are stored; `UP < DEGRADED < DOWN` is the order of severity."""

    UNKNOWN = 0
    UP = 1
    DEGRADED = 2
    DOWN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class ErrorKind(enum.IntEnum):
    """Why a check was not simply up. The numbers are stored: never reuse one. 0 in a column means none."""

    TIMEOUT = 1
    DNS = 2
    REFUSED = 3
    CONNECTION = 4
    TLS = 5
    CERTIFICATE = 6
    REDIRECT = 7
    PROTOCOL = 8
    TOO_LARGE = 9
    STATUS = 10
    ASSERTION = 11
    BLOCKED = 12
    CAPACITY = 13
    INTERNAL = 14
    CREDENTIAL = 15
    MEMBERS = 16
    MISSED = 17
    FAILED = 18
    SILENT = 19
    AWAY = 20
    NO_DATA = 21
    UPLINK = 22
    # Never stored by this release: how it reads the number of a newer one, whose rows are there during an upgrade.
    # The largest that the packed judgement of a result has room for.
    OTHER = 31

    @classmethod
    def _missing_(cls, value: object) -> ErrorKind | None:
        return cls.OTHER if isinstance(value, int) and value > 0 else None

    @property
    def word(self) -> str:
        return self.name.lower()


class Phase(enum.IntEnum):
    """Where in a check something happened. The numbers are stored; 0 in a column means none."""

    RESOLVE = 1
    CONNECT = 2
    TLS = 3
    REQUEST = 4
    HEADERS = 5
    BODY = 6
    ASSERT = 7

    @classmethod
    def read(cls, number: int) -> Phase | None:
        """Return the phase of a stored number: None for none, and for one that only a newer release knows."""
        return next((phase for phase in cls if phase == number), None)

    @property
    def word(self) -> str:
        return self.name.lower()


class AddressFamily(enum.StrEnum):
    ANY = "any"
    IPV4 = "ipv4"
    IPV6 = "ipv6"


class AddressMode(enum.StrEnum):
    """Which addresses may be connected to; see `engine/address_policy.py`."""

    EVERYTHING = "everything"
    PRIVATE = "private"
    PUBLIC = "public"


class ConfigurationError(ValueError):
    """A person's configuration is wrong. The text is one sentence for that person and names the cure.

    `field` names the option it belongs to, `position` the offset in a text where the mistake was found.
    """

    def __init__(self, sentence: str, *, field: str = "", position: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field
        self.position = position


@dataclass(frozen=True, slots=True)
class PhaseTimes:
    """Microseconds per phase, summed over redirects. `headers_us`: from the request's first byte to the last header."""

    resolve_us: int = 0
    connect_us: int = 0
    tls_us: int = 0
    headers_us: int = 0
    body_us: int = 0


@dataclass(frozen=True, slots=True)
class Certificate:
    """The facts of a certificate that a target presented. Of its key and signature, what could not be read is empty."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    fingerprint_sha256: str
    # Such as rsa or ec; the size of an elliptic curve is that of its field.
    key_type: str = ""
    key_bits: int = 0
    # The hash that was signed, such as sha256, or the scheme where it has one of its own, such as ed25519.
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Echoes:
    """How a volley of echo requests went. `jitter_us`: by how much a round trip differs from the next, on average."""

    sent: int
    received: int
    # None with fewer than two replies.
    jitter_us: int | None = None

    @property
    def loss_percent(self) -> float:
        return 100 * (self.sent - self.received) / self.sent


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record of an answer, bounded and printable. `data` is what people compare, `key` how records are alike."""

    name: str
    type: str
    ttl: int
    data: str
    key: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} IN {self.type} {self.data}"


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What a name server said. `answers` are the records of the type that was asked for, behind all aliases."""

    type: str
    rcode: str
    # The whole answer section, with the aliases.
    records: tuple[DnsRecord, ...] = ()
    answers: tuple[DnsRecord, ...] = ()
    # Where the aliases lead; the name that was asked for when there is none.
    end: str = ""

    @property
    def ttl(self) -> int | None:
        """Seconds for which all of it may be kept; None where there is no answer."""
        return min((each.ttl for each in self.records), default=None) if self.answers else None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a probe saw of a target that answered. Bounded by the probe; judged by the assertions."""

    latency_us: int
    phases: PhaseTimes = PhaseTimes()
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    # None when nobody asked for the body, so that it was counted and thrown away.
    body: bytes | None = None
    body_size: int = 0
    # The charset that the target claimed; how to read `body` as text.
    charset: str = "utf-8"
    address: str = ""
    certificate: Certificate | None = None
    redirects: tuple[str, ...] = ()
    # And its version, as the answer states it, such as HTTP/1.1.
    protocol: str = ""
    # Of a name server.
    dns: DnsAnswer | None = None
    # Reads the whole chain as it was presented, leaf first: for a failure, an explanation, or an assertion on it.
    read_chain: Callable[[], tuple[Certificate, ...]] | None = field(default=None, compare=False, repr=False)
    echoes: Echoes | None = None


@dataclass(frozen=True, slots=True)
class AssertionOutcome:
    """What one assertion, written or implied, made of an answer. `verdict` is UP when it held, else its severity.

    `text` is as the person wrote it, `expected` the same in canonical form and without the severity.
    """

    text: str
    expected: str
    found: str
    verdict: State

    @property
    def held(self) -> bool:
        return self.verdict is State.UP


@dataclass(frozen=True, slots=True)
class SubResult:
    """One part of a check that consists of several, such as one address of a name, judged on its own."""

    name: str
    verdict: State
    error_kind: ErrorKind | None = None
    phase: Phase | None = None
    latency_us: int = 0
    found: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of a failure, for staff only. Texts are capped and sanitised before they are stored."""

    sentence: str = ""
    expected: str = ""
    found: str = ""
    address: str = ""
    excerpt: str = ""
    certificate: Certificate | None = None
    redirects: tuple[str, ...] = ()
    # All of them, in the order in which they were written; empty when there was no answer to judge.
    assertions: tuple[AssertionOutcome, ...] = ()
    # As presented, leaf first.
    chain: tuple[Certificate, ...] = ()
    # Of a check that consists of several, in their order.
    parts: tuple[SubResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The judgement on one target in one run. `UNKNOWN` means that nothing was measured, by our own fault."""

    verdict: State
    observed_at: datetime
    error_kind: ErrorKind | None = None
    phase: Phase | None = None
    latency_us: int = 0
    phases: PhaseTimes = PhaseTimes()
    http_status: int = 0
    attempts: int = 1
    evidence: Evidence | None = None
    # Only for who asked for them; never stored.
    details: Details | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint frozen for one run. `options` is the typed configuration that the kind's `parse` returned.

    `assertions` are `engine.assertions.Assertion` values; `timeout_seconds` bounds the whole check, its second
    attempt included. `credential` is an `engine.credentials` value.
    """

    endpoint_id: int
    kind: str
    address: str
    options: Any
    assertions: tuple[Any, ...] = ()
    timeout_seconds: float = 10.0
    credential: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AddressRules:
    """The deployment's address policy: a mode, and networks in CIDR form that overrule it. Deny beats allow."""

    mode: AddressMode = AddressMode.PRIVATE
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. Seconds, counts and bytes; every one has a reason in `healthcheck/conf.py`."""

    deadline_seconds: float
    concurrency: int = 256
    per_address: int = 32
    address_rules: AddressRules = AddressRules()
    control_name: str = "example.com"
    # Hosts and ports that are asked when every target of a run fails as it would without a network.
    control_targets: tuple[tuple[str, int], ...] = ()
