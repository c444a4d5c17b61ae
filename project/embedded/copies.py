"""Copies of a live SQLite database, and the way back. Copying the file alone would miss what is still in its log."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.core.management.base import CommandError
from django.db import connection

from project.embedded.data_directory import DataDirectory


def find_database(data: DataDirectory) -> Path:
    """Return the file of the database in force. Raises CommandError where it is none."""
    data.use_for_database()
    if connection.vendor != "sqlite":
        raise CommandError(
            "This database is no file; copy it with pg_dump and restore it with pg_restore, see docs/production.md."
        )
    return Path(connection.settings_dict["NAME"])


def copy_database(source: Path, target: Path) -> None:
    """Copy a database while others write to it. `target` must not exist; it appears whole, for its owner alone.

    Raises CommandError.
    """
    if not source.is_file():
        raise CommandError(f"There is no database at {source}; name its folder with --data.")
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".copy-") as folder:
            unfinished = Path(folder) / "copy"
            # It holds what the checks know, tokens in their headers included.
            unfinished.touch(0o600)
            with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(unfinished)) as copy:
                live.backup(copy)
            # Unlike a rename, it never replaces a file that is there.
            os.link(unfinished, target)
    except FileExistsError:
        raise CommandError(f"{target} is there already; choose another name.") from None
    except OSError as error:
        raise CommandError(f"{target} cannot be written ({error.strerror}); choose another place.") from None
    except sqlite3.Error as error:
        raise CommandError(f"{source} cannot be copied ({error}); repair it, or restore an earlier copy.") from None


@contextmanager
def open_copy(copy: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy for reading. Raises CommandError for what is no whole copy, also when it breaks while it is read."""
    try:
        # Nobody writes to a copy; without that promise SQLite would put files beside it.
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as source:
            if source.execute("PRAGMA integrity_check").fetchall() != [("ok",)] or not _is_ours(source):
                raise CommandError(f"{copy} is damaged or no copy of such a database; choose another one.")
            yield source
    except sqlite3.Error as error:
        raise CommandError(f"{copy} cannot be restored ({error}); choose another one.") from None


def restore_database(source: sqlite3.Connection, database: Path) -> None:
    """Put an open copy in the place of a database that nobody has open."""
    with closing(sqlite3.connect(database)) as target:
        source.backup(target)


def _is_ours(database: sqlite3.Connection) -> bool:
    tables = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'healthcheck_endpointgroup'"
    return bool(database.execute(tables).fetchall())
