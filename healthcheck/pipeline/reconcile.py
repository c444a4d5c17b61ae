"""Brings incidents in line with how endpoints stand where no run did: maintenance that began or ended, what was paused
or deleted, what flapped and came to rest, what explains what, a database upgraded while something was down.

One statement finds all of it. What is being recorded at this moment is passed over, and looked at within a second.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter

from django.db import DataError, IntegrityError, connection, transaction

from healthcheck.engine.flapping import CALM
from healthcheck.engine.types import State
from healthcheck.models import (
    Dependency,
    Endpoint,
    EndpointGroup,
    EndpointState,
    Incident,
    IncidentMember,
    MaintenanceSpan,
)
from healthcheck.models.maintenance import find_endpoints_in_maintenance
from healthcheck.pipeline.incident_board import Board
from healthcheck.pipeline.incident_cases import Ground, load_hosts
from healthcheck.pipeline.incidents import Sight, settle
from healthcheck.pipeline.muting import mute_incidents
from healthcheck.pipeline.notify import queue_notifications
from healthcheck.pipeline.statements import fetch, write_instant

logger = logging.getLogger(__name__)

# Endpoints that one sweep finds, and groups that it settles: bounds its time; the next sweep follows within a second.
STRAY_BATCH = 1000
GROUND_BATCH = 20
# In the place of an endpoint: an incident that all have left.
RESTING = 0
# In the place of a group: dependencies are to be looked at.
MUTING = 0
IN_MAINTENANCE = "What is not up is in maintenance now; if it still is not when that ends, it is told again."
NOT_CHECKED = "What was not up is not checked any more."

_STATE, _SPAN = EndpointState._meta.db_table, MaintenanceSpan._meta.db_table
_ENDPOINT, _GROUP = Endpoint._meta.db_table, EndpointGroup._meta.db_table
_DEPENDENCY = Dependency._meta.db_table
_INCIDENT, _MEMBER = Incident._meta.db_table, IncidentMember._meta.db_table
_IS_CHECKED = "e.deleted_at IS NULL AND NOT e.is_paused AND g.deleted_at IS NULL AND NOT g.is_paused"
_IS_QUIET = f"EXISTS (SELECT 1 FROM {_SPAN} q WHERE q.endpoint_id = {{id}} AND q.starts_at <= %s AND q.ends_at > %s)"  # noqa: S608
# Down or degraded, and a member of nothing; a member that nobody checks, is quiet or up; what has no members any more.
# A row of zeros where dependencies are to be looked at. States stand as literals, for the index of those not up.
_FIND_STRAYS = f"""
    SELECT e.group_id AS group_id, s.location_id AS location_id, s.endpoint_id AS endpoint_id
    FROM {_STATE} s JOIN {_ENDPOINT} e ON e.id = s.endpoint_id JOIN {_GROUP} g ON g.id = e.group_id
    WHERE s.state IN (2, 3) AND {_IS_CHECKED} AND NOT {_IS_QUIET.format(id="s.endpoint_id")} AND NOT EXISTS (
        SELECT 1 FROM {_MEMBER} m
        WHERE m.endpoint_id = s.endpoint_id AND m.location_id = s.location_id AND m.left_at IS NULL
    )
    UNION ALL
    SELECT COALESCE(e.group_id, i.group_id), m.location_id, m.endpoint_id
    FROM {_MEMBER} m JOIN {_INCIDENT} i ON i.id = m.incident_id
    LEFT JOIN {_ENDPOINT} e ON e.id = m.endpoint_id LEFT JOIN {_GROUP} g ON g.id = e.group_id
    LEFT JOIN {_STATE} s ON s.endpoint_id = m.endpoint_id AND s.location_id = m.location_id
    WHERE m.left_at IS NULL AND m.location_id IS NOT NULL AND (
        e.id IS NULL OR NOT ({_IS_CHECKED}) OR s.id IS NULL OR s.known_state < 2
        OR {_IS_QUIET.format(id="m.endpoint_id")}
    )
    UNION ALL
    SELECT i.group_id, i.location_id, 0 FROM {_INCIDENT} i
    WHERE i.resolved_at IS NULL AND i.group_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM {_MEMBER} m WHERE m.incident_id = i.id AND (m.left_at IS NULL OR m.left_at > %s)
    )
    UNION ALL
    SELECT 0, 0, 0 WHERE EXISTS (
        SELECT 1 FROM {_INCIDENT} i WHERE i.resolved_at IS NULL AND i.group_id IS NOT NULL
        AND (i.muted_at IS NOT NULL OR EXISTS (SELECT 1 FROM {_DEPENDENCY}))
    )
    ORDER BY 1, 2 LIMIT %s
"""  # noqa: S608  # our own names


def reconcile_incidents(now: datetime) -> frozenset[int]:
    """Settle what has gone astray, and return the channels that have something due by it."""
    instant = write_instant(now)
    strays = fetch(_FIND_STRAYS, *[instant] * 4, write_instant(now - CALM), STRAY_BATCH)
    channel_ids = frozenset[int]()
    is_muting = bool(strays) and strays[0][0] == MUTING
    grounds = groupby(strays[is_muting:], key=itemgetter(0, 1))
    for (group_id, location_id), rows in islice(grounds, GROUND_BATCH):
        channel_ids |= _reconcile_alone(group_id, location_id, {row[2] for row in rows}, now)
    return channel_ids | mute_incidents(now) if is_muting else channel_ids


def _reconcile_alone(group_id: int, location_id: int, endpoint_ids: Collection[int], now: datetime) -> frozenset[int]:
    try:
        return _reconcile(group_id, location_id, endpoint_ids, now)
    except (IntegrityError, DataError) as error:
        # One group that the database refuses must not stop the others, nor the clock of all, sweep after sweep.
        extra = {"group": group_id, "location": location_id, "error": type(error).__name__}
        logger.error("incidents cannot be reconciled", extra=extra)
        return frozenset()


def _reconcile(group_id: int, location_id: int, endpoint_ids: Collection[int], now: datetime) -> frozenset[int]:
    with transaction.atomic():
        states = _hold_states(location_id, endpoint_ids)
        gone = _find_gone(location_id, endpoint_ids)
        checked_count = Endpoint.objects.checked().filter(group_id=group_id).count()
        board = Board(Ground(group_id, location_id, checked_count))
        sights = _part(board, states, gone, now)
        if RESTING in endpoint_ids:
            board.release()
        return queue_notifications(settle(board, sights, now), now)


def _hold_states(location_id: int, endpoint_ids: Collection[int]) -> list[EndpointState]:
    """Lock the states before the incidents, as the record of a run does."""
    rows = EndpointState.objects.filter(endpoint_id__in=endpoint_ids, location_id=location_id)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update(of=("self",), skip_locked=True)
    return list(rows.order_by("endpoint_id"))


def _find_gone(location_id: int, endpoint_ids: Collection[int]) -> set[int]:
    states = EndpointState.objects.filter(endpoint_id__in=endpoint_ids, location_id=location_id)
    return set(endpoint_ids).difference(states.values_list("endpoint_id", flat=True))


def _part(board: Board, states: Collection[EndpointState], gone: Collection[int], now: datetime) -> list[Sight]:
    """Let those leave whom nobody is to hear of, and return how the others stand."""
    ids = [state.endpoint_id for state in states]
    quiet = find_endpoints_in_maintenance(ids, now)
    checked = load_hosts(ids)
    for pk in (*ids, *gone):
        if board.find_case(pk) is not None and (pk in quiet or pk not in checked):
            board.leave(pk, now, reason=IN_MAINTENANCE if pk in quiet else NOT_CHECKED)
    loud = (state for state in states if state.endpoint_id in checked and state.endpoint_id not in quiet)
    return [each for state in loud if (each := _look(state, now)) is not None]


def _look(state: EndpointState, now: datetime) -> Sight | None:
    if state.state != State.UNKNOWN:
        return Sight(state.endpoint_id, State(state.state), state.since or now, state.last_error_kind)
    # Nobody saw since when: only that it is not what the incident is about.
    return Sight(state.endpoint_id, State.UP, now) if state.known_state == State.UP else None
