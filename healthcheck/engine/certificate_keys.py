"""What a certificate is made of: the type and size of its key, and what it was signed with."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa

_SIZED = ((rsa.RSAPublicKey, "rsa"), (ec.EllipticCurvePublicKey, "ec"), (dsa.DSAPublicKey, "dsa"))
# Of one size each (RFC 8032).
_UNSIZED = ((ed25519.Ed25519PublicKey, "ed25519", 256), (ed448.Ed448PublicKey, "ed448", 456))


def read_key(certificate: x509.Certificate) -> tuple[str, int]:
    """Return the type of its key and its size in bits; an empty one and 0 for one that is unknown or broken."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "", 0
    for made, name in _SIZED:
        if isinstance(key, made):
            return name, key.key_size
    return next(((name, bits) for made, name, bits in _UNSIZED if isinstance(key, made)), ("", 0))


def read_signature(certificate: x509.Certificate) -> str:
    """Return the hash of its signature, such as sha256, or the scheme that has its own; empty for an unknown one."""
    try:
        digest = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ""
    if digest is not None:
        return digest.name
    return {"1.3.101.112": "ed25519", "1.3.101.113": "ed448"}.get(certificate.signature_algorithm_oid.dotted_string, "")
