"""Seals every credential with the first key again, so that an old key can be thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from healthcheck.models import Credential
from healthcheck.models.secrets import SecretsError, is_current, reseal_secrets

# Rows read at once; each is written by itself, so that nobody waits for all of them.
BATCH = 100


@dataclass(slots=True)
class Rotation:
    """What became of the credentials. `unreadable` are the names of those that no key opens; they stay as they are."""

    resealed: int = 0
    current: int = 0
    unreadable: list[str] = field(default_factory=list)

    def take(self, credential: Credential, *, is_dry: bool) -> None:
        """Seal one row again where that changes anything, and count it."""
        if is_current(credential.sealed):
            self.current += 1
            return
        try:
            sealed = reseal_secrets(credential.sealed)
        except SecretsError:
            self.unreadable.append(credential.name)
            return
        # Whoever saved it meanwhile has sealed it with the first key, and what they wrote must not be undone.
        if is_dry or Credential.objects.filter(pk=credential.pk, sealed=credential.sealed).update(sealed=sealed):
            self.resealed += 1


def rotate_secrets(*, is_dry: bool = False, batch: int = BATCH) -> Rotation:
    """Seal again what another key than the first has sealed. Safe to repeat and to interrupt.

    Raises SecretsError without a usable key.
    """
    rotation = Rotation()
    for credential in _read_sealed(batch):
        rotation.take(credential, is_dry=is_dry)
    return rotation


def _read_sealed(batch: int) -> Iterator[Credential]:
    last = 0
    while rows := list(Credential.objects.filter(pk__gt=last).exclude(sealed="").order_by("pk")[:batch]):
        yield from rows
        last = rows[-1].pk
