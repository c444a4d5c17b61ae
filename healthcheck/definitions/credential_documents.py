"""A credential as a document: its public parts and which secrets are set, never a secret nor its length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from healthcheck.models import Credential
from healthcheck.models.secrets import SecretsError

UNREADABLE = "unreadable"


def read_credentials(ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    return {credential.pk: _read(credential) for credential in Credential.objects.filter(pk__in=ids)}


def _read(credential: Credential) -> dict[str, Any]:
    return {
        "name": credential.name,
        "kind": credential.kind,
        "details": credential.details,
        "secrets": _name_secrets(credential),
        # New secrets under the same names are a change, too, and this is all that may be told of it.
        "secrets_changed_at": credential.changed_at.isoformat() if credential.changed_at else None,
    }


def _name_secrets(credential: Credential) -> list[str]:
    try:
        return sorted(name for name, value in credential.open_secrets().items() if value)
    except SecretsError:
        # A missing key must not keep people from the rest of the history.
        return [UNREADABLE]
