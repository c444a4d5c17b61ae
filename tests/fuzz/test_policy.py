"""No spelling of an address reaches what its plain form is refused for, and no redirect leads out of a request."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from healthcheck.admin.explain.add_by_url_forms import suggest_group_name, suggest_name
from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes.http_cookies import CookieJar
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.probes.http_redirects import HARMLESS_HEADERS, REDIRECT_STATUSES, Hop, follow
from healthcheck.engine.probes.http_request import build_request
from healthcheck.engine.probes.http_values import parse_headers
from healthcheck.engine.resolver import is_address, is_name
from healthcheck.engine.types import AddressMode, AddressRules, ConfigurationError

BITS_32, BITS_64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
# Where the interesting ones lie, and anywhere.
NETWORKS = ["0.0.0.0", "10.0.0.0", "100.64.0.0", "127.0.0.0", "169.254.0.0", "172.16.0.0", "192.168.0.0", "224.0.0.0"]
INSIDE = st.builds(
    lambda network, rest: int(IPv4Address(network)) | rest, st.sampled_from(NETWORKS), st.integers(0, 2**16 - 1)
)
METADATA = st.sampled_from(["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "255.255.255.255"])
IPV4 = BITS_32 | INSIDE | METADATA.map(lambda text: int(IPv4Address(text)))
DENIED = "10.0.0.0/8"
RULES = {
    "private": AddressRules(AddressMode.PRIVATE),
    "public": AddressRules(AddressMode.PUBLIC),
    "denied": AddressRules(AddressMode.EVERYTHING, deny=(DENIED, "169.254.0.0/16")),
}
POLICIES = {name: AddressPolicy(rules) for name, rules in RULES.items()}


def embed(number: int, rest: int) -> dict[str, int]:
    """Return every IPv6 address behind which the IPv4 address is reached; `rest` fills what is free in them."""
    low = rest & 0xFFFFFFFF
    return {
        "mapped": 0xFFFF << 32 | number,
        "compatible": number,
        "translated": 0xFFFF << 48 | number,
        "NAT64": int(IPv6Address("64:ff9b::")) | number,
        "local NAT64": int(IPv6Address("64:ff9b:1::")) | number,
        "6to4": 0x2002 << 112 | number << 80 | rest,
        "Teredo client": 0x20010000 << 96 | low << 64 | (rest >> 32 & 0xFFFF) << 48 | (number ^ 0xFFFFFFFF),
        "Teredo server": 0x20010000 << 96 | number << 64 | rest,
        "ISATAP, universal": 0x2A00 << 112 | (rest & 0xFFFFFFFF) << 64 | 0x02005EFE << 32 | number,
        "ISATAP, local": 0x2A00 << 112 | (rest & 0xFFFFFFFF) << 64 | 0x5EFE << 32 | number,
    }


@pytest.mark.parametrize("name", POLICIES)
@given(number=IPV4, rest=BITS_64)
def test_no_embedding_permits_what_its_ipv4_address_is_refused_for(name: str, number: int, rest: int) -> None:
    policy = POLICIES[name]
    if policy.permits(str(IPv4Address(number))):
        return
    permitted = [
        how
        for how, inside in embed(number, rest).items()
        # The two that are no IPv4 address at all: the unspecified one and loopback.
        if policy.permits(str(IPv6Address(inside))) and not (how == "compatible" and number < 2)
    ]
    assert permitted == []


@pytest.mark.parametrize("name", ["private", "public"])
@given(prefix=st.integers(32, 96), number=IPV4, rest=st.integers(0, 2**128 - 1))
def test_local_nat64_of_any_prefix_length_is_refused(name: str, prefix: int, number: int, rest: int) -> None:
    network = IPv6Network("64:ff9b:1::/48")
    address = IPv6Address(int(network.network_address) | (rest & int(network.hostmask)))
    found = POLICIES[name].permits(str(address))
    # Its one form that says which IPv4 address is meant may be permitted, and then that one is.
    assert not found or POLICIES[name].permits(str(IPv4Address(int(address) & 0xFFFFFFFF)))


@given(st.integers(0, 2**128 - 1), st.text("0123456789abcdefg:.%/x", max_size=50) | st.text(max_size=20))
def test_any_text_is_judged(number: int, text: str) -> None:
    for policy in POLICIES.values():
        for each in (text, str(IPv6Address(number)), f"{IPv6Address(number)}%{text}"):
            assert policy.permits(each) is (policy.find_refusal(each) is None)


HOSTS = st.one_of(
    st.text(max_size=30),
    st.text("0123456789abcdefxX.:[]%@/\\-", max_size=30),
    st.lists(
        st.sampled_from(
            ["0", "1", "127", "0x7f", "0177", "256", "2130706433", ".", ".", ".", "。", "．", "｡", "１", "x"]
        ),
        max_size=8,
    ).map("".join),
    st.ip_addresses().map(lambda address: f"[{address}]" if address.version == 6 else str(address)),
    st.builds("xn--{}.{}".format, st.text("abc09-", max_size=10), st.text(max_size=5)),
)
TAILS = st.sampled_from(["", "/", ":80", ":0", ":99999", ":٣", ":", "?", "#", "/%", "/..%2f", "//x", "/é", "/\u202e"])


@example("http://", "xn--ls8h.test", "/")
@given(st.sampled_from(["http://", "https://", "HTTP://", "", "//", "http:/"]), HOSTS, TAILS)
def test_accepted_host_is_read_alike_by_everybody(scheme: str, host: str, tail: str) -> None:
    with suppress(ConfigurationError):
        url = parse_address(scheme + host + tail)
        read = url.raw_host.decode("ascii")
        assert suggest_name(str(url))
        assert suggest_group_name(str(url))
        assert is_address(read) or is_name(read)
        if not is_address(read):
            # What the C library takes for an address in a spelling of its own.
            with pytest.raises(OSError, match="illegal"):
                socket.inet_aton(read)


URL = httpx.URL("http://one.test/a?b=c")
HEADERS = (("X-Secret", "canary-1"), ("Authorization", "canary-2"), ("Accept", "*/*"), ("Content-Type", "a/b"))
LOCATIONS = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda scheme, host, rest: (scheme + host + rest).encode("utf-8", "surrogatepass"),
        st.sampled_from(
            ["http://", "//", "", "/", "https:", "ftp://", "javascript:", "http:\\\\", "http://u:p@", "?", "#"]
        ),
        HOSTS,
        TAILS | st.text(max_size=20),
    ),
    st.sampled_from(
        [b"\r\nX: y", b"/\rX: y", b"/\0", b"http://two.test/\r\n\r\nGET /", b"/%0d%0aX:%20y", b"\x85", b"/\x0b"]
    ),
)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(REDIRECT_STATUSES)), LOCATIONS), min_size=1, max_size=4),
    st.sampled_from(["GET", "POST", "HEAD", "PUT"]),
    st.binary(max_size=5),
)
def test_any_chain_of_redirects_stays_one_request_without_secrets(
    chain: list[tuple[int, bytes]], method: str, body: bytes
) -> None:
    hop = Hop(method, URL, HEADERS, body if method in {"POST", "PUT"} else b"", credential=object(), host="canary-3")
    has_left = False
    with suppress(ProbeFailure):
        for status, location in chain:
            hop = follow(hop, status, location)
            has_left = has_left or hop.url.raw_host != URL.raw_host or hop.url.port not in (None, 80)
            head, _, sent = build_request(hop).encode().partition(b"\r\n\r\n")
            _assert_is_one_request(head)
            assert sent == hop.body
            if has_left:
                assert b"canary" not in head
                assert hop.credential is None
                assert {name.lower() for name, _ in hop.headers} <= HARMLESS_HEADERS


def _assert_is_one_request(head: bytes) -> None:
    first, *lines = head.split(b"\r\n")
    assert re.fullmatch(rb"[A-Z]+ [!-~]+ HTTP/1\.1", first)
    assert all(re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[^\r\n\0]*", line) for line in lines)
    assert sum(line.lower().startswith(b"host:") for line in lines) == 1


ATTRIBUTES = st.one_of(
    st.sampled_from(
        ["Secure", "HttpOnly", "Domain=test", "Domain=one.test", "Domain=.test", "Path=/", "Path=a", "Max-Age=0"]
    ),
    st.builds("Max-Age={}".format, st.integers() | st.sampled_from(["٣", "-", "1e9", "", "9" * 400])),
    st.builds(
        "Expires={}".format, st.datetimes().map(lambda at: f"{at:%a, %d %b %Y %H:%M:%S} ") | st.text(max_size=30)
    ),
    st.builds(
        "Expires=Mon, {} Jan {} {}:00:00 {}".format,
        st.integers(-1, 40),
        st.integers(-1, 10**6),
        st.integers(-1, 99),
        st.sampled_from(["GMT", "-0000", "+9999", ""]),
    ),
    st.text(max_size=20),
)
COOKIES = st.one_of(
    st.binary(max_size=40),
    st.builds(
        lambda name, value, attributes: "; ".join([f"{name}={value}", *attributes]).encode("utf-8", "replace"),
        st.sampled_from(["a", "b", "", "é"]) | st.text(max_size=4),
        st.text(max_size=10) | st.just("x" * 5000),
        st.lists(ATTRIBUTES, max_size=4),
    ),
)


@given(
    st.lists(COOKIES, max_size=5),
    st.sampled_from(["http://one.test/a?b=c", "https://sub.one.test/", "http://127.0.0.1/"]),
)
def test_any_cookies_are_kept_at_home_and_stay_one_line(lines: list[bytes], address: str) -> None:
    jar, home = CookieJar(), httpx.URL(address)
    jar.keep(home, lines)
    head = build_request(Hop("GET", home, (), b"", cookies=jar.write(home))).encode().partition(b"\r\n\r\n")[0]
    _assert_is_one_request(head)
    assert jar.write(httpx.URL("https://two.example/a")) == ""


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES: st.SearchStrategy[Any] = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
PAIRS = st.tuples(st.text(max_size=12) | st.text("Xaz-:\r\n é", max_size=8), st.text(max_size=12)).map(list)


@given(VALUES | st.lists(PAIRS, max_size=4) | st.dictionaries(st.text("AXyz-", min_size=1), st.text(), max_size=4))
def test_any_headers_option_is_refused_or_sent_as_it_is(value: Any) -> None:
    with suppress(ConfigurationError):
        headers = parse_headers(value)
        head, _, rest = build_request(Hop("GET", URL, headers, b"")).encode().partition(b"\r\n\r\n")
        _assert_is_one_request(head)
        assert rest == b""
