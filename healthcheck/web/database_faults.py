"""What a database's error says about the database: away, busy, full, closed to us, older. All else is a defect."""

from __future__ import annotations

import sqlite3
from enum import Enum

from django.db import Error, InterfaceError, OperationalError, ProgrammingError

from healthcheck.web.pending import has_pending_migrations


class DatabaseFault(Enum):
    """The word is for the log."""

    AWAY = "no database"
    BUSY = "database busy"
    FULL = "disk of the database full"
    CLOSED = "no permission to write the database"
    OLDER = "database older than this release"


# By extended result code, else by primary one; https://www.sqlite.org/rescode.html. SQLITE_ERROR, such as for a missing
# table, is not here.
_BY_SQLITE_CODE = {
    sqlite3.SQLITE_BUSY: DatabaseFault.BUSY,
    sqlite3.SQLITE_LOCKED: DatabaseFault.BUSY,
    sqlite3.SQLITE_FULL: DatabaseFault.FULL,
    sqlite3.SQLITE_CANTOPEN: DatabaseFault.AWAY,
    sqlite3.SQLITE_IOERR: DatabaseFault.AWAY,
    sqlite3.SQLITE_READONLY: DatabaseFault.CLOSED,
    sqlite3.SQLITE_READONLY_DBMOVED: DatabaseFault.AWAY,
    sqlite3.SQLITE_PERM: DatabaseFault.CLOSED,
}
# By the beginning of the SQLSTATE, the longer first; https://www.postgresql.org/docs/current/errcodes-appendix.html.
_BY_SQLSTATE = {
    "53100": DatabaseFault.FULL,
    "53": DatabaseFault.BUSY,
    # Deadlock and serialization, a lock that could not be had, a statement that took too long.
    "40": DatabaseFault.BUSY,
    "55": DatabaseFault.BUSY,
    "57014": DatabaseFault.BUSY,
    "57": DatabaseFault.AWAY,
    "58": DatabaseFault.AWAY,
    "08": DatabaseFault.AWAY,
    "28": DatabaseFault.AWAY,
}

# A table or a column that is not there.
_LACKS = frozenset({"42P01", "42703"})
_SQLITE_LACKS = ("no such table", "no such column", "has no column")


def find_fault(error: BaseException | None) -> DatabaseFault | None:
    """Return what is the matter with the database, or None for an error that is not the database's own trouble."""
    if _lacks_something(error):
        return DatabaseFault.OLDER if _is_older() else None
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        # Python's own complaints about how it is used carry no code.
        code = getattr(cause, "sqlite_errorcode", 0)
        return _BY_SQLITE_CODE.get(code) or _BY_SQLITE_CODE.get(code & 0xFF)
    return _find_by_sqlstate(error, getattr(cause, "sqlstate", None))


def _find_by_sqlstate(error: Error, sqlstate: str | None) -> DatabaseFault | None:
    if sqlstate is None:
        # No answer from a server at all. A cursor that is used after its end has none either, and is a defect.
        is_lost = isinstance(error, OperationalError) or "connection" in str(error)
        return DatabaseFault.AWAY if is_lost else None
    return next((fault for start, fault in _BY_SQLSTATE.items() if sqlstate.startswith(start)), None)


def _lacks_something(error: BaseException | None) -> bool:
    if not isinstance(error, OperationalError | ProgrammingError):
        return False
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return any(words in str(cause) for words in _SQLITE_LACKS)
    return getattr(cause, "sqlstate", None) in _LACKS


def _is_older() -> bool:
    # Asked last and only then: it reads every migration. In a transaction that has failed nothing can be asked.
    try:
        return has_pending_migrations()
    except Error:
        return False
