"""Secrets at rest: sealed by the first of the deployment's own keys, opened by any of them, and never by chance.

Nothing is opened when a row is read, so that a wrong key breaks what needs the secret and no list beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from healthcheck.conf import get_settings

# What a person pastes: a client certificate's key and a few tokens. Bounds the row and the time to open it.
MAX_SEALED_BYTES = 64 * 1024


class SecretsError(ValueError):
    """Secrets cannot be sealed or opened. The text is one sentence for people and names the cure."""


def seal_secrets(secrets: Mapping[str, object]) -> str:
    """Return the secrets as text that only the keys open. Raises SecretsError without a usable key."""
    plain = json.dumps(secrets, sort_keys=True, separators=(",", ":")).encode()
    if len(plain) > MAX_SEALED_BYTES:
        raise SecretsError(f"The secrets are larger than {MAX_SEALED_BYTES} bytes; shorten them.")
    return load_keys(get_settings().encryption_keys).encrypt(plain).decode("ascii")


def unseal_secrets(sealed: str) -> dict[str, Any]:
    """Return what was sealed. Raises SecretsError for a text that none of the keys opens."""
    keys = load_keys(get_settings().encryption_keys)
    try:
        opened: dict[str, Any] = json.loads(keys.decrypt(sealed.encode("ascii", "replace")))
    except InvalidToken:
        raise SecretsError(
            "None of the keys in HEALTHCHECK['ENCRYPTION_KEYS'] opens these secrets; add the key that sealed them, or "
            "enter them again."
        ) from None
    return opened


def reseal_secrets(sealed: str) -> str:
    """Return the same secrets sealed by the first key. Raises SecretsError as the others do."""
    keys = load_keys(get_settings().encryption_keys)
    try:
        return keys.rotate(sealed.encode("ascii", "replace")).decode("ascii")
    except InvalidToken:
        raise SecretsError(
            "None of the keys in HEALTHCHECK['ENCRYPTION_KEYS'] opens these secrets; add the key that sealed them."
        ) from None


def is_current(sealed: str) -> bool:
    """Whether the first key opens it, so that nothing is gained by sealing it again. Raises SecretsError."""
    first = get_settings().encryption_keys[:1]
    try:
        load_keys(first).decrypt(sealed.encode("ascii", "replace"))
    except InvalidToken:
        return False
    return True


def make_key() -> str:
    """Return a fresh key."""
    return Fernet.generate_key().decode("ascii")


@lru_cache(maxsize=8)
def load_keys(keys: tuple[str, ...]) -> MultiFernet:
    """Return what seals and opens. Raises SecretsError when there is no key, or one that is none."""
    if not keys:
        raise SecretsError(
            "HEALTHCHECK['ENCRYPTION_KEYS'] holds no key; set one, made with `manage.py rotate_secrets --new-key`."
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise SecretsError(
            "A key in HEALTHCHECK['ENCRYPTION_KEYS'] is not 32 bytes in URL-safe base64; make one with "
            "`manage.py rotate_secrets --new-key`."
        ) from None
