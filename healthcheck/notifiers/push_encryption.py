"""What makes a push message one that only its browser reads (RFC 8291), and a push service believe us (RFC 8292).

Of `aes128gcm` (RFC 8188) the one record that web push has. No libraries for it: see the decisions in the README.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
NUMBER_BYTES, POINT_BYTES, AUTH_BYTES, SALT_BYTES = 32, 65, 16, 16
# What every push service takes (RFC 8030, 7.2), less the header of the record, its delimiter and its tag.
RECORD_BYTES = 4096
MAX_PAYLOAD_BYTES = RECORD_BYTES - (SALT_BYTES + 4 + 1 + POINT_BYTES) - 1 - 16

_LAST_RECORD = b"\x02"
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")


@dataclass(frozen=True, slots=True)
class BrowserKeys:
    """What a browser gave away with its subscription: its public key, and what proves that we were told it."""

    public: ec.EllipticCurvePublicKey = field(repr=False)
    auth: bytes = field(repr=False)


def encrypt(payload: bytes, browser: BrowserKeys) -> bytes:
    """Return the body of a push message, with a key and a salt of its own."""
    return encrypt_with(ec.generate_private_key(CURVE), secrets.token_bytes(SALT_BYTES), browser, payload=payload)


def encrypt_with(own: ec.EllipticCurvePrivateKey, salt: bytes, browser: BrowserKeys, *, payload: bytes) -> bytes:
    """Return the body that a key and a salt, used for nothing else, make of a payload of at most MAX_PAYLOAD_BYTES."""
    own_point = write_point(own.public_key())
    info = b"WebPush: info\x00" + write_point(browser.public) + own_point
    shared = _derive(own.exchange(ec.ECDH(), browser.public), browser.auth, info, length=32)
    key = _derive(shared, salt, b"Content-Encoding: aes128gcm\x00", length=16)
    nonce = _derive(shared, salt, b"Content-Encoding: nonce\x00", length=12)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(own_point)]) + own_point
    return header + AESGCM(key).encrypt(nonce, payload + _LAST_RECORD, None)


def _derive(secret: bytes, salt: bytes, info: bytes, *, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def write_authorization(key: ec.EllipticCurvePrivateKey, *, audience: str, subject: str, expires_at: datetime) -> str:
    """Return the header that tells the push service at `audience`, an origin, who sends. It takes at most a day."""
    claims = {"aud": audience, "exp": int(expires_at.timestamp()), "sub": subject}
    signed = ".".join(_encode_json(part) for part in ({"typ": "JWT", "alg": "ES256"}, claims))
    # JWS wants the two numbers of a signature as they are, not as ASN.1 (RFC 7518, 3.4).
    numbers = decode_dss_signature(key.sign(signed.encode("ascii"), ec.ECDSA(hashes.SHA256())))
    signature = encode_base64url(b"".join(number.to_bytes(NUMBER_BYTES, "big") for number in numbers))
    return f"vapid t={signed}.{signature}, k={encode_base64url(write_point(key.public_key()))}"


def _encode_json(document: Mapping[str, object]) -> str:
    return encode_base64url(json.dumps(document, separators=(",", ":")).encode())


def write_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as its uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encode_base64url(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Return what base64url stands for, with its padding or without. Raises ValueError."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    stripped = text.rstrip("=")
    try:
        return base64.urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
