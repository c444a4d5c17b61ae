from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from healthcheck.web.database_faults import DatabaseFault, find_fault


def wrap(cause: Exception, kind: type[Exception] = OperationalError) -> Exception:
    """Return the error as Django raises it."""
    error = kind(*cause.args)
    error.__cause__ = cause
    return error


def fail(statement: str) -> sqlite3.Error:
    """Return the error that SQLite answers with."""
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(sqlite3.Error) as raised:
        connection.execute(statement)
    return raised.value


@pytest.mark.parametrize(
    ("cause", "fault"),
    [
        (psycopg.OperationalError("connection refused"), DatabaseFault.AWAY),
        (psycopg.errors.AdminShutdown(), DatabaseFault.AWAY),
        (psycopg.errors.ConnectionFailure(), DatabaseFault.AWAY),
        (psycopg.errors.DiskFull(), DatabaseFault.FULL),
        (psycopg.errors.TooManyConnections(), DatabaseFault.BUSY),
        (psycopg.errors.DeadlockDetected(), DatabaseFault.BUSY),
        (psycopg.errors.LockNotAvailable(), DatabaseFault.BUSY),
        (psycopg.errors.QueryCanceled(), DatabaseFault.BUSY),
        (psycopg.errors.StatementTooComplex(), None),
    ],
)
def test_postgresqls_errors_say_what_is_the_matter(cause: Exception, fault: DatabaseFault | None) -> None:
    assert find_fault(wrap(cause)) is fault


def test_file_that_may_not_be_written_is_neither_away_nor_busy(tmp_path: Path) -> None:
    file = tmp_path / "healthcheck.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE something (content)")
    reader = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    with closing(reader), pytest.raises(sqlite3.Error) as raised:
        reader.execute("INSERT INTO something VALUES (1)")
    assert find_fault(wrap(raised.value)) is DatabaseFault.CLOSED


def test_file_that_was_moved_is_away(tmp_path: Path) -> None:
    file = tmp_path / "healthcheck.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE something (content)")
        file.rename(tmp_path / "elsewhere.sqlite3")
        with pytest.raises(sqlite3.Error) as raised:
            connection.execute("INSERT INTO something VALUES (1)")
    assert find_fault(wrap(raised.value)) is DatabaseFault.AWAY


def test_lost_connection_is_a_database_that_is_away_and_a_closed_cursor_is_a_defect() -> None:
    assert find_fault(wrap(psycopg.InterfaceError("the connection is closed"), InterfaceError)) is DatabaseFault.AWAY
    assert find_fault(wrap(psycopg.InterfaceError("the cursor is closed"), InterfaceError)) is None


def test_sqlites_missing_table_and_misuse_are_defects() -> None:
    assert find_fault(wrap(fail("SELECT * FROM nothing"))) is None
    assert find_fault(wrap(sqlite3.InterfaceError("bad parameter"), InterfaceError)) is None


def test_other_errors_are_no_faults_of_the_database() -> None:
    for kind in (ProgrammingError, DatabaseError, ValueError):
        assert find_fault(wrap(psycopg.errors.DiskFull(), kind)) is None
    assert find_fault(None) is None
