"""Marks hours that have to be rolled up again, because what they came to has changed since they were over.

In the transaction of the change itself, so that neither is ever there without the other.
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

_MARK, _LOCATION = RollupMark._meta.db_table, Location._meta.db_table
_IDS = {
    "postgresql": "(SELECT value::int AS id FROM json_array_elements_text(%s::json))",
    "sqlite": "(SELECT value AS id FROM json_each(%s))",
}
_LARGER = {"postgresql": "GREATEST", "sqlite": "max"}
# In one order, so that two of them cannot deadlock. Whoever is rolling the hour up sees by the serial that it has
# changed once more, and leaves the mark.
_INSERT = """
    INSERT INTO {mark} AS m (endpoint_id, location_id, hour, hours, serial)
    SELECT e.id, l.id, %s, %s, 0 FROM {ids} e CROSS JOIN {location} l
    WHERE %s OR l.id IN (SELECT id FROM {ids} asked) ORDER BY 1, 2
    ON CONFLICT (endpoint_id, location_id, hour) DO UPDATE
    SET hours = {larger}(m.hours, excluded.hours), serial = m.serial + 1
"""


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
    endpoints = sorted(set(endpoint_ids))
    if hour >= until_hour or not endpoints:
        return
    locations = sorted(set(location_ids)) if location_ids is not None else []
    names = {"mark": _MARK, "location": _LOCATION}
    statement = _INSERT.format(ids=_IDS[connection.vendor], larger=_LARGER[connection.vendor], **names)
    asked = (json.dumps(endpoints), location_ids is None, json.dumps(locations))
    with connection.cursor() as cursor:
        cursor.execute(statement, (hour, until_hour - hour, *asked))


def find_hour(instant: datetime) -> int:
    """Return the hour that an instant lies in, as a rollup numbers it."""
    return to_ms(instant) // HOUR_MS
