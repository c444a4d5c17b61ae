"""Where rolling up begins: with the first thing that is known of a group at a location."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from healthcheck.models import (
    CheckRun,
    Endpoint,
    EndpointGroup,
    Location,
    RollupMark,
    RollupProgress,
    Transition,
)
from healthcheck.models.group import MAX_RETENTION_DAYS
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.marks import ASKED_IDS, find_hour
from healthcheck.pipeline.retention import HOURS_OF_DAY
from healthcheck.pipeline.statements import change, fetch, read_instant

_PROGRESS, _MARK, _RUN = RollupProgress._meta.db_table, RollupMark._meta.db_table, CheckRun._meta.db_table
_ENDPOINT, _GROUP, _LOCATION = Endpoint._meta.db_table, EndpointGroup._meta.db_table, Location._meta.db_table
_TRANSITION = Transition._meta.db_table
_FIRST_CHANGE = f"""
    SELECT t.at FROM {_TRANSITION} t WHERE t.endpoint_id = e.id AND t.location_id = {{location}}
    ORDER BY t.at LIMIT 1
"""  # noqa: S608  # our own names
# Groups whose history nobody has begun yet, with the first that is known of them: one look into an index for each.
_SELECT_NEW = f"""
    SELECT g.id, l.id,
        (SELECT min(({_FIRST_CHANGE.format(location="l.id")})) FROM {_ENDPOINT} e WHERE e.group_id = g.id),
        (SELECT c.scheduled_for FROM {_RUN} c WHERE c.group_id = g.id AND c.location_id = l.id ORDER BY c.id LIMIT 1)
    FROM {_GROUP} g CROSS JOIN {_LOCATION} l
    WHERE NOT EXISTS (SELECT 1 FROM {_PROGRESS} p WHERE p.group_id = g.id AND p.location_id = l.id)
    ORDER BY g.id, l.id
"""  # noqa: S608  # our own names
_SELECT_FIRST_CHANGES = f"""
    SELECT e.id, ({_FIRST_CHANGE.format(location="%s")}) FROM {{ids}} e
"""  # noqa: S608  # our own names
# Of an endpoint that is gone, or of a location where nothing of its group is known: what comes later begins anew.
_DELETE_ORPHANS = f"""
    DELETE FROM {_MARK} WHERE NOT EXISTS (
        SELECT 1 FROM {_ENDPOINT} e JOIN {_PROGRESS} p ON p.group_id = e.group_id
        WHERE e.id = {_MARK}.endpoint_id AND p.location_id = {_MARK}.location_id
    )
"""  # noqa: S608  # our own names


def begin_histories(now: datetime) -> None:
    """Give each group at each location a progress, from the first transition or run there on. One look at all."""
    # A clock that once stood at 1970 must not make half a century of hours.
    earliest = find_hour(now) - MAX_RETENTION_DAYS * HOURS_OF_DAY
    rows = []
    for group_id, location_id, *instants in fetch(_SELECT_NEW):
        known = [find_hour(read_instant(instant)) for instant in instants if instant is not None]
        if known:
            rows.append((group_id, location_id, max(earliest, min(*known, find_hour(now))), 0))
    if rows:
        key = ("group_id", "location_id")
        insert_rows(RollupProgress, (*key, "next_hour", "serial"), rows, conflict=key)


def forget_orphans() -> int:
    """Remove marks that nobody will ever roll up; return how many."""
    return change(_DELETE_ORPHANS)


def find_first_changes(endpoint_ids: Iterable[int], location_id: int) -> dict[int, int]:
    """Return the hour of each endpoint's first transition; those without any are absent. One query."""
    statement = _SELECT_FIRST_CHANGES.format(ids=ASKED_IDS[connection.vendor])
    rows = fetch(statement, location_id, json.dumps(list(endpoint_ids)))
    return {endpoint_id: find_hour(read_instant(at)) for endpoint_id, at in rows if at is not None}
