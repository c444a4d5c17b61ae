"""Which addresses may be connected to. `ipaddress.is_global` is not enough: it calls tunnelled loopback global."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

from healthcheck.engine.types import AddressMode, AddressRules, ConfigurationError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Rule = tuple[Network, str]


def _rules(reason: str, *networks: str) -> list[Rule]:
    return [(ipaddress.ip_network(network), reason) for network in networks]


# Nobody's service on another host, or the door to a cloud account: refused in every mode but `everything`.
_NEVER: Sequence[Rule] = [
    # The providers' metadata services come first, so that they are named even where they lie in a wider range.
    *_rules("cloud metadata", "169.254.169.254/32", "169.254.170.2/32", "100.100.100.200/32", "192.0.0.192/32"),
    *_rules("cloud metadata", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128"),
    *_rules("loopback", "127.0.0.0/8", "::1/128"),
    *_rules("unspecified", "0.0.0.0/8", "::/128"),
    *_rules("link-local", "169.254.0.0/16", "fe80::/10"),
    *_rules("multicast", "224.0.0.0/4", "ff00::/8"),
    *_rules("broadcast", "255.255.255.255/32"),
    *_rules("reserved", "240.0.0.0/4", "100::/64", "5f00::/16"),
]
# Somebody's own network: refused in mode `public` only.
_NOT_PUBLIC: Sequence[Rule] = [
    *_rules("private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"),
    *_rules("special purpose", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "2001::/23"),
    *_rules("documentation", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
]
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_PRIVATE_V6 = (ipaddress.IPv6Network("fc00::/7"), ipaddress.IPv6Network("fec0::/10"))

# Where an IPv4 address lies inside an IPv6 one: the prefix, and how far right each such address must be shifted.
# Mapped and compatible (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052, 8215), 6to4 (RFC 3056).
_TUNNELS: Sequence[tuple[ipaddress.IPv6Network, int]] = [
    (ipaddress.IPv6Network("::ffff:0:0/96"), 0),
    (ipaddress.IPv6Network("::/96"), 0),
    (ipaddress.IPv6Network("::ffff:0:0:0/96"), 0),
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),
    # Other prefix lengths of the same /48 put the address elsewhere; they are refused as reserved.
    (ipaddress.IPv6Network("64:ff9b:1::/96"), 0),
    (ipaddress.IPv6Network("2002::/16"), 80),
]
_TEREDO = ipaddress.IPv6Network("2001::/32")
_NOT_COMPATIBLE = frozenset({ipaddress.IPv6Address("::"), ipaddress.IPv6Address("::1")})
# ISATAP (RFC 5214): the upper half of the interface identifier, with the universal bit clear or set.
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})


class AddressPolicy:
    """The deployment's rules, compiled. Deny beats allow, allow beats the mode."""

    def __init__(self, rules: AddressRules) -> None:
        """Raise ConfigurationError when a network is not written in CIDR form."""
        self._mode = rules.mode
        self._allow = _parse_networks(rules.allow, field="allow")
        self._deny = _parse_networks(rules.deny, field="deny")
        # One run meets the same addresses again and again; 4,096 texts are under a megabyte.
        self.find_refusal = lru_cache(maxsize=4096)(self._find_refusal)

    @property
    def permits_everything(self) -> bool:
        return self._mode is AddressMode.EVERYTHING and not self._deny

    def permits(self, ip: str) -> bool:
        return self.find_refusal(ip) is None

    def _find_refusal(self, ip: str) -> str | None:
        """Why the address must not be connected to, in a word or two; None when it may be."""
        try:
            address = ipaddress.ip_address(ip.partition("%")[0])
        except ValueError:
            return "not an address"
        readings = _read(address)
        if _lies_in(address, self._deny) or any(_lies_in(reading, self._deny) for reading in readings):
            return "denied by a rule"
        if self._mode is AddressMode.EVERYTHING or _lies_in(address, self._allow):
            return None
        for reading in readings:
            reason = None if _lies_in(reading, self._allow) else self._judge(reading)
            if reason is not None:
                return reason
        return None

    def _judge(self, address: IPAddress) -> str | None:
        rules = [*_NEVER, *_NOT_PUBLIC] if self._mode is AddressMode.PUBLIC else _NEVER
        for network, reason in rules:
            if address.version == network.version and address in network:
                return reason
        if address.version == 6 and address not in _GLOBAL_V6 and not _lies_in(address, _PRIVATE_V6):
            return "reserved"
        return None


def _read(address: IPAddress) -> tuple[IPAddress, ...]:
    """Every address that a packet to this one may end at: the IPv4 address inside it, else itself."""
    if address.version == 4 or address in _NOT_COMPATIBLE:
        return (address,)
    number = int(address)
    if address in _TEREDO:
        # The server, and the client with its bits inverted (RFC 4380, 4).
        return (_take_v4(number >> 64), _take_v4(~number))
    for network, shift in _TUNNELS:
        if address in network:
            return (_take_v4(number >> shift),)
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return (address, _take_v4(number))
    return (address,)


def _take_v4(number: int) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(number & 0xFFFFFFFF)


def _lies_in(address: IPAddress, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _parse_networks(networks: Sequence[str], *, field: str) -> tuple[Network, ...]:
    parsed: list[Network] = []
    for text in networks:
        try:
            parsed.append(ipaddress.ip_network(text.strip()))
        except ValueError:
            raise ConfigurationError(
                f"“{text[:100]}” is not a network; write it like 10.0.0.0/8, with no bits set after the prefix.",
                field=field,
            ) from None
    return tuple(parsed)
