"""Loads what uptime is computed from: changes of state, and what was laid over them. Few queries for any endpoints.

The ids travel as one JSON document: SQLite bounds the parameters of a statement.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from healthcheck.engine.types import State
from healthcheck.engine.uptime import Effect, Overlay, Step, to_ms
from healthcheck.models.correction import Correction
from healthcheck.models.maintenance import MaintenanceSpan
from healthcheck.models.state import Transition

_TRANSITION, _SPAN = Transition._meta.db_table, MaintenanceSpan._meta.db_table
_CORRECTION = Correction._meta.db_table
_IDS = {
    "postgresql": "(SELECT value::int AS id FROM json_array_elements_text(%s::json))",
    "sqlite": "(SELECT value AS id FROM json_each(%s))",
}
# The last change before the interval, one look into the index for each endpoint, and those in it.
_SELECT_STEPS = """
    SELECT t.endpoint_id, t.id, t.to_state, t.at FROM {ids} e JOIN {transition} t ON t.id = (
        SELECT b.id FROM {transition} b WHERE b.endpoint_id = e.id AND b.location_id = %s AND b.at < %s
        ORDER BY b.at DESC, b.id DESC LIMIT 1
    )
    UNION ALL
    SELECT t.endpoint_id, t.id, t.to_state, t.at FROM {ids} e JOIN {transition} t ON t.endpoint_id = e.id
    WHERE t.location_id = %s AND t.at >= %s AND t.at < %s
"""
_SELECT_OVERLAYS = """
    SELECT 0, s.endpoint_id, s.window_id, s.starts_at, s.ends_at, {maintenance}
    FROM {ids} e JOIN {span} s ON s.endpoint_id = e.id WHERE s.starts_at < %s AND s.ends_at > %s
    UNION ALL
    SELECT 1, c.endpoint_id, c.id, c.starts_at, c.ends_at, c.effect
    FROM {ids} e JOIN {correction} c ON c.endpoint_id = e.id
    WHERE c.withdrawn_at IS NULL AND c.starts_at < %s AND c.ends_at > %s
"""


def load_steps(
    endpoint_ids: Iterable[int], location_id: int, *, start: datetime, end: datetime
) -> dict[int, list[Step]]:
    """Return the changes of each endpoint in [start, end) and the last one before; those without any are absent.

    One query. In no order: the arithmetic needs none.
    """
    ids, first, last = json.dumps(list(endpoint_ids)), _write_instant(start), _write_instant(end)
    rows = _fetch(_SELECT_STEPS, ids, location_id, first, ids, location_id, first, last)
    steps = defaultdict(list)
    for endpoint_id, transition_id, state, at in rows:
        steps[endpoint_id].append(Step(to_ms(_read_instant(at)), transition_id, State(state)))
    return dict(steps)


def load_overlays(endpoint_ids: Iterable[int], *, start: datetime, end: datetime) -> dict[int, list[Overlay]]:
    """Return what holds anywhere in [start, end): maintenance, and corrections that were not withdrawn. One query."""
    ids, first, last = json.dumps(list(endpoint_ids)), _write_instant(start), _write_instant(end)
    overlays = defaultdict(list)
    for precedence, endpoint_id, row_id, starts_at, ends_at, effect in _fetch(
        _SELECT_OVERLAYS, ids, last, first, ids, last, first
    ):
        bounds = to_ms(_read_instant(starts_at)), to_ms(_read_instant(ends_at))
        overlays[endpoint_id].append(Overlay((precedence, row_id), *bounds, Effect(effect)))
    return dict(overlays)


def _fetch(statement: str, *params: Any) -> Sequence[tuple[Any, ...]]:
    names = {"transition": _TRANSITION, "span": _SPAN, "correction": _CORRECTION}
    filled = statement.format(ids=_IDS[connection.vendor], maintenance=Effect.MAINTENANCE.value, **names)
    with connection.cursor() as cursor:
        cursor.execute(filled, params)
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _read_instant(value: datetime) -> datetime:
    # SQLite holds instants without their zone.
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _write_instant(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)
