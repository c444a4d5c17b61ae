"""Signatures of webhooks in the form of the Standard Webhooks specification, version 1: HMAC-SHA256, base64."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from healthcheck.engine.types import ConfigurationError

PREFIX = "whsec_"
# What the specification asks for.
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64
MADE_SECRET_BYTES = 32
VERSION = "v1,"
# Signatures of one message that are looked at: a sender has two while it changes its secret.
MAX_SIGNATURES = 8


def make_secret() -> str:
    """Return a new secret as it is written."""
    return PREFIX + base64.b64encode(secrets.token_bytes(MADE_SECRET_BYTES)).decode("ascii")


def read_secret(text: str, *, field: str) -> bytes:
    """Return the key of a secret as it is written, `whsec_` and base64. Raises ConfigurationError at the field."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        key = b""
    if not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ConfigurationError(
            f"The secret must be {PREFIX} and base64 of {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes; make one with "
            f"`openssl rand -base64 {MIN_SECRET_BYTES}`.",
            field=field,
        )
    return key


def sign(keys: Iterable[bytes], message_id: str, timestamp: int, *, body: bytes) -> str:
    """Return a signature for each key, so that a receiver finds its own while they rotate."""
    # What no text can hold, such as half a character, is signed as something else and never right.
    signed = f"{message_id}.{timestamp}.".encode("utf-8", "replace") + body
    return " ".join(f"{VERSION}{_sign(key, signed)}" for key in keys)


def is_signed(keys: Iterable[bytes], message_id: str, timestamp: int, *, body: bytes, signatures: str) -> bool:
    """Whether one of the signatures is by one of the keys. Takes as long for one that is nearly right."""
    given = [each.encode("utf-8", "replace") for each in signatures.split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES]]
    own = sign(keys, message_id, timestamp, body=body).encode().split()
    # All of them, so that nothing tells which it was.
    return sum(hmac.compare_digest(one, other) for one in own for other in given) > 0


def _sign(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
