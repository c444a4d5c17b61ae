"""The statements of every run, as SQL. The one place beside `bulk` that goes past the ORM, and only for speed.

A run is a handful of statements, and building each of them in the ORM costs several times what the database takes:
loading and recording a group of twenty took 10.0 ms of CPU through the ORM and 3.9 ms this way, claiming a slot 3.7 ms
and 1.0 ms, on SQLite.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from healthcheck.models import (
    Assertion,
    CheckRun,
    Credential,
    Endpoint,
    EndpointGroup,
    EndpointState,
    Location,
    MaintenanceSpan,
    Rollup,
    RollupProgress,
)

_ROLLUP, _PROGRESS = Rollup._meta.db_table, RollupProgress._meta.db_table
_RUN, _GROUP = CheckRun._meta.db_table, EndpointGroup._meta.db_table
_CREDENTIAL, _SPAN = Credential._meta.db_table, MaintenanceSpan._meta.db_table
_LOCATION = Location._meta.db_table
_ENDPOINT, _ASSERTION, _STATE = Endpoint._meta.db_table, Assertion._meta.db_table, EndpointState._meta.db_table

# The pause and the deletion are part of the condition, as is the value that was read: a person's change wins.
MOVE_CLOCK = f"""
    UPDATE {_GROUP} SET next_run_at = %s WHERE id = %s AND next_run_at = %s AND NOT is_paused AND deleted_at IS NULL
"""  # noqa: S608  # our own names
# Without the trigger: with it, SQLite prefers the index of the slots, which is all of the group's history.
SELECT_UNFINISHED = f"""
    SELECT id, "trigger", status, open_until FROM {_RUN}
    WHERE group_id = %s AND location_id = %s AND status IN (%s, %s) ORDER BY status, id
"""  # noqa: S608  # our own names
SELECT_RUN = f"""
    SELECT r.status, r.token, r."trigger", r.scheduled_for, r.open_until, r.valid_until, r.group_id, r.location_id,
           l.control_targets, g.name, g.deadline_seconds, g.interval_seconds, g.deleted_at
    FROM {_RUN} r JOIN {_GROUP} g ON g.id = r.group_id JOIN {_LOCATION} l ON l.id = r.location_id WHERE r.id = %s
"""  # noqa: S608  # our own names
_RUN_FIELDS = [field for field in CheckRun._meta.concrete_fields if not field.primary_key]
INSERT_RUN = f"""
    INSERT INTO {_RUN} ({", ".join(f'"{field.column}"' for field in _RUN_FIELDS)})
    VALUES ({", ".join(["%s"] * len(_RUN_FIELDS))})
"""  # noqa: S608  # our own names
TAKE_RUN = f"""
    UPDATE {_RUN} SET status = %s, token = token + 1, started_at = %s, lease_until = %s
    WHERE id = %s AND status = %s AND token = %s AND open_until > %s
"""  # noqa: S608  # our own names
CLOSE_RUN = f"""
    UPDATE {_RUN} SET status = %s, reason = 0, finished_at = %s, wall_us = %s, work_us = %s,
           up_count = %s, degraded_count = %s, down_count = %s, unknown_count = %s
    WHERE id = %s AND token = %s AND status <> %s
"""  # noqa: S608  # our own names
# Endpoints, assertions and credentials in one look: what a person saves in between must not tear them apart. First each
# credential once, however many endpoints use it: a ciphertext may be 100 KB. Then a row per endpoint and assertion.
SELECT_TARGETS = f"""
    SELECT 1, e.position, e.id, e.kind, e.address, e.options, e.timeout_seconds, e.credential_id,
           a.text, a.position, a.id,
           EXISTS (SELECT 1 FROM {_SPAN} m WHERE m.endpoint_id = e.id AND m.starts_at <= %s AND m.ends_at > %s)
    FROM {_ENDPOINT} e LEFT JOIN {_ASSERTION} a ON a.endpoint_id = e.id
    WHERE e.group_id = %s AND e.deleted_at IS NULL AND NOT e.is_paused
    UNION ALL
    SELECT 0, 0, c.id, c.kind, c.sealed, c.details, NULL, NULL, NULL, NULL, NULL, NULL
    FROM {_CREDENTIAL} c WHERE c.id IN (
        SELECT e.credential_id FROM {_ENDPOINT} e
        WHERE e.group_id = %s AND e.deleted_at IS NULL AND NOT e.is_paused AND e.credential_id IS NOT NULL
    )
    ORDER BY 1, 2, 3, 10, 11
"""  # noqa: S608  # our own names
# In one order, so that a scheduled and a manual run of one group that end together cannot deadlock.
SELECT_STATES = """
    SELECT e.failure_threshold, e.recovery_threshold, {columns}
    FROM {state} s JOIN {endpoint} e ON e.id = s.endpoint_id
    WHERE e.group_id = %s AND e.deleted_at IS NULL AND s.location_id = %s ORDER BY s.endpoint_id {lock}
"""

# Hours of days that are rolled up as a whole: a day is summed from its hours until it is over. A look into the index
# for each endpoint, and a batch of what is found there.
_ROLLUP_KEY = "resolution, endpoint_id, location_id, number"
DELETE_OLD_HOURS = f"""
    DELETE FROM {_ROLLUP} WHERE ({_ROLLUP_KEY}) IN (
        SELECT r.resolution, r.endpoint_id, r.location_id, r.number
        FROM {_GROUP} g JOIN {_ENDPOINT} e ON e.group_id = g.id JOIN {_PROGRESS} p ON p.group_id = g.id
        JOIN {_ROLLUP} r ON r.resolution = 1 AND r.endpoint_id = e.id AND r.location_id = p.location_id
            AND r.number < p.next_hour / 24 * 24
        WHERE g.hour_retention_days {{own}} AND r.number < %s LIMIT %s
    )
"""  # noqa: S608  # our own names
DELETE_ROLLUPS = f"""
    DELETE FROM {_ROLLUP} WHERE ({_ROLLUP_KEY}) IN (
        SELECT {_ROLLUP_KEY} FROM {_ROLLUP} WHERE resolution IN (1, 2) AND endpoint_id = %s LIMIT %s
    )
"""  # noqa: S608  # our own names


def fetch(statement: str, *params: Any) -> Sequence[tuple[Any, ...]]:
    """Return all rows. Instants come as the database holds them; see `read_instant`."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    return rows


def change(statement: str, *params: Any) -> int:
    """Execute a statement and return how many rows it changed."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        changed: int = cursor.rowcount
    return changed


def insert_run(run: CheckRun) -> int:
    """Insert a run as it is, and return its id."""
    values = [getattr(run, field.attname) for field in _RUN_FIELDS]
    held = [write_instant(value) if isinstance(value, datetime) else value for value in values]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{INSERT_RUN} RETURNING id", held)
            run_id: int = cursor.fetchone()[0]
        else:
            cursor.execute(INSERT_RUN, held)
            run_id = cursor.lastrowid
    return run_id


def fetch_states(columns: Sequence[str], *, group_id: int, location_id: int) -> Sequence[tuple[Any, ...]]:
    """Return both thresholds and `columns` of the states of a group's existing endpoints, locked to the transaction."""
    names = ", ".join(f's."{column}"' for column in columns)
    lock = "FOR UPDATE OF s" if connection.features.has_select_for_update else ""
    statement = SELECT_STATES.format(columns=names, state=_STATE, endpoint=_ENDPOINT, lock=lock)
    return fetch(statement, group_id, location_id)


def read_instant(value: Any) -> Any:
    """Return an instant in UTC, or None, from what the driver gave: SQLite holds instants without their zone, and gives
    the type of a column to a column alone, not to what was computed of one.
    """
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def write_instant(value: datetime) -> Any:
    """Return what the driver stores for an instant."""
    return connection.ops.adapt_datetimefield_value(value)
