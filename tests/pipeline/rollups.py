"""What the tests of rolling up share: histories of some hours, and rollups as plain values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from healthcheck.engine.latencies import Latencies, Part
from healthcheck.engine.types import State
from healthcheck.engine.uptime import Totals
from healthcheck.models import CheckRun, Endpoint, Rollup
from healthcheck.pipeline.marks import find_hour
from healthcheck.pipeline.roll_up import GRACE, RolledUp, roll_up
from tests.factories import NOW, make_result, make_run, make_transition

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
HOUR_MS = 3_600_000
# The first hour of a history: noon of a day in UTC.
FIRST = find_hour(NOW)
TIMES = ("up_ms", "degraded_ms", "down_ms", "unknown_ms", "maintenance_ms", "excluded_ms")


def hours_later(hours: float) -> datetime:
    return NOW + hours * HOUR


def roll(hours: float = 1, *, budget_seconds: float = 60) -> RolledUp:
    """Roll up so many hours after NOW, as soon as the grace allows."""
    return roll_up(hours_later(hours) + GRACE, budget_seconds=budget_seconds)


def begin(endpoint: Endpoint, *, at: datetime = NOW, state: State = State.UP) -> None:
    """Store the first change of an endpoint."""
    make_transition(endpoint, at=at, from_state=State.UNKNOWN, to_state=state)


def check(endpoint: Endpoint, at: datetime, verdict: State = State.UP, **columns: Any) -> CheckRun:
    """Store a run of the endpoint's group with its result."""
    run = make_run(endpoint.group, at=at)
    make_result(run, endpoint, verdict, **columns)
    return run


def read_totals(rollup: Rollup) -> Totals:
    return Totals(*(getattr(rollup, column) for column in TIMES))


def read_rows(endpoint: Endpoint | None = None) -> list[tuple[Any, ...]]:
    """Return every column of the rollups, of all endpoints or of one."""
    rows = Rollup.objects.order_by("resolution", "endpoint_id", "location_id", "number")
    if endpoint is not None:
        rows = rows.filter(endpoint_id=endpoint.pk)
    columns = ("resolution", "endpoint_id", "location_id", "number", *TIMES, "count", "unknown_count", "error_counts")
    return [(*row[:-1], bytes(row[-1])) for row in rows.values_list(*columns, "latencies")]


def read_hour(endpoint: Endpoint, hour: int = 0) -> Rollup:
    """Return the rollup of an hour, counted from NOW."""
    return Rollup.objects.hours().get(endpoint_id=endpoint.pk, number=FIRST + hour)


def read_day(endpoint: Endpoint, day: int = 0) -> Rollup:
    return Rollup.objects.days().get(endpoint_id=endpoint.pk, number=FIRST // 24 + day)


def read_latencies(rollup: Rollup) -> dict[Part, int]:
    """Return how many of each part were counted."""
    latencies = Latencies.unpack(bytes(rollup.latencies))
    return {part: latencies.count(part) for part in Part if latencies.count(part)}
