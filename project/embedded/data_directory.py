"""The one folder that `manage.py up` writes to: database, backups, spool, keys, lock, demo."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import connections

from healthcheck.models.secrets import make_key
from project.own_folder import ENCRYPTION_KEYS_FILE, SECRET_KEY_FILE, join_keys

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
    def spool(self) -> Path:
        return self.path / "spool"

    @property
    def lock(self) -> Path:
        return self.path / "up.lock"

    @property
    def demo(self) -> Path:
        return self.path / "demo"

    @property
    def login_permission(self) -> Path:
        """There as long as the login link has not been used."""
        return self.path / "login-unused"

    def prepare(self) -> None:
        """Make the folder, or make it readable by its owner alone.

        Raises CommandError where nothing can be written or others can look in.
        """
        # Holds for every file that we and our children make: they know how to log in.
        os.umask(0o077)
        try:
            self.path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            self._close_to_others()
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except (FileExistsError, NotADirectoryError):
            raise CommandError(
                f"{self.path} cannot be a folder: a file is in its place; choose another with --data."
            ) from None
        except OSError as error:
            raise CommandError(
                f"Nothing can be written to the data directory {self.path} ({error.strerror}); make it writable or "
                "choose another with --data."
            ) from None

    def _close_to_others(self) -> None:
        found = self.path.stat()
        if not found.st_mode & 0o077:
            return
        # A folder such as /tmp, which only looks like ours to root, is there for everybody.
        if found.st_uid != os.getuid() or found.st_mode & stat.S_ISVTX:
            raise CommandError(
                f"Others can look into the data directory {self.path}, and it is not yours alone to close; choose "
                "another with --data."
            )
        self.path.chmod(PRIVATE)

    def read_secret_key(self) -> str:
        """Return Django's key, made at the first start. Raises OSError, CommandError."""
        lost = "and everybody has to log in again"
        return _read_or_make(self.path / SECRET_KEY_FILE, lambda: secrets.token_urlsafe(48), lost=lost)

    def read_encryption_keys(self) -> str:
        """Return the keys of credentials, made at the first start; a rotation puts another one first.

        Not among the backups: whoever gets hold of a copy of the database must not get the key with it.
        """
        lost = "and the secrets of all credentials have to be entered again"
        return join_keys(_read_or_make(self.path / ENCRYPTION_KEYS_FILE, make_key, lost=lost))

    def choose_broker_directory(self) -> Path:
        """Return a private folder whose path suits a socket and the broker's configuration, which quotes nothing."""
        inside = self.path / "broker"
        directory = inside if _suits_broker(inside) else _name_temporary(self.path)
        directory.mkdir(mode=PRIVATE, exist_ok=True)
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise CommandError(f"{directory} is not a private folder of yours; remove it and start again.")
        return directory

    def remove_foreign_broker_directory(self) -> None:
        """Remove the broker's folder where it is not in this one. Only for the holder of the lock."""
        if not _suits_broker(self.path / "broker"):
            shutil.rmtree(_name_temporary(self.path), ignore_errors=True)

    def use_for_database(self) -> None:
        """Point Django of this process at the database in this folder, unless the environment names another one."""
        if os.environ.get("DATABASE_URL") or "DATABASE_URL_FILE" in os.environ:
            return
        # The settings were read before the command line; no connection has been opened since.
        connections.settings["default"]["NAME"] = str(self.database)


def find_data_directory(given: str | None) -> DataDirectory:
    """Return the folder that was given, or else the one of the settings, by its own path. Raises CommandError."""
    try:
        named = Path(given).expanduser() if given else settings.DATA_DIR
    except RuntimeError:
        raise CommandError(f"Nobody knows whose home {given} is; choose another folder with --data.") from None
    # Not by `resolve`, which raises for links that lead to themselves; `prepare` says what is wrong with those.
    return DataDirectory(Path(os.path.realpath(named)))


def _read_or_make(file: Path, make: Callable[[], str], *, lost: str) -> str:
    if not file.exists() or not _read_key(file, lost=lost):
        # Whole or not at all: half a key would be kept for ever.
        fresh = file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(make())
        fresh.replace(file)
    return _read_key(file, lost=lost)


def _read_key(file: Path, *, lost: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise CommandError(f"{file} holds no key but something else; remove it and start again, {lost}.") from None


def _suits_broker(directory: Path) -> bool:
    text = str(directory / "broker.sock")
    if len(os.fsencode(text)) > MAX_SOCKET_PATH_BYTES or not text.isascii() or not text.isprintable():
        return False
    # The path also becomes part of a URL.
    return not set(text) & set(" \"'\\#%?")


def _name_temporary(path: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"healthcheck-{os.getuid()}-{digest}"
