"""The times at which an endpoint was not up, as its transitions tell them: what a person may want to correct."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from healthcheck.engine.types import State
from healthcheck.models import Correction, EndpointState, Transition

# The newest of them: what is older is found by its time.
MAX_STRETCHES = 30
# Of each location: every other change is one back.
_MAX_CHANGES = 2 * MAX_STRETCHES + 1
_MAX_LOCATIONS = 8
_BAD = {State.DEGRADED, State.DOWN}


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start, end) in one state at a location; `end` is None while it lasts."""

    start: datetime
    end: datetime | None
    state: State
    error_kind: int
    location: str


def load_stretches(endpoint_id: int) -> list[Stretch]:
    """Return the newest stretches of degraded and down, newest first; a query for each location and one."""
    states = EndpointState.objects.filter(endpoint_id=endpoint_id).order_by("location_id")
    locations = states.values_list("location_id", "location__name")[:_MAX_LOCATIONS]
    found = [each for pk, name in locations for each in _load_location(endpoint_id, pk, name)]
    return sorted(found, key=lambda each: each.start, reverse=True)[:MAX_STRETCHES]


def find_covering(stretch: Stretch, corrections: Sequence[Correction], now: datetime) -> Correction | None:
    """Return the newest correction that covers all of it, out of those that stand; newest first."""
    end = stretch.end or now
    return next((each for each in corrections if each.starts_at <= stretch.start and each.ends_at >= end), None)


def _load_location(endpoint_id: int, location_id: int, name: str) -> Iterator[Stretch]:
    newest = Transition.objects.filter(endpoint_id=endpoint_id, location_id=location_id).order_by("-at", "-pk")
    end: datetime | None = None
    for at, number, kind in newest.values_list("at", "to_state", "error_kind")[:_MAX_CHANGES]:
        if (state := State(number)) in _BAD and end != at:
            yield Stretch(at, end, state, kind, name)
        end = at
