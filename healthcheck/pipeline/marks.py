"""Marks hours that have to be rolled up again, because what they came to has changed since they were over.

In the transaction of the change itself, so that neither is ever there without the other. Only a transaction that
stalled leaves marks once it is committed: until then nobody knows for how long.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection

from healthcheck.engine.uptime import HOUR_MS, to_ms
from healthcheck.models import Location, RollupMark

# What changes later than this after an hour's end leaves a mark. Rolling up begins later still: whatever came without
# a mark has been committed by then.
CLOSED_AFTER = timedelta(minutes=2)
# What is committed so much later than its instant may have come after its hour was rolled up: longer than any that is
# not stopped or kept waiting, and shorter than what is left until rolling up begins.
STALLED_AFTER = timedelta(minutes=1)

_MARK, _LOCATION = RollupMark._meta.db_table, Location._meta.db_table
# Ids that travel as one JSON document, as a table.
ASKED_IDS = {
    "postgresql": "(SELECT value::int AS id FROM json_array_elements_text(%s::json))",
    "sqlite": "(SELECT value AS id FROM json_each(%s))",
}
_ROWS = {
    "postgresql": (
        "SELECT (r->>0)::int, (r->>1)::int, (r->>2)::int, (r->>3)::int, 0 FROM json_array_elements(%s::json) r"
    ),
    "sqlite": (
        "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),"
        " json_extract(value, '$[3]'), 0 FROM json_each(%s) WHERE true"
    ),
}
_LARGER = {"postgresql": "GREATEST", "sqlite": "max"}
# In one order, so that two of them cannot deadlock. Whoever is rolling the hour up sees by the serial that it has
# changed once more, and leaves the mark.
_INTO = "INSERT INTO {mark} AS m (endpoint_id, location_id, hour, hours, serial)"
_AGAIN = """
    ON CONFLICT (endpoint_id, location_id, hour) DO UPDATE
    SET hours = {larger}(m.hours, excluded.hours), serial = m.serial + 1
"""
_INSERT = f"""
    {_INTO} SELECT e.id, l.id, %s, %s, 0 FROM {{ids}} e CROSS JOIN {{location}} l
    WHERE %s OR l.id IN (SELECT id FROM {{ids}} asked) ORDER BY 1, 2 {_AGAIN}
"""  # noqa: S608  # our own names
_INSERT_ROWS = f"{_INTO} {{rows}} {_AGAIN}"


def mark_hours(
    endpoint_ids: Iterable[int],
    location_ids: Iterable[int] | None = None,
    *,
    start: datetime,
    end: datetime,
    now: datetime,
) -> None:
    """Mark the hours of [start, end) that are over, and at least that of `start`, at these locations or at all.

    One row for each endpoint and location, however long the interval. No statement where none of it is over, which is
    the usual case.
    """
    hour = find_hour(start)
    until_hour = min(max(-(-to_ms(end) // HOUR_MS), hour + 1), find_hour(now - CLOSED_AFTER))
    if hour >= until_hour or not (endpoints := sorted(set(endpoint_ids))):
        return
    locations = sorted(set(location_ids)) if location_ids is not None else []
    vendor = connection.vendor
    statement = _INSERT.format(ids=ASKED_IDS[vendor], larger=_LARGER[vendor], mark=_MARK, location=_LOCATION)
    asked = (json.dumps(endpoints), location_ids is None, json.dumps(locations))
    with connection.cursor() as cursor:
        cursor.execute(statement, (hour, until_hour - hour, *asked))


def insert_marks(rows: Iterable[tuple[int, int, int, int]]) -> None:
    """Leave marks of (endpoint, location, first hour, how many), in the order of their key. One statement."""
    ordered = sorted(set(rows))
    if not ordered:
        return
    statement = _INSERT_ROWS.format(mark=_MARK, rows=_ROWS[connection.vendor], larger=_LARGER[connection.vendor])
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(ordered)])


def is_closed(instant: datetime, now: datetime) -> bool:
    """Return whether what happens at `now` to the hour of `instant` leaves a mark."""
    return find_hour(instant) < find_hour(now - CLOSED_AFTER)


def find_hour(instant: datetime) -> int:
    """Return the hour that an instant lies in, as a rollup numbers it."""
    return to_ms(instant) // HOUR_MS
