"""`address one of "192.0.2.0/24"`, `protocol == "HTTP/1.1"`, `redirects <= 2`: how the answer was reached."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from healthcheck.engine.assertions.condition import CHOICES, EQUALITIES, ORDERINGS, Condition
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import TOO_LONG, Assertion, Fault, describe_value
from healthcheck.engine.assertions.operands import (
    TEXTS,
    WHOLE_NUMBERS,
    Operand,
    Vocabulary,
    require_condition,
    take_text,
)
from healthcheck.engine.assertions.patterns import TooMuchToSearchError
from healthcheck.engine.assertions.scanner import Scanner

# As TLS and HTTP write theirs: TLSv1.2, HTTP/1.1.
_VERSION = re.compile(r"([A-Za-z]{1,20}?)[v/]?(\d{1,3})(?:\.(\d{1,3}))?", re.ASCII)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressAssertion(Assertion):
    """The address that answered lies in one of the networks, or in none of them."""

    condition: Condition
    networks: tuple[Network, ...]

    @property
    def expected(self) -> str:
        return f"address {self.condition}"

    def find_fault(self, facts: Facts) -> Fault | None:
        try:
            address = ipaddress.ip_address(facts.observation.address)
        except ValueError:
            return Fault("no address")
        is_inside = any(address in network for network in self.networks)
        return None if is_inside is not self.condition.is_negated else Fault(self.describe_held(facts))

    def describe_held(self, facts: Facts) -> str:
        return facts.observation.address


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolAssertion(Assertion):
    """The protocol and version of the answer, such as HTTP/1.1, or at least or at most such a version of it."""

    condition: Condition

    @property
    def expected(self) -> str:
        return f"protocol {self.condition}"

    def find_fault(self, facts: Facts) -> Fault | None:
        protocol = facts.observation.protocol
        if not protocol:
            return Fault("no protocol")
        try:
            is_held = self._holds(protocol, facts)
        except TooMuchToSearchError:
            return Fault(TOO_LONG)
        return None if is_held else Fault(describe_value(protocol))

    def _holds(self, protocol: str, facts: Facts) -> bool:
        order = ORDERINGS.get(self.condition.operator)
        if order is None:
            return self.condition.holds_for_text(protocol, facts.now)
        found, wanted = _read_version(protocol), _read_version(str(self.condition.operands[0]))
        # Versions of different protocols do not compare.
        return found is not None and wanted is not None and found[0] == wanted[0] and order(found, wanted)

    def describe_held(self, facts: Facts) -> str:
        return describe_value(facts.observation.protocol)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectsAssertion(Assertion):
    """How many redirects were followed."""

    condition: Condition

    @property
    def expected(self) -> str:
        return f"redirects {self.condition}"

    def find_fault(self, facts: Facts) -> Fault | None:
        is_held = self.condition.holds_for_number(len(facts.observation.redirects))
        return None if is_held else Fault(self.describe_held(facts))

    def describe_held(self, facts: Facts) -> str:
        return str(len(facts.observation.redirects))


def _read_version(text: str) -> tuple[str, int, int] | None:
    """Return the protocol's name and the two numbers of its version."""
    found = _VERSION.fullmatch(text)
    return (found[1].lower(), int(found[2]), int(found[3] or 0)) if found else None


def parse_address(scanner: Scanner) -> Assertion:
    condition = require_condition(scanner, _ADDRESSES)
    networks = tuple(_read_network(str(each)) for each in condition.operands)
    return AddressAssertion(condition=condition, networks=networks)


def parse_protocol(scanner: Scanner) -> Assertion:
    return ProtocolAssertion(condition=require_condition(scanner, _PROTOCOLS))


def parse_redirects(scanner: Scanner) -> Assertion:
    return RedirectsAssertion(condition=require_condition(scanner, WHOLE_NUMBERS))


def _take_version(scanner: Scanner) -> Operand:
    start = scanner.position
    literal, text = take_text(scanner)
    if _read_version(str(text)) is None:
        scanner.fail('Write a protocol and its version, for example: protocol >= "TLSv1.2".', position=start)
    return literal, text


def _take_network(scanner: Scanner) -> Operand:
    start = scanner.position
    literal, text = take_text(scanner)
    try:
        _read_network(str(text))
    except ValueError:
        scanner.fail(
            'Write an address or a network, for example: address one of "192.0.2.0/24", "2001:db8::1".', position=start
        )
    return literal, text


def _read_network(text: str) -> Network:
    return ipaddress.ip_network(text.strip(), strict=False)


_PROTOCOLS = Vocabulary(TEXTS.operators | frozenset(ORDERINGS), take_text, take_number=_take_version)
_ADDRESSES = Vocabulary(EQUALITIES | CHOICES, _take_network)
