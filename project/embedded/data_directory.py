"""The one folder that `manage.py up` writes to: database, backups, secret key, lock, demo."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections

PRIVATE = 0o700
# A socket's path has 104 bytes on macOS and 108 on Linux, its final zero included.
MAX_SOCKET_PATH_BYTES = 100


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """Paths below one folder. Nothing is made before `prepare`."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "healthcheck.sqlite3"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    @property
    def lock(self) -> Path:
        return self.path / "up.lock"

    @property
    def demo(self) -> Path:
        return self.path / "demo"

    def prepare(self) -> None:
        """Make the folder, readable by its owner alone. Raises CommandError where nothing can be written."""
        # Holds for every file that we and our children make: they know how to log in.
        os.umask(0o077)
        try:
            self.path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise CommandError(
                f"Nothing can be written to the data directory {self.path} ({error.strerror}); make it writable or "
                "choose another with --data."
            ) from None

    def read_secret_key(self) -> str:
        """Return the key that was made at the first start. Raises OSError."""
        file = self.path / "secret-key"
        if not file.exists() or not file.read_text().strip():
            # Whole or not at all: half a key would be kept for ever.
            fresh = file.with_suffix(".new")
            fresh.write_text(secrets.token_urlsafe(48))
            fresh.replace(file)
        return file.read_text().strip()

    def choose_broker_directory(self) -> Path:
        """Return a private folder whose path suits a socket and the broker's configuration, which quotes nothing."""
        inside = self.path / "broker"
        directory = inside if _suits_broker(inside) else _name_temporary(self.path)
        directory.mkdir(mode=PRIVATE, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise CommandError(f"{directory} is not a private folder of yours; remove it and start again.")
        return directory

    def use_for_database(self) -> None:
        """Point Django of this process at the database in this folder, unless the environment names another one."""
        if "DATABASE_URL" in os.environ or "DATABASE_URL_FILE" in os.environ:
            return
        # The settings were read before the command line; no connection has been opened since.
        connections.settings["default"]["NAME"] = str(self.database)


def find_data_directory(given: str | None) -> DataDirectory:
    """Return the folder that was given, or else the one of the settings."""
    return DataDirectory(Path(given).expanduser().absolute() if given else settings.DATA_DIR.absolute())


def _suits_broker(directory: Path) -> bool:
    text = str(directory / "broker.sock")
    return len(os.fsencode(text)) <= MAX_SOCKET_PATH_BYTES and text.isascii() and not set(text) & set(" \t\"'\\#")


def _name_temporary(path: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"healthcheck-{os.getuid()}-{digest}"
