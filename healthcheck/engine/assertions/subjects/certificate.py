"""`certificate > 14 days`, `certificate issuer contains "Example"`: what the target presented."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from healthcheck.engine.assertions.condition import Condition
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import TOO_LONG, Assertion, Fault, describe_value
from healthcheck.engine.assertions.operands import TEXTS, WHOLE_NUMBERS, require_condition
from healthcheck.engine.assertions.patterns import TooMuchToSearchError
from healthcheck.engine.assertions.scanner import Scanner
from healthcheck.engine.types import Certificate, ErrorKind, Observation

MAX_CERTIFICATE_DAYS = 3650
_ABOVE = re.compile(r">")
_CHAIN = re.compile(r"chain(?!\w)")
# What the leaf is called in the observation, by what it is called in a line.
_TEXTS = {
    "issuer": "issuer",
    "subject": "subject",
    "fingerprint": "fingerprint_sha256",
    "key_type": "key_type",
    "signature": "signature",
}
_NAME = re.compile(rf"(?:{'|'.join(_TEXTS)})(?!\w)")
_BITS = re.compile(r"key_bits(?!\w)")
_DAYS = re.compile(r"(\d{1,6})[ \t]*days?(?!\w)", re.ASCII)
_NONE = "no certificate"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidityAssertion(Assertion):
    """How long the leaf is still valid; or, of the chain, the certificate that ends first."""

    kind: ClassVar[ErrorKind] = ErrorKind.CERTIFICATE
    above_days: int
    is_of_chain: bool = False

    @property
    def expected(self) -> str:
        return f"certificate {'chain ' if self.is_of_chain else ''}> {self.above_days} days"

    def estimate_ns(self, observation: Observation) -> int:
        # Reading a certificate takes 50 us, and a chain has ten at most.
        return 500_000 if self.is_of_chain else 1000

    def find_fault(self, facts: Facts) -> Fault | None:
        certificates = self._read(facts)
        if not certificates:
            return Fault(_NONE)
        first = _find_first_to_end(certificates)
        is_held = first.not_after - facts.now > timedelta(days=self.above_days)
        return None if is_held else Fault(self.describe_held(facts))

    def describe_held(self, facts: Facts) -> str:
        first = _find_first_to_end(self._read(facts))
        left = (first.not_after - facts.now) / timedelta(days=1)
        whose = f", of {describe_value(first.subject)}" if self.is_of_chain else ""
        return f"{left:.1f} days, until {first.not_after:%Y-%m-%d %H:%M} UTC{whose}"

    def _read(self, facts: Facts) -> Sequence[Certificate]:
        leaf = facts.observation.certificate
        return facts.chain if self.is_of_chain else [leaf] if leaf is not None else []


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateNameAssertion(Assertion):
    """Who issued the leaf, for whom, its SHA-256 fingerprint in hexadecimal digits, what its key and signature are."""

    kind: ClassVar[ErrorKind] = ErrorKind.CERTIFICATE
    part: str
    condition: Condition

    @property
    def expected(self) -> str:
        return f"certificate {self.part} {self.condition}"

    def find_fault(self, facts: Facts) -> Fault | None:
        text = self._read(facts)
        if text is None:
            return Fault(_NONE)
        try:
            is_held = self.condition.holds_for_text(text, facts.now)
        except TooMuchToSearchError:
            return Fault(TOO_LONG)
        return None if is_held else Fault(describe_value(text))

    def describe_held(self, facts: Facts) -> str:
        return describe_value(self._read(facts))

    def _read(self, facts: Facts) -> str | None:
        leaf = facts.observation.certificate
        return None if leaf is None else str(getattr(leaf, _TEXTS[self.part]))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySizeAssertion(Assertion):
    """How large the leaf's key is, in bits. Those of elliptic curves are small and strong."""

    kind: ClassVar[ErrorKind] = ErrorKind.CERTIFICATE
    condition: Condition

    @property
    def expected(self) -> str:
        return f"certificate key_bits {self.condition}"

    def find_fault(self, facts: Facts) -> Fault | None:
        leaf = facts.observation.certificate
        if leaf is None:
            return Fault(_NONE)
        if not leaf.key_bits:
            return Fault("a key that we do not know")
        return None if self.condition.holds_for_number(leaf.key_bits) else Fault(self.describe_held(facts))

    def describe_held(self, facts: Facts) -> str:
        leaf = facts.observation.certificate
        assert leaf is not None
        return f"{leaf.key_bits} bits, {leaf.key_type}"


def parse_certificate(scanner: Scanner) -> Assertion:
    if part := scanner.take(_NAME):
        condition = require_condition(scanner, TEXTS)
        return CertificateNameAssertion(part=part, condition=condition)
    if scanner.take(_BITS):
        return KeySizeAssertion(condition=require_condition(scanner, WHOLE_NUMBERS))
    is_of_chain = scanner.take(_CHAIN) is not None
    start = scanner.position
    found = _DAYS.match(scanner.text, scanner.position) if scanner.take(_ABOVE) else None
    if found is None or int(found[1]) > MAX_CERTIFICATE_DAYS:
        scanner.fail(
            f"Write > and days, at most {MAX_CERTIFICATE_DAYS}, for example: certificate > 14 days.", position=start
        )
    scanner.take(_DAYS)
    return ValidityAssertion(above_days=int(found[1]), is_of_chain=is_of_chain)


def _find_first_to_end(certificates: Sequence[Certificate]) -> Certificate:
    return min(certificates, key=lambda each: each.not_after)
