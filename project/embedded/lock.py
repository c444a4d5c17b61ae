"""One `manage.py up` per data directory. The kernel lets go of the lock whatever becomes of its holder."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.management.base import CommandError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def require_platform() -> None:
    """Raise CommandError where what `up` is made of does not exist."""
    if fcntl is None:
        raise CommandError("`up` needs Linux or macOS; on Windows use WSL or the containers of docker-compose.yml.")


class InstanceLock:
    """Held from `acquire` to the end of the process; the file says where its holder answers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = -1

    def acquire(self) -> None:
        """Take the lock. Raises CommandError with the holder's address when somebody has it."""
        # Children never inherit the handle, so it ends with this process even under kill -9.
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            address = self._path.read_text().strip() or "an address that it has not chosen yet"
            raise CommandError(
                f"Another `up` already runs on {self._path.parent} at {address}; stop it or choose another "
                "folder with --data."
            ) from None
        os.ftruncate(self._handle, 0)

    def publish(self, address: str) -> None:
        """Write down where this one answers."""
        os.pwrite(self._handle, f"{address}\n".encode(), 0)
