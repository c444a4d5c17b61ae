"""Writes many rows in one statement on both databases.

SQLite bounds the parameters of a statement, and `bulk_create` prepares each value by itself: here the rows travel as
one JSON document, which both databases unfold. One statement for any number of rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Field, Model


def insert_rows(
    model: type[Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    conflict: Sequence[str] = (),
    update: Sequence[str] = (),
) -> None:
    """Insert rows of `columns`, given as database column names in the order of each row's values.

    Where a row with the same `conflict` columns exists, its `update` columns are overwritten; without them it stays.
    """
    fields = {field.column: field for field in model._meta.concrete_fields}
    postgres = connection.vendor == "postgresql"
    document = json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=_prepare_instant(postgres))
    names = ", ".join(f'"{column}"' for column in columns)
    source = _unfold_postgres(columns, fields) if postgres else _unfold_sqlite(columns)
    resolution = _resolve_conflict(conflict, update)
    statement = f'INSERT INTO "{model._meta.db_table}" ({names}) {source}{resolution}'
    with connection.cursor() as cursor:
        cursor.execute(statement, [document])


def update_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Update rows by their primary key, the first of `columns`; named and ordered as in `insert_rows`."""
    key, *rest = columns
    fields = {field.column: field for field in model._meta.concrete_fields}
    postgres = connection.vendor == "postgresql"
    document = json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=_prepare_instant(postgres))
    table = model._meta.db_table
    if postgres:
        types = ", ".join(f'"{column}" {fields[column].db_type(connection)}' for column in columns)
        values = {column: f'r."{column}"' for column in columns}
        source = f"json_to_recordset(%s::json) AS r({types})"
    else:
        values = {column: f"""json_extract(r.value, '$."{column}"')""" for column in columns}
        source = "json_each(%s) AS r"
    assignments = ", ".join(f'"{column}" = {values[column]}' for column in rest)
    statement = f'UPDATE "{table}" SET {assignments} FROM {source} WHERE "{table}"."{key}" = {values[key]}'  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [document])


def _prepare_instant(postgres: bool) -> Any:
    def prepare(value: datetime) -> str:
        # SQLite holds the naive text that Django's own backend writes.
        return value.isoformat() if postgres else str(value.astimezone(UTC).replace(tzinfo=None))

    return prepare


def _unfold_postgres(columns: Sequence[str], fields: dict[str | None, Field[Any, Any]]) -> str:
    types = ", ".join(f'"{column}" {fields[column].db_type(connection)}' for column in columns)
    return f"SELECT * FROM json_to_recordset(%s::json) AS r({types})"  # noqa: S608  # our own names


def _unfold_sqlite(columns: Sequence[str]) -> str:
    values = ", ".join(f"""json_extract(value, '$."{column}"')""" for column in columns)
    # "WHERE true" tells SQLite's parser that the ON of a conflict clause does not belong to a join.
    return f"SELECT {values} FROM json_each(%s) WHERE true"  # noqa: S608  # our own names


def _resolve_conflict(conflict: Sequence[str], update: Sequence[str]) -> str:
    if not conflict:
        return ""
    target = ", ".join(f'"{column}"' for column in conflict)
    if not update:
        return f" ON CONFLICT ({target}) DO NOTHING"
    assignments = ", ".join(f'"{column}" = excluded."{column}"' for column in update)
    return f" ON CONFLICT ({target}) DO UPDATE SET {assignments}"
