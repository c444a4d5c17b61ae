"""A browser that was subscribed: it reads what is pushed to it, and its push service verifies who sent it.

Worked out from the standards, apart from what sends: RFC 8188, 8291 and 8292.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import trustme
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from healthcheck.notifiers.push_encryption import BrowserKeys, decode_base64url, encode_base64url, write_point
from tests.engine.conftest import serve_with
from tests.hostile import HostileServer
from tests.notifiers.receiver import Receiver, Script, Told, say

CURVE = ec.SECP256R1()
CREATED = say("201 Created", "Location: https://push.example.test/message/1")
CONTACT = "mailto:ops@example.test"


def read_private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decode_base64url(text), "big"), CURVE)


def write_private(key: ec.EllipticCurvePrivateKey) -> str:
    return encode_base64url(key.private_numbers().private_value.to_bytes(32, "big"))


def expand(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF of one block (RFC 5869)."""
    return hmac.digest(hmac.digest(salt, secret, hashlib.sha256), info + b"\x01", hashlib.sha256)


@dataclass(frozen=True)
class Claims:
    """What a push service reads of the sender, once it is verified."""

    audience: str
    expires_at: int
    subject: str
    public: str


@dataclass(frozen=True)
class PushBrowser:
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    vapid: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(CURVE))
    auth: bytes = b"0123456789abcdef"

    @property
    def keys(self) -> BrowserKeys:
        return BrowserKeys(self.key.public_key(), self.auth)

    def subscribe(self, endpoint: str) -> dict[str, Any]:
        """Return what the form's field holds."""
        keys = {"p256dh": encode_base64url(write_point(self.key.public_key())), "auth": encode_base64url(self.auth)}
        return {"endpoint": endpoint, "keys": keys, "vapid": write_private(self.vapid)}

    def fill_in(self, receiver: Receiver, path: str = "/push/1") -> dict[str, str]:
        """Return what a channel is set up with whose push service is the receiver."""
        subscription = json.dumps(self.subscribe(receiver.url + path))
        return {"subscription": subscription, "contact": CONTACT, "ca_pem": read_authority()}

    def decrypt(self, body: bytes) -> bytes:
        """Return what one record says. Raises InvalidTag for what is not for this browser."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        point, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point))
        secret = expand(shared, self.auth, b"WebPush: info\x00" + write_point(self.key.public_key()) + point)
        key = expand(secret, salt, b"Content-Encoding: aes128gcm\x00")[:16]
        nonce = expand(secret, salt, b"Content-Encoding: nonce\x00")[:12]
        text, mark, padding = AESGCM(key).decrypt(nonce, record, None).rpartition(b"\x02")
        assert (mark, padding.strip(b"\x00")) == (b"\x02", b"")
        return text

    def read_text(self, told: Told) -> str:
        """Return what the service worker is handed."""
        assert told.headers["content-encoding"] == "aes128gcm"
        return self.decrypt(told.body).decode()

    def read(self, told: Told) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.read_text(told))
        return document


def verify(told: Told) -> Claims:
    """Return who says to have sent it. Raises InvalidSignature."""
    scheme, _, parameters = told.headers["authorization"].partition(" ")
    assert scheme == "vapid"
    given = dict(part.strip().split("=", 1) for part in parameters.split(","))
    head, claims, signature = given["t"].split(".")
    assert json.loads(decode_base64url(head)) == {"typ": "JWT", "alg": "ES256"}
    numbers = decode_base64url(signature)
    assert len(numbers) == 64
    both = encode_dss_signature(int.from_bytes(numbers[:32], "big"), int.from_bytes(numbers[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decode_base64url(given["k"]))
    public.verify(both, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    read = json.loads(decode_base64url(claims))
    return Claims(read["aud"], read["exp"], read["sub"], given["k"])


@cache
def issue() -> tuple[trustme.CA, trustme.LeafCert]:
    authority = trustme.CA()
    return authority, authority.issue_cert("127.0.0.1")


def read_authority() -> str:
    return issue()[0].cert_pem.bytes().decode()


def open_push_service(server: HostileServer, *scripts: Script) -> Receiver:
    """A push service answers 201 unless the test says something else."""
    return Receiver(server, *(scripts or (CREATED,)), tls=serve_with(issue()[1]))
