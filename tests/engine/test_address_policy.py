"""Every spelling of an address that must not be reached is refused, and the reason says why."""

from __future__ import annotations

import pytest

from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.types import AddressMode, AddressRules, ConfigurationError

EVERYTHING, PRIVATE, PUBLIC = AddressMode.EVERYTHING, AddressMode.PRIVATE, AddressMode.PUBLIC

# IPv4 address: why mode `private` refuses it, why mode `public` does.
ADDRESSES: dict[str, tuple[str | None, str | None]] = {
    "8.8.8.8": (None, None),
    "1.1.1.1": (None, None),
    "223.255.255.255": (None, None),
    "10.0.0.1": (None, "private"),
    "10.255.255.255": (None, "private"),
    "172.16.0.1": (None, "private"),
    "172.31.255.255": (None, "private"),
    "172.32.0.1": (None, None),
    "192.168.1.1": (None, "private"),
    "100.64.0.1": (None, "private"),
    "100.128.0.1": (None, None),
    "192.0.0.1": (None, "special purpose"),
    "192.88.99.1": (None, "special purpose"),
    "198.18.0.1": (None, "special purpose"),
    "192.0.2.1": (None, "documentation"),
    "198.51.100.1": (None, "documentation"),
    "203.0.113.1": (None, "documentation"),
    "127.0.0.1": ("loopback", "loopback"),
    "127.255.255.254": ("loopback", "loopback"),
    "0.0.0.0": ("unspecified", "unspecified"),
    "0.1.2.3": ("unspecified", "unspecified"),
    "169.254.1.1": ("link-local", "link-local"),
    "169.254.169.254": ("cloud metadata", "cloud metadata"),
    "169.254.170.2": ("cloud metadata", "cloud metadata"),
    "100.100.100.200": ("cloud metadata", "cloud metadata"),
    "192.0.0.192": ("cloud metadata", "cloud metadata"),
    "168.63.129.16": ("cloud metadata", "cloud metadata"),
    "224.0.0.1": ("multicast", "multicast"),
    "239.255.255.255": ("multicast", "multicast"),
    "240.0.0.1": ("reserved", "reserved"),
    "255.255.255.255": ("broadcast", "broadcast"),
}
IPV6_ADDRESSES: dict[str, tuple[str | None, str | None]] = {
    "2606:4700:4700::1111": (None, None),
    "2a00:1450:4001:81b::200e": (None, None),
    "fd12:3456::1": (None, "private"),
    "fec0::1": (None, "private"),
    "2001:db8::1": (None, "documentation"),
    "3fff::1": (None, "documentation"),
    "2001:2::1": (None, "special purpose"),
    "2001:20::1": (None, "special purpose"),
    "::": ("unspecified", "unspecified"),
    "::1": ("loopback", "loopback"),
    "0:0:0:0:0:0:0:1": ("loopback", "loopback"),
    "fe80::1": ("link-local", "link-local"),
    "fe80::1%eth0": ("link-local", "link-local"),
    "ff02::1": ("multicast", "multicast"),
    "100::1": ("reserved", "reserved"),
    "5f00::1": ("reserved", "reserved"),
    "4000::1": ("reserved", "reserved"),
    "64:ff9b:1:7f00:0:100::": ("reserved", "reserved"),
    "fd00:ec2::254": ("cloud metadata", "cloud metadata"),
    "fd00:ec2::23": ("cloud metadata", "cloud metadata"),
    "fd20:ce::254": ("cloud metadata", "cloud metadata"),
    "fd00:42::42": ("cloud metadata", "cloud metadata"),
}


def hex_pair(address: str, invert: int = 0) -> str:
    a, b, c, d = (int(part) ^ invert for part in address.split("."))
    return f"{a:02x}{b:02x}:{c:02x}{d:02x}"


# Ways to write an IPv4 address as an IPv6 one that ends there.
TUNNELS = {
    "mapped": lambda address: f"::ffff:{address}",
    "mapped in capitals": lambda address: f"0:0:0:0:0:FFFF:{hex_pair(address).upper()}",
    "translated": lambda address: f"::ffff:0:{address}",
    "NAT64": lambda address: f"64:ff9b::{address}",
    "local NAT64": lambda address: f"64:ff9b:1::{address}",
    "6to4": lambda address: f"2002:{hex_pair(address)}::1",
    "Teredo client": lambda address: f"2001:0:0808:0808:0:0:{hex_pair(address, invert=0xFF)}",
    "Teredo server": lambda address: f"2001:0:{hex_pair(address)}:0:0:f7f7:f7f7",
    "ISATAP": lambda address: f"2606:4700::5efe:{address}",
    "ISATAP universal": lambda address: f"2606:4700::200:5efe:{address}",
}


@pytest.mark.parametrize(("address", "refusals"), [*ADDRESSES.items(), *IPV6_ADDRESSES.items()])
def test_policy_judges_every_kind_of_address(address: str, refusals: tuple[str | None, str | None]) -> None:
    private, public = (AddressPolicy(AddressRules(mode)) for mode in (PRIVATE, PUBLIC))
    assert (private.find_refusal(address), public.find_refusal(address)) == refusals


@pytest.mark.parametrize("tunnel", TUNNELS)
@pytest.mark.parametrize(("address", "refusals"), ADDRESSES.items())
def test_policy_looks_inside_every_tunnel(tunnel: str, address: str, refusals: tuple[str | None, str | None]) -> None:
    spelled = TUNNELS[tunnel](address)
    private, public = (AddressPolicy(AddressRules(mode)) for mode in (PRIVATE, PUBLIC))
    assert (private.find_refusal(spelled), public.find_refusal(spelled)) == refusals


@pytest.mark.parametrize("address", ["::127.0.0.1", "::169.254.169.254", "::2"])
def test_policy_looks_inside_compatible_addresses(address: str) -> None:
    assert not AddressPolicy(AddressRules(PRIVATE)).permits(address)


@pytest.mark.parametrize("address", [*ADDRESSES, *IPV6_ADDRESSES])
def test_policy_everything_permits_all(address: str) -> None:
    assert AddressPolicy(AddressRules(EVERYTHING)).permits(address)


@pytest.mark.parametrize("spelled", ["10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "10.0.0.1%x"])
def test_policy_deny_beats_allow_and_mode(spelled: str) -> None:
    policy = AddressPolicy(AddressRules(EVERYTHING, allow=("10.0.0.0/8",), deny=("10.0.0.1/32",)))
    assert policy.find_refusal(spelled) == "denied by a rule"


def test_policy_allow_beats_the_mode() -> None:
    policy = AddressPolicy(AddressRules(PUBLIC, allow=("127.0.0.0/8", "fd00::/8")))
    spelled = ["127.0.0.1", "::ffff:127.0.0.1", "fd00::1", "::1", "10.0.0.1"]
    assert [policy.permits(address) for address in spelled] == [True, True, True, False, False]


@pytest.mark.parametrize(
    "text", ["", "nonsense", "localhost", "2130706433", "127.1", "0x7f.0.0.1", "１２７.0.0.1", "1.2.3.4\n"]
)
def test_policy_refuses_what_is_no_address(text: str) -> None:
    assert AddressPolicy(AddressRules(PUBLIC)).find_refusal(text) == "not an address"


@pytest.mark.parametrize("network", ["nonsense", "10.0.0.1/8", "10.0.0.0/33", ""])
def test_policy_names_the_cure_for_a_broken_network(network: str) -> None:
    with pytest.raises(ConfigurationError, match=r"write it like 10\.0\.0\.0/8") as caught:
        AddressPolicy(AddressRules(PUBLIC, deny=(network,)))
    assert caught.value.field == "deny"
