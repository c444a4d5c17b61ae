"""Signatures of webhooks in the form of the Standard Webhooks specification, version 1: HMAC-SHA256, base64."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from healthcheck.engine.types import ConfigurationError

PREFIX = "whsec_"
# What the specification asks for.
MIN_SECRET_BYTES, MAX_SECRET_BYTES = 24, 64


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
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{_sign(key, signed)}" for key in keys)


def _sign(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
