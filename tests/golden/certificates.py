"""Certificates as they should not be: every way in which a chain can fail to be trusted has a name."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.golden.case import ZONE

DAY = timedelta(days=1)
# The names of two algorithms (RFC 8017, A.2.4) as they stand in a certificate; they differ in the last byte alone.
_SHA256_WITH_RSA = bytes.fromhex("2a864886f70d01010b")
_SHA1_WITH_RSA = bytes.fromhex("2a864886f70d010105")
_HUGE_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.55555.1")


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Wanted:
    """What a certificate says of itself; days from now."""

    subject: str
    is_authority: bool = False
    begins: int = -10
    ends: int = 100
    bits: int = 2048
    name: str = f"*.{ZONE}"
    padding_bytes: int = 0


def issue(wanted: Wanted, issuer: Made | None = None) -> Made:
    """Return a certificate of the issuer's; without one it signs itself."""
    key, now = rsa.generate_private_key(65537, wanted.bits), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, wanted.subject)])
    builder = x509.CertificateBuilder(
        issuer_name=issuer.certificate.subject if issuer else subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now + wanted.begins * DAY,
        not_valid_after=now + wanted.ends * DAY,
    ).add_extension(x509.BasicConstraints(ca=wanted.is_authority, path_length=None), critical=True)
    if not wanted.is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(wanted.name)]), critical=False)
    if wanted.padding_bytes:
        padded = x509.UnrecognizedExtension(_HUGE_EXTENSION, bytes(wanted.padding_bytes))
        builder = builder.add_extension(padded, critical=False)
    return Made(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def weaken(made: Made, issuer: Made) -> Made:
    """Return the same certificate, signed with SHA-1, which no library does any more."""
    weak = made.certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signature = issuer.key.sign(weak, padding.PKCS1v15(), hashes.SHA1())
    der = made.certificate.public_bytes(Encoding.DER).replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    return Made(x509.load_der_x509_certificate(der[: -len(signature)] + signature), made.key)


class Wallet:
    """All of the table's certificates, made anew for each run of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = issue(Wanted("golden authority", is_authority=True))
        intermediate = issue(Wanted("golden intermediate", is_authority=True), self.authority)
        leaf = issue(Wanted("leaf"), self.authority)
        below = issue(Wanted("below"), intermediate)
        huge = [issue(Wanted(f"huge {number}", padding_bytes=100_000), self.authority) for number in range(11)]
        # Which certificates each of them presents, its own first.
        self._chains: Mapping[str, list[Made]] = {
            "good": [leaf],
            "with intermediate": [below, intermediate],
            "without intermediate": [below],
            "expired": [issue(Wanted("expired", begins=-9, ends=-1), self.authority)],
            "early": [issue(Wanted("early", begins=5), self.authority)],
            "another host": [issue(Wanted("another", name="elsewhere.test"), self.authority)],
            "self-signed": [issue(Wanted("self-signed"))],
            "short key": [issue(Wanted("short", bits=1024), self.authority)],
            "SHA-1": [weaken(issue(Wanted("weak"), self.authority), self.authority)],
            "huge chain": [leaf, *huge],
        }

    def open(self, name: str) -> ssl.SSLContext:
        """Return a server's context that presents this chain, or behaves as its name says."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # What would be refused here as weak is what the other side has to refuse.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        if name == "old version":
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
        if name.startswith("demands"):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=self.authority.pem.decode())
            context.maximum_version = ssl.TLSVersion.TLSv1_2 if "1.2" in name else ssl.TLSVersion.TLSv1_3
        self._present(context, self._chains.get(name, self._chains["good"]))
        return context

    def _present(self, context: ssl.SSLContext, chain: list[Made]) -> None:
        file = self._folder / "presented.pem"
        file.write_bytes(chain[0].key_pem + b"".join(made.pem for made in chain))
        context.load_cert_chain(file)
