"""Whom TLS trusts: one shared context per trust setting, because building one costs 20 ms, and the leaf's facts."""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import certifi
from cryptography import x509

from healthcheck.engine.certificate_keys import read_key, read_signature
from healthcheck.engine.client_certificate import ClientCertificate, load_client_certificate
from healthcheck.engine.types import Certificate, ConfigurationError

ON, OFF, CUSTOM = "on", "off", "custom"
# 1.0 stands for everything below 1.2: what no browser speaks any more, and old devices still do.
OLDEST = "1.0"
MIN_VERSIONS, MAX_VERSIONS = (OLDEST, "1.2", "1.3"), ("1.2", "1.3")
# Without them OpenSSL refuses the signatures that versions before 1.2 are made of.
WEAK_CIPHERS = "DEFAULT:@SECLEVEL=0"
_VERSIONS = {
    OLDEST: ssl.TLSVersion.MINIMUM_SUPPORTED,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
MAX_NAME = 500
# Of a chain as presented; real ones have two to four, and OpenSSL itself takes 100 KB of them.
MAX_CHAIN = 10
# More trust settings than one process checks under; beyond either bound the oldest context is built again when needed.
MAX_CONTEXTS = 1024
# Measured: a context keeps 40 KB and less than four times its PEM text, so that all of them stay below 110 MB.
MAX_PEM_CHARS = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """`verify` is `on` (the system's and certifi's authorities), `off`, or `custom` (those in `ca_pem` alone).

    `min_version` and `max_version` are among `MIN_VERSIONS` and `MAX_VERSIONS`; empty for what the library chooses.
    """

    verify: str = ON
    ca_pem: str = field(default="", repr=False)
    alpn: tuple[str, ...] = ()
    client: ClientCertificate | None = None
    min_version: str = ""
    max_version: str = ""


class _RecordingSSLObject(ssl.SSLObject):
    """Keeps the certificate that failed verification, which a closed handshake would otherwise take with it."""

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            error.presented_chain = _read_presented_chain(self)  # type: ignore[attr-defined]
            raise


def _read_presented_chain(ssl_object: ssl.SSLObject) -> Sequence[object]:
    # Public from Python 3.13 on; before that only on the wrapped object, and with OpenSSL 1.1 empty.
    source = ssl_object if hasattr(ssl_object, "get_unverified_chain") else getattr(ssl_object, "_sslobj", None)
    get_chain = getattr(source, "get_unverified_chain", None)
    return (get_chain() or ()) if get_chain is not None else ()


class Contexts:
    """The contexts built so far, oldest first. Each is built once, however many threads ask for it."""

    def __init__(self) -> None:
        self._built: dict[TlsSettings, ssl.SSLContext] = {}
        self._pem_chars = 0
        self.renew_lock()

    def renew_lock(self) -> None:
        """After a fork: the parent's thread that may have held it does not exist here."""
        self._lock = threading.Lock()

    def find(self, settings: TlsSettings) -> ssl.SSLContext | None:
        return self._built.get(settings)

    def load(self, settings: TlsSettings) -> ssl.SSLContext:
        with self._lock:
            context = self._built.get(settings)
            if context is None:
                context = _build_context(settings)
                self._keep(settings, context)
        return context

    def _keep(self, settings: TlsSettings, context: ssl.SSLContext) -> None:
        self._built[settings] = context
        self._pem_chars += _count_chars(settings)
        while len(self._built) > MAX_CONTEXTS or self._pem_chars > MAX_PEM_CHARS:
            oldest = next(iter(self._built))
            del self._built[oldest]
            self._pem_chars -= _count_chars(oldest)


def _count_chars(settings: TlsSettings) -> int:
    client = settings.client
    return len(settings.ca_pem) + (len(client.certificate_pem) + len(client.key_pem) if client is not None else 0)


_CONTEXTS = Contexts()
os.register_at_fork(after_in_child=_CONTEXTS.renew_lock)


def find_context(settings: TlsSettings) -> ssl.SSLContext | None:
    """Return the shared context if it was built before."""
    return _CONTEXTS.find(settings)


def load_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return the shared context. Raises ConfigurationError when `ca_pem` holds no usable certificate.

    May block for 20 ms and more: on an event loop, `find_context` and then `build_context_aside`.
    """
    return _CONTEXTS.load(settings)


async def build_context_aside(settings: TlsSettings) -> ssl.SSLContext:
    """Return the shared context, built on another thread if need be. Raises as `load_context` does."""
    return await asyncio.get_running_loop().run_in_executor(None, load_context, settings)


def _build_context(settings: TlsSettings) -> ssl.SSLContext:
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
    if settings.min_version:
        context.minimum_version = _VERSIONS[settings.min_version]
    if settings.min_version == OLDEST:
        context.set_ciphers(WEAK_CIPHERS)
    if settings.max_version:
        context.maximum_version = _VERSIONS[settings.max_version]
    if settings.client is not None:
        load_client_certificate(context, settings.client)
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
        key_type, key_bits = read_key(leaf)
        return Certificate(
            subject=leaf.subject.rfc4514_string()[:MAX_NAME],
            issuer=leaf.issuer.rfc4514_string()[:MAX_NAME],
            not_before=leaf.not_valid_before_utc,
            not_after=leaf.not_valid_after_utc,
            fingerprint_sha256=hashlib.sha256(der).hexdigest(),
            key_type=key_type,
            key_bits=key_bits,
            signature=read_signature(leaf),
        )
    except (ValueError, TypeError, x509.UnsupportedGeneralNameType):
        return None


def read_presented(error: ssl.SSLCertVerificationError) -> tuple[Certificate | None, ...]:
    """Return the facts of the chain that failed verification, leaf first, where this Python and OpenSSL can tell."""
    return _read_facts(getattr(error, "presented_chain", ()))


def read_chain(ssl_object: ssl.SSLObject) -> tuple[Certificate, ...]:
    """Return the facts of the chain that the target presented, leaf first; also after the connection was closed."""
    return tuple(each for each in _read_facts(_read_presented_chain(ssl_object)) if each is not None)


def _read_facts(chain: Sequence[object]) -> tuple[Certificate | None, ...]:
    return tuple(_read_either(each) for each in chain[:MAX_CHAIN])


def _read_either(certificate: object) -> Certificate | None:
    if isinstance(certificate, bytes):
        return read_certificate(certificate)
    public_bytes = getattr(certificate, "public_bytes", None)
    return read_certificate(ssl.PEM_cert_to_DER_cert(public_bytes())) if public_bytes is not None else None
