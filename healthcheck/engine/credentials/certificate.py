"""Whether a client certificate, its key and its passphrase are what they claim, and belong together."""

from __future__ import annotations

import ssl

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from healthcheck.engine.client_certificate import ClientCertificate, load_client_certificate
from healthcheck.engine.types import ConfigurationError

_Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
MAX_CHAIN = 10


def check_certificate(client: ClientCertificate) -> None:
    """Raise ConfigurationError unless the first certificate belongs to the key. May take a tenth of a second."""
    leaf, key = read_leaf(client.certificate_pem), _read_key(client.key_pem, client.passphrase)
    public = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    try:
        belongs = leaf.public_key().public_bytes(*public) == key.public_key().public_bytes(*public)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(
            "The certificate holds a key of a kind that is not supported; use RSA or an elliptic curve.",
            field="certificate",
        ) from None
    if not belongs:
        raise ConfigurationError(
            "The private key does not belong to the certificate; paste the pair, the own certificate before its chain.",
            field="private_key",
        )
    # OpenSSL has demands of its own, such as the size of a key, and here is the place to hear of them.
    load_client_certificate(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), client)


def read_leaf(pem: str) -> x509.Certificate:
    """Return the first certificate of the text. Raises ConfigurationError."""
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, TypeError):
        raise ConfigurationError(
            "The certificate is not in PEM form; paste the text from -----BEGIN CERTIFICATE----- to "
            "-----END CERTIFICATE-----.",
            field="certificate",
        ) from None
    if len(chain) > MAX_CHAIN:
        raise ConfigurationError(
            f"There are more than {MAX_CHAIN} certificates; leave those out that are not part of the chain.",
            field="certificate",
        )
    return chain[0]


def _read_key(pem: str, passphrase: str) -> _Key:
    is_encrypted = "ENCRYPTED" in pem
    if is_encrypted and not passphrase:
        raise ConfigurationError("The private key is encrypted; enter its passphrase.", field="passphrase")
    if passphrase and not is_encrypted:
        raise ConfigurationError("The private key is not encrypted; leave the passphrase empty.", field="passphrase")
    try:
        key = load_pem_private_key(pem.encode(), passphrase.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigurationError(
            "The passphrase does not open the private key; correct it."
            if is_encrypted
            else "The private key is not in PEM form; paste the text from -----BEGIN to the end of its END line.",
            field="passphrase" if is_encrypted else "private_key",
        ) from None
    if not isinstance(key, _Key):
        raise ConfigurationError(
            "The private key is of a kind that is not supported; use RSA or an elliptic curve.", field="private_key"
        )
    return key
