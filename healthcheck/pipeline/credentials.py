"""Opens the credentials of a run. What cannot be opened becomes a value, so that it costs its own endpoints only."""

from __future__ import annotations

import json
import logging
from functools import lru_cache

from healthcheck.conf import get_settings
from healthcheck.engine.credentials import EngineCredential, UnusableCredential, parse_credential
from healthcheck.engine.types import ConfigurationError
from healthcheck.models.secrets import SecretsError, unseal_secrets

logger = logging.getLogger(__name__)

# Opened once per ciphertext and process, and in its memory alone: a passphrase costs a tenth of a second on purpose.
# Each entry holds up to 200 KB, two thirds of it the ciphertext.
KEPT_CREDENTIALS = 512


def load_credential(
    credential_id: int, *, kind: str, details: str, sealed: str
) -> EngineCredential | UnusableCredential:
    """Return the typed credential of a row; `details` is its JSON text."""
    return _open(credential_id, kind, details, sealed, get_settings().encryption_keys)


@lru_cache(KEPT_CREDENTIALS)
def _open(
    credential_id: int, kind: str, details: str, sealed: str, keys: tuple[str, ...]
) -> EngineCredential | UnusableCredential:
    try:
        return parse_credential(kind, json.loads(details), unseal_secrets(sealed) if sealed else {})
    except (SecretsError, ConfigurationError) as error:
        # Once per process and ciphertext. The sentence names fields and keys, and quotes nothing of them.
        logger.warning("credential cannot be used", extra={"credential": credential_id, "kind": kind})
        return UnusableCredential(str(error))
