"""The demo's own certificate authority: made for one certificate, its key is thrown away with it."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# The longest that browsers accepted of private authorities, too (825 days), and renewed long before the end.
VALID = timedelta(days=825)
RENEW_BEFORE = timedelta(days=60)
# Clocks differ.
SLACK = timedelta(hours=1)


def ensure_certificate(directory: Path, now: datetime) -> str:
    """Return the authority's certificate (PEM) and see that `target.pem` and its key beside it are valid for long."""
    authority, target = directory / "authority.pem", directory / "target.pem"
    if not (authority.exists() and (directory / "target-key.pem").exists() and _lasts(target, now)):
        directory.mkdir(parents=True, exist_ok=True)
        _issue(directory, now)
    return authority.read_text()


def _lasts(target: Path, now: datetime) -> bool:
    try:
        return x509.load_pem_x509_certificate(target.read_bytes()).not_valid_after_utc > now + RENEW_BEFORE
    except (OSError, ValueError):
        return False


def _issue(directory: Path, now: datetime) -> None:
    authority_key, target_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = _name("Demo authority")
    authority = (
        _begin(authority_name, authority_key.public_key(), now)
        .issuer_name(authority_name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    target = (
        _begin(_name("Demo target"), target_key.public_key(), now)
        .issuer_name(authority_name)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = target_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "target-key.pem").write_bytes(private)
    (directory / "target.pem").write_bytes(target.public_bytes(pem))
    (directory / "authority.pem").write_bytes(authority.public_bytes(pem))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _begin(subject: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + VALID)
    )
