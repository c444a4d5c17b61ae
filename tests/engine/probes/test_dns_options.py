"""What may be said about a DNS check, and what is refused with its field and cure."""

from __future__ import annotations

from typing import Any

import pytest

from healthcheck.engine.dig import write_dig
from healthcheck.engine.probes import load_probe
from healthcheck.engine.probes.dns_options import parse_name, parse_question
from healthcheck.engine.types import ConfigurationError, Target


@pytest.mark.parametrize(
    ("address", "kind", "name"),
    [
        ("dns://example.com", "A", "example.com"),
        ("DNS://Example.com.", "A", "Example.com"),
        ("_sip._tcp.example.com", "SRV", "_sip._tcp.example.com"),
        ("*.example.com", "TXT", "*.example.com"),
        ("dns://bücher.example", "A", "xn--bcher-kva.example"),
        ("0/25.2.0.192.in-addr.arpa", "NS", "0/25.2.0.192.in-addr.arpa"),
        ("192.0.2.1", "PTR", "1.2.0.192.in-addr.arpa"),
        ("dns://[2001:db8::1]", "PTR", f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa"),
        ("dns://.", "NS", "."),
    ],
)
def test_address_is_a_name(address: str, kind: str, name: str) -> None:
    assert parse_name(address, kind) == name
    assert parse_question(address, kind, False).name.endswith(b"\0")


_NAME_ALONE = "The address is a name alone, such as dns://example.com; the server has its own field."


@pytest.mark.parametrize(
    ("address", "options", "field", "sentence"),
    [
        ("dns://example.com:53", {}, "address", _NAME_ALONE),
        ("dns://192.0.2.1/example.com", {}, "address", _NAME_ALONE),
        ("a..example", {}, "address", _NAME_ALONE),
        ("a" * 64 + ".example", {}, "address", _NAME_ALONE),
        (".".join(["a" * 50] * 6), {}, "address", _NAME_ALONE),
        ("", {}, "address", _NAME_ALONE),
        ("a b.example", {}, "address", _NAME_ALONE),
        (
            "192.0.2.1",
            {},
            "address",
            "An address has a name alone; choose the record type PTR, or write a name.",
        ),
        ("dns://\ud800.example", {}, "address", None),
        (
            "example.com",
            {"record_type": "WHAT"},
            "record_type",
            "The record type is not known; write one such as A, AAAA, MX or TXT, or TYPE and its number.",
        ),
        ("example.com", {"record_type": 1}, "record_type", None),
        ("example.com", {"record_type": "AXFR"}, "record_type", None),
        (
            "example.com",
            {"server": "https://dns.example.com"},
            "server",
            "The server is a name or an address; write it like 192.0.2.1, [2001:db8::1]:53 or tls://dns.example.com.",
        ),
        ("example.com", {"server": "2130706433"}, "server", None),
        ("example.com", {"server": "-a.example"}, "server", None),
        ("example.com", {"server": 1}, "server", None),
        ("example.com", {"is_iterative": 1}, "is_iterative", None),
        ("example.com", {"ca_pem": "x"}, "ca_pem", None),
        ("example.com", {"family": "ipv5"}, "family", None),
        ("example.com", {"method": "GET"}, "method", "The kind dns has no option “method”; remove it."),
    ],
)
def test_nonsense_is_refused_at_its_field(
    address: str, options: dict[str, Any], field: str, sentence: str | None
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_probe("dns").parse(address, options)
    assert caught.value.field == field
    assert sentence is None or caught.value.sentence == sentence


def test_options_come_back_as_plain_values() -> None:
    probe = load_probe("dns")
    options = {"record_type": "mx", "server": " tls://dns.example.com ", "is_iterative": True, "family": "ipv4"}
    written = probe.parse("example.com", options).to_dict()
    assert written == {
        "record_type": "MX",
        "server": "tls://dns.example.com",
        "is_iterative": True,
        "verify": "on",
        "ca_pem": "",
        "server_name": "",
        "family": "ipv4",
    }
    assert probe.parse("example.com", written) == probe.parse("example.com", options)


@pytest.mark.parametrize(
    ("address", "options", "line"),
    [
        ("dns://example.com", {}, "dig -r -q example.com. -t A"),
        ("*.example.com", {"record_type": "TXT"}, "dig -r -q '*.example.com.' -t TXT"),
        ("192.0.2.1", {"record_type": "PTR"}, "dig -r -q 1.2.0.192.in-addr.arpa. -t PTR"),
        (
            "example.com",
            {"server": "[2001:db8::1]:5353", "is_iterative": True, "family": "ipv6"},
            "dig -r -6 @2001:db8::1 -p 5353 +norecurse -q example.com. -t A",
        ),
        ("example.com", {"server": "tcp://192.0.2.1"}, "dig -r @192.0.2.1 +tcp -q example.com. -t A"),
        (
            "example.com",
            {"server": "tls://dns.example.com"},
            "dig -r @dns.example.com +tls +tls-hostname=dns.example.com +tls-ca -q example.com. -t A",
        ),
        (
            "example.com",
            {"server": "tls://192.0.2.1:8853", "verify": "off"},
            "dig -r @192.0.2.1 -p 8853 +tls -q example.com. -t A",
        ),
    ],
)
def test_line_repeats_the_question(address: str, options: dict[str, Any], line: str) -> None:
    assert write_dig(Target(1, "dns", address, load_probe("dns").parse(address, options))) == line


def test_other_kinds_are_repeated_otherwise() -> None:
    assert write_dig(Target(1, "tls", "example.com", load_probe("tls").parse("example.com", {}))) == ""


@pytest.mark.parametrize("kind", ["http", "tcp", "tls"])
@pytest.mark.parametrize(
    "resolver", ["ns.example.com", "tls://192.0.2.1", "192.0.2.1:0", "192.0.2.1:53:53", 1, "a" * 999]
)
def test_resolver_is_an_address(kind: str, resolver: Any) -> None:
    address = {"http": "http://a.example/"}.get(kind, "a.example:25")
    with pytest.raises(ConfigurationError) as caught:
        load_probe(kind).parse(address, {"resolver": resolver})
    assert caught.value.field == "resolver"


@pytest.mark.parametrize("resolver", ["", "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353"])
def test_resolver_is_kept_as_it_was_written(resolver: str) -> None:
    assert load_probe("tcp").parse("a.example:25", {"resolver": resolver}).to_dict()["resolver"] == resolver
