"""Seals everything that is sealed with the first key again, so that an old key can be thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from healthcheck.models import Credential, DeployHook, NotificationChannel
from healthcheck.models.secrets import SecretsError, is_current, reseal_secrets

# Rows read at once; each is written by itself, so that nobody waits for all of them.
BATCH = 100
Sealed = Credential | DeployHook | NotificationChannel
# Whatever has a column `sealed` and a name that is told where no key opens it.
_SEALED: tuple[type[Sealed], ...] = (Credential, NotificationChannel, DeployHook)


@dataclass(slots=True)
class Rotation:
    """What became of what is sealed. `unreadable` are the names of what no key opens; it stays as it is."""

    resealed: int = 0
    current: int = 0
    unreadable: list[str] = field(default_factory=list)

    def take(self, row: Sealed, *, is_dry: bool) -> None:
        """Seal one row again where that changes anything, and count it."""
        if is_current(row.sealed):
            self.current += 1
            return
        try:
            sealed = reseal_secrets(row.sealed)
        except SecretsError:
            self.unreadable.append(row.name)
            return
        # Whoever saved it meanwhile has sealed it with the first key, and what they wrote must not be undone.
        rows = type(row)._default_manager.filter(pk=row.pk, sealed=row.sealed)
        if is_dry or rows.update(sealed=sealed):
            self.resealed += 1


def rotate_secrets(*, is_dry: bool = False, batch: int = BATCH) -> Rotation:
    """Seal again what another key than the first has sealed. Safe to repeat and to interrupt.

    Raises SecretsError without a usable key.
    """
    rotation = Rotation()
    for model in _SEALED:
        for row in _read_sealed(model, batch):
            rotation.take(row, is_dry=is_dry)
    return rotation


def _read_sealed(model: type[Sealed], batch: int) -> Iterator[Sealed]:
    last = 0
    rows: QuerySet[Any] = model._default_manager.exclude(sealed="").order_by("pk")
    while found := list(rows.filter(pk__gt=last)[:batch]):
        yield from found
        last = found[-1].pk
