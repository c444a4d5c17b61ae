"""The key and the signature of real certificates, and what is asserted of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from healthcheck.engine.assertions import judge, parse_assertions
from healthcheck.engine.trust import read_certificate
from healthcheck.engine.types import Certificate, ErrorKind, Observation, State

NOW = datetime(2026, 1, 2, tzinfo=UTC)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])


def sign(key: Any, digest: Any) -> bytes:
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
    return bytes(builder.sign(key, digest).public_bytes(Encoding.DER))


@pytest.mark.parametrize(
    ("key", "digest", "facts"),
    [
        (rsa.generate_private_key(65537, 1024), hashes.SHA256(), ("rsa", 1024, "sha256")),
        (ec.generate_private_key(ec.SECP384R1()), hashes.SHA384(), ("ec", 384, "sha384")),
        (dsa.generate_private_key(1024), hashes.SHA256(), ("dsa", 1024, "sha256")),
        (ed25519.Ed25519PrivateKey.generate(), None, ("ed25519", 256, "ed25519")),
        (ed448.Ed448PrivateKey.generate(), None, ("ed448", 456, "ed448")),
    ],
    ids=["rsa", "ec", "dsa", "ed25519", "ed448"],
)
def test_key_and_signature_are_read(key: Any, digest: Any, facts: tuple[str, int, str]) -> None:
    leaf = read_certificate(sign(key, digest))
    assert leaf is not None
    assert (leaf.key_type, leaf.key_bits, leaf.signature) == facts


def test_unknown_key_and_signature_leave_the_rest_readable() -> None:
    der = sign(ed25519.Ed25519PrivateKey.generate(), None)
    # The algorithm in every place where it stands becomes one that nobody has.
    leaf = read_certificate(der.replace(b"\x06\x03\x2b\x65\x70", b"\x06\x03\x2b\x65\x7f"))
    assert leaf is not None
    assert (leaf.subject, leaf.key_type, leaf.key_bits, leaf.signature) == ("CN=a", "", 0, "")


WEAK = Certificate("CN=a", "CN=a", NOW, NOW + timedelta(days=9), "00", "rsa", 1024, "sha1")
SEEN = Observation(latency_us=1, certificate=WEAK, protocol="TLSv1.2")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("certificate key_bits >= 2048", "1024 bits, rsa"),
        ("certificate key_bits not in 1000 to 2000", "1024 bits, rsa"),
        ('certificate key_type one of "ec", "ed25519"', '"rsa"'),
        ('certificate signature != "sha1"', '"sha1"'),
        ('protocol >= "TLSv1.3"', '"TLSv1.2"'),
        ('protocol < "TLSv1.2"', '"TLSv1.2"'),
        ('protocol > "HTTP/1.0"', '"TLSv1.2"'),
        ('protocol < "SSLv3"', '"TLSv1.2"'),
    ],
)
def test_what_fails_says_what_was_found(text: str, found: str) -> None:
    evidence = judge(parse_assertions(text), SEEN, now=NOW).evidence
    assert evidence is not None
    assert evidence.found == found


@pytest.mark.parametrize(
    "text",
    [
        "certificate key_bits >= 1024",
        'certificate key_type == "rsa"',
        'certificate signature one of "sha1", "sha256"',
        'protocol >= "TLSv1.2"',
        'protocol <= "tls1.2"',
        'protocol > "TLSv1"',
    ],
)
def test_what_holds_holds(text: str) -> None:
    assert judge(parse_assertions(text), SEEN, now=NOW).verdict is State.UP
    assert str(parse_assertions(text)[0]) == text


def test_key_that_nobody_knows_is_not_large_enough() -> None:
    for certificate, found in ((replace(WEAK, key_bits=0), "a key that we do not know"), (None, "no certificate")):
        judgement = judge(parse_assertions("certificate key_bits > 0"), replace(SEEN, certificate=certificate), now=NOW)
        assert judgement.evidence is not None
        assert (judgement.error_kind, judgement.evidence.found) == (ErrorKind.CERTIFICATE, found)
