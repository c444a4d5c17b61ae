"""What one browser is reached by: its subscription, and the key that it was made for. Refusals name the cure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from healthcheck.engine.types import ConfigurationError
from healthcheck.notifiers.field_values import MIN_PART_CHARS, parse_url
from healthcheck.notifiers.push_encryption import (
    AUTH_BYTES,
    CURVE,
    NUMBER_BYTES,
    POINT_BYTES,
    BrowserKeys,
    decode_base64url,
)

# Push services give away addresses of a few hundred characters.
MAX_SUBSCRIPTION_CHARS = 4_000
MAX_CONTACT_CHARS = 300
FIELD, CONTACT_FIELD = "subscription", "contact"
CURE = "press “Use this browser” again"

_MAIL = re.compile(r"mailto:[^\s@<>\",;?&]+@[^\s@<>\",;?&]+")


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a browser is reached, what it reads, and the key by which its push service knows us."""

    endpoint: httpx.URL = field(repr=False)
    keys: BrowserKeys
    vapid: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def audience(self) -> str:
        """The origin of the push service."""
        return f"{self.endpoint.scheme}://{self.endpoint.netloc.decode('ascii')}"


def read_subscription(text: str) -> Subscription:
    """Return what the form's button wrote. Raises ConfigurationError at the field."""
    document = _read_object(text)
    keys = document.get("keys")
    if not isinstance(keys, dict):
        raise _refuse("The subscription has no keys")
    browser = BrowserKeys(_read_point(_read_bytes(keys, "p256dh", POINT_BYTES)), _read_bytes(keys, "auth", AUTH_BYTES))
    return Subscription(_read_endpoint(document), browser, _read_private(_read_bytes(document, "vapid", NUMBER_BYTES)))


def check_contact(text: str) -> None:
    """Raises ConfigurationError for what a push service could not reach its senders by."""
    if len(text) > MAX_CONTACT_CHARS or not text.isascii():
        raise ConfigurationError(
            f"The contact has at most {MAX_CONTACT_CHARS} characters of ASCII; shorten it.", field=CONTACT_FIELD
        )
    if text.startswith("https://"):
        parse_url(text, field=CONTACT_FIELD)
    elif not _MAIL.fullmatch(text):
        raise ConfigurationError(
            "The contact is an address such as mailto:ops@example.com, or one that begins with https://; correct it.",
            field=CONTACT_FIELD,
        )


def list_parts(subscription: Subscription, text: str) -> list[str]:
    """Return what must be said to nobody: the address without its host, and every key."""
    target = subscription.endpoint.raw_path.decode("ascii")
    parts = [target, *re.split(r"[/?&=]+", target), *re.findall(r'"([^"\\]+)"', text)]
    # What is shorter, such as the name of a key, is found in any text.
    return [part for part in parts if len(part) > MIN_PART_CHARS]


def _read_object(text: str) -> dict[str, Any]:
    if len(text) > MAX_SUBSCRIPTION_CHARS:
        raise _refuse(f"The subscription is longer than {MAX_SUBSCRIPTION_CHARS} characters")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _refuse("The subscription is not JSON") from None
    if not isinstance(document, dict):
        raise _refuse("The subscription is not a JSON object")
    return document


def _read_endpoint(document: Mapping[str, Any]) -> httpx.URL:
    text = document.get("endpoint")
    if not isinstance(text, str):
        raise _refuse("The subscription has no endpoint")
    url = parse_url(text, field=FIELD)
    if url.scheme != "https":
        raise _refuse("The endpoint of the subscription does not begin with https://")
    return url


def _read_bytes(document: Mapping[str, Any], name: str, length: int) -> bytes:
    text = document.get(name)
    try:
        data = decode_base64url(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != length:
        raise _refuse(f"{name} of the subscription is not base64url of {length} bytes")
    return data


def _read_point(data: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, data)
    except ValueError:
        raise _refuse("p256dh of the subscription is no key of the curve P-256") from None


def _read_private(data: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        return ec.derive_private_key(int.from_bytes(data, "big"), CURVE)
    except ValueError:
        raise _refuse("vapid of the subscription is no private key of the curve P-256") from None


def _refuse(fault: str) -> ConfigurationError:
    return ConfigurationError(f"{fault}; {CURE}.", field=FIELD)
