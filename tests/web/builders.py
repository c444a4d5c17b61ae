"""Boards in memory, for tests that need no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from healthcheck.engine.types import State
from healthcheck.web.board import NEVER_CHECKED, Board, EndpointView, GroupView, SectionView, Sighting
from healthcheck.web.freshness import CheckerFault
from tests.factories import NOW


def sight(state: State = State.UP, **fields: Any) -> Sighting:
    """A fresh look at an endpoint in this state."""
    defaults: dict[str, Any] = {
        "since": NOW - timedelta(hours=1),
        "last_verdict": state,
        "latency_us": 12_000,
        "observed_at": NOW - timedelta(seconds=1),
        "valid_until": NOW + timedelta(minutes=2),
        "strip": str(state.value) * 60,
    }
    return Sighting(state, **(defaults | fields))


def view(sighting: Sighting | None = None, *, is_paused: bool = False, name: str = "site") -> EndpointView:
    """An endpoint; without a sighting it was never checked."""
    return EndpointView(1, name, is_paused, sighting or NEVER_CHECKED)


def gather_group(endpoints: Sequence[EndpointView], *, is_paused: bool = False) -> GroupView:
    return GroupView(1, "web", "Web", is_paused, tuple(endpoints))


def gather_board(*states: State, faults: Sequence[CheckerFault] = ()) -> Board:
    """A page with one group that holds an endpoint in each of these states."""
    return lay_out([view(sight(state)) for state in states], faults=faults)


def lay_out(endpoints: Sequence[EndpointView], *, faults: Sequence[CheckerFault] = ()) -> Board:
    """A page with one group of these endpoints, each with an id of its own."""
    numbered = [replace(endpoint, id=number) for number, endpoint in enumerate(endpoints, start=1)]
    return show_groups(gather_group(numbered), faults=faults)


def show_groups(*groups: GroupView, faults: Sequence[CheckerFault] = ()) -> Board:
    return Board("status", "Status", "", (SectionView(groups),), tuple(faults))
