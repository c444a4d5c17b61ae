"""The states of a group's endpoints, read and written as plain rows: the same columns both ways, in one order."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from healthcheck.engine.transitions import Thresholds
from healthcheck.engine.types import State
from healthcheck.models import Endpoint, EndpointState
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.statements import fetch_states, read_instant


@dataclass(slots=True)
class StateRow:
    """A row of EndpointState; see there for what the columns mean."""

    endpoint_id: int
    location_id: int
    state: int = State.UNKNOWN
    known_state: int = State.UNKNOWN
    candidate: int = State.UNKNOWN
    candidate_streak: int = 0
    last_run_id: int = 0
    last_verdict: int = State.UNKNOWN
    last_error_kind: int = 0
    last_phase: int = 0
    last_latency_us: int = 0
    last_http_status: int = 0
    strip: str = ""
    since: datetime | None = None
    candidate_at: datetime | None = None
    next_slot_at: datetime | None = None
    last_observed_at: datetime | None = None
    evidence_at: datetime | None = None
    valid_until: datetime | None = None


COLUMNS = tuple(field.name for field in dataclasses.fields(StateRow))
_KEY, _REST = COLUMNS[:2], COLUMNS[2:]
# The instants stand last; see the class.
_FIRST_INSTANT = COLUMNS.index("since")
_read_columns = attrgetter(*COLUMNS)


@dataclass(frozen=True, slots=True)
class LoadedState:
    row: StateRow
    thresholds: Thresholds


def load_states(endpoint_ids: Iterable[int], *, group_id: int, location_id: int) -> dict[int, LoadedState]:
    """Return the states of those endpoints that still exist, locked until the transaction ends."""
    loaded = _load(group_id, location_id)
    missing = [endpoint_id for endpoint_id in endpoint_ids if endpoint_id not in loaded]
    if not missing:
        return loaded
    existing = Endpoint.objects.existing().filter(group_id=group_id).values_list("pk", flat=True)
    new = [StateRow(endpoint_id, location_id) for endpoint_id in sorted(set(existing).intersection(missing))]
    if not new:
        return loaded
    # In one order, and before they are locked, so that two first runs of a group meet at the rows and not after them.
    insert_rows(EndpointState, COLUMNS, map(_read_columns, new), conflict=_KEY)
    return _load(group_id, location_id)


def store_states(rows: Sequence[StateRow]) -> None:
    """Write the rows in one statement, in the order in which they are locked."""
    if rows:
        ordered = sorted(rows, key=attrgetter("endpoint_id"))
        insert_rows(EndpointState, COLUMNS, map(_read_columns, ordered), conflict=_KEY, update=_REST)


def _load(group_id: int, location_id: int) -> dict[int, LoadedState]:
    rows = fetch_states(COLUMNS, group_id=group_id, location_id=location_id)
    loaded = {}
    for failure, recovery, *values in rows:
        instants = map(read_instant, values[_FIRST_INSTANT:])
        row = StateRow(*values[:_FIRST_INSTANT], *instants)
        loaded[row.endpoint_id] = LoadedState(row, Thresholds(failure, recovery))
    return loaded
