"""Whom TLS trusts: one shared context per trust setting, because building one costs 20 ms, and the leaf's facts."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import certifi
from cryptography import x509

from healthcheck.engine.types import Certificate, ConfigurationError

ON, OFF, CUSTOM = "on", "off", "custom"
MAX_NAME = 500


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """`verify` is `on` (the system's and certifi's authorities), `off`, or `custom` (those in `ca_pem` alone)."""

    verify: str = ON
    ca_pem: str = field(default="", repr=False)
    alpn: tuple[str, ...] = ()


class _RecordingSSLObject(ssl.SSLObject):
    """Keeps the certificate that failed verification, which a closed handshake would otherwise take with it."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            # Public from Python 3.13 on; before that only on the wrapped object, and with OpenSSL 1.1 empty.
            source = self if hasattr(self, "get_unverified_chain") else getattr(self, "_sslobj", None)
            error.presented_chain = _read_chain(source)  # type: ignore[attr-defined]
            raise


def _read_chain(source: object) -> Sequence[object]:
    get_chain = getattr(source, "get_unverified_chain", None)
    return (get_chain() or ()) if get_chain is not None else ()


# Custom authorities are per endpoint: 64 contexts are some 30 MB at most, what is older is built again.
@lru_cache(maxsize=64)
def load_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return the shared context. Raises ConfigurationError when `ca_pem` holds no usable certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslobject_class = _RecordingSSLObject
    if settings.alpn:
        context.set_alpn_protocols(list(settings.alpn))
    if settings.verify == OFF:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif settings.verify == CUSTOM:
        _load_authorities(context, settings.ca_pem)
    else:
        context.set_default_verify_paths()
        context.load_verify_locations(cafile=certifi.where())
    return context


def _load_authorities(context: ssl.SSLContext, pem: str) -> None:
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise ConfigurationError(
            "The authority is not a certificate in PEM form; paste the text from -----BEGIN CERTIFICATE----- to "
            "-----END CERTIFICATE-----.",
            field="ca_pem",
        ) from None
    # An intermediate or a self-signed leaf is what people have at hand, so it may be the anchor.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


@lru_cache(maxsize=1024)
def read_certificate(der: bytes) -> Certificate | None:
    """Return the facts of a DER certificate; None when it is too broken to be read."""
    try:
        leaf = x509.load_der_x509_certificate(der)
        return Certificate(
            subject=leaf.subject.rfc4514_string()[:MAX_NAME],
            issuer=leaf.issuer.rfc4514_string()[:MAX_NAME],
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            fingerprint_sha256=hashlib.sha256(der).hexdigest(),
        )
    except (ValueError, TypeError, x509.UnsupportedGeneralNameType):
        return None


def read_presented(error: ssl.SSLCertVerificationError) -> Certificate | None:
    """Return the facts of the leaf that failed verification, where this Python and OpenSSL can tell."""
    chain: Sequence[object] = getattr(error, "presented_chain", ())
    if not chain:
        return None
    leaf = chain[0]
    if isinstance(leaf, bytes):
        return read_certificate(leaf)
    public_bytes = getattr(leaf, "public_bytes", None)
    return read_certificate(ssl.PEM_cert_to_DER_cert(public_bytes())) if public_bytes is not None else None
