"""What an ICMP check is told: a host alone, how many packets, how far apart, how large, and how long each may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from typing import Any

from healthcheck.engine.probes.address_rule import FIRST, parse_rule
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.probes.option_values import (
    parse_count,
    parse_family,
    parse_resolver,
    refuse_address,
    refuse_unknown,
)
from healthcheck.engine.resolver import is_address
from healthcheck.engine.types import AddressFamily

SCHEME = "icmp"
# A check is a look, not a flood: at most a hundred packets a second, and twenty of them.
MAX_PACKETS, MIN_INTERVAL_MS, MAX_INTERVAL_MS = 20, 10, 5000
MIN_WAIT_MS, MAX_WAIT_MS = 10, 10_000
# Room for what no one can guess; and what goes unfragmented over Ethernet, as IPv4 with 28 bytes of headers.
COOKIE_BYTES, MAX_PACKET_BYTES = 16, 1472


@dataclass(frozen=True, slots=True, kw_only=True)
class IcmpOptions:
    """`packet_bytes` is the payload of each echo request, without the 8 bytes of its own header."""

    packets: int = 3
    packet_interval_ms: int = 200
    packet_wait_ms: int = 1000
    packet_bytes: int = 56
    family: AddressFamily = AddressFamily.ANY
    addresses: str = FIRST
    resolver: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values from which `parse` makes the same options."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"family": self.family.value}


def parse_icmp_options(options: Mapping[str, Any]) -> IcmpOptions:
    """Return the typed options. Raises ConfigurationError with a sentence that names the cure."""
    refuse_unknown(SCHEME, options, _PARSERS)
    return IcmpOptions(**{name: _PARSERS[name](value) for name, value in options.items()})


@lru_cache(maxsize=4096)
def parse_host(address: str) -> str:
    """Read `icmp://host`, the scheme may be left out; an IPv6 address needs no brackets. Raises ConfigurationError."""
    authority = address.strip().removeprefix(f"{SCHEME}://")
    if ":" in authority and is_address(authority):
        authority = f"[{authority}]"
    if any(mark in authority for mark in "/?#@") or ":" in authority.rpartition("]")[2]:
        raise refuse_address(f"The address is a host alone; write it like {SCHEME}://example.com.")
    # The same rules for hosts as everywhere.
    return parse_address(f"http://{authority}").raw_host.decode("ascii")


def _bound(name: str, low: int, high: int) -> Callable[[Any], int]:
    return partial(parse_count, low=low, high=high, field=name)


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "packets": _bound("packets", 1, MAX_PACKETS),
    "packet_interval_ms": _bound("packet_interval_ms", MIN_INTERVAL_MS, MAX_INTERVAL_MS),
    "packet_wait_ms": _bound("packet_wait_ms", MIN_WAIT_MS, MAX_WAIT_MS),
    "packet_bytes": _bound("packet_bytes", COOKIE_BYTES, MAX_PACKET_BYTES),
    "family": parse_family,
    "addresses": parse_rule,
    "resolver": parse_resolver,
}
