"""Reads what a period of many endpoints came to, in a number of queries that knows neither endpoints nor history.

What is rolled up stands in packed strips; what is not yet, such as the hour under way, is measured from the changes of
state since then, to the millisecond.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Case, F, QuerySet, TextField, Value, When

from healthcheck.engine.strips import Strip, mark, unpack
from healthcheck.engine.types import State
from healthcheck.engine.uptime import HOUR_MS, Overlay, Step, Totals, from_ms, measure_buckets, to_ms
from healthcheck.models import Endpoint, EndpointState, Resolution, UptimeStrip
from healthcheck.models.history import load_overlays, load_steps
from healthcheck.web.uptime import LENGTHS_MS, Period, Uptime, unite_marks

# How far back changes are read where nothing was rolled up: beyond it nothing is known until the roll-up has caught up.
MAX_OPEN_HOURS = 48
# Overrules a change of the same instant: evidence that has expired, whoever was to write that down.
_LAST_ORDER = 2**63
# Of endpoints, as a subquery.
Ids = QuerySet[Any, Any]
_NO_STEPS: Sequence[Step] = ()
_NO_OVERLAYS: Sequence[Overlay] = ()


class Owner(NamedTuple):
    endpoint_id: int
    location_id: int


class Standing(NamedTuple):
    """What an endpoint is at a location, and since when. `expires_ms` is when the evidence of it did, before now."""

    state: State
    since_ms: int
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class Open:
    """Time that is not rolled up: since when, and what it came to in each bucket of the period, by number."""

    start_ms: int
    buckets: Mapping[int, Totals]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one period. `opens` holds the part of it that is not rolled up."""

    uptimes: dict[int, Uptime] = field(default_factory=dict)
    opens: dict[int, list[Open]] = field(default_factory=dict)


def read_period(endpoints: QuerySet[Endpoint], period: Period, now: datetime) -> Reading:
    """Return the uptime of each of these endpoints, summed over its locations; those without a history are absent."""
    ids = endpoints.order_by().values("pk")
    strips, rolled = _load_strips(ids, period.resolution)
    standings = _load_standings(ids, now)
    opens = _measure_open(standings, rolled, period, now)
    first, last = period.find_bounds(now)
    reading = Reading()
    for owner in {**strips, **opens}:
        uptime = _sum_up(strips.get(owner), opens.get(owner), first, last)
        former = reading.uptimes.get(owner.endpoint_id)
        reading.uptimes[owner.endpoint_id] = uptime if former is None else _add(former, uptime)
        if owner in opens:
            reading.opens.setdefault(owner.endpoint_id, []).append(opens[owner])
    return reading


def _load_strips(ids: Ids, resolution: Resolution) -> tuple[dict[Owner, Strip], dict[Owner, int]]:
    """Return the strips of that resolution, and for each history the first hour that is not rolled up."""
    # Of the other resolution only its end is needed.
    packed = Case(When(resolution=resolution, then=F("packed")), default=Value(""), output_field=TextField())
    rows = UptimeStrip.objects.filter(endpoint_id__in=ids, resolution__in=Resolution.values)
    strips: dict[Owner, Strip] = {}
    rolled: dict[Owner, int] = {}
    for endpoint_id, location_id, number, last, text in rows.values_list(
        "endpoint_id", "location_id", "resolution", "last", packed
    ):
        owner = Owner(endpoint_id, location_id)
        if number == Resolution.HOUR:
            rolled[owner] = last + 1
        if number == resolution and (strip := unpack(text, last)) is not None:
            strips[owner] = strip
    return strips, rolled


def _load_standings(ids: Ids, now: datetime) -> dict[Owner, Standing]:
    rows = EndpointState.objects.filter(endpoint_id__in=ids)
    now_ms, standings = to_ms(now), {}
    states = {state.value: state for state in State}
    for endpoint_id, location_id, state, since, until in rows.values_list(
        "endpoint_id", "location_id", "state", "since", "valid_until"
    ):
        if since is None:
            # Never checked.
            continue
        until_ms = to_ms(until) if until is not None and state else now_ms
        expires_ms = until_ms if until_ms < now_ms else None
        standings[Owner(endpoint_id, location_id)] = Standing(states[state], to_ms(since), expires_ms)
    return standings


def _measure_open(
    standings: Mapping[Owner, Standing], rolled: Mapping[Owner, int], period: Period, now: datetime
) -> dict[Owner, Open]:
    now_ms, hour = to_ms(now), to_ms(now) // HOUR_MS
    oldest = max(hour - MAX_OPEN_HOURS + 1, period.find_bounds(now)[0] * LENGTHS_MS[period.resolution] // HOUR_MS)
    starts = {owner: max(oldest, rolled.get(owner, oldest)) * HOUR_MS for owner in standings}
    starts = {owner: start_ms for owner, start_ms in starts.items() if start_ms < now_ms}
    if not starts:
        return {}
    start, end = from_ms(min(starts.values())), from_ms(now_ms)
    overlays = load_overlays({owner.endpoint_id for owner in starts}, start=start, end=end)
    moved = [owner for owner, start_ms in starts.items() if standings[owner].since_ms > start_ms]
    steps = _load_steps(moved, start, end)
    ruler = _Ruler(LENGTHS_MS[period.resolution], now_ms)
    return {
        owner: ruler.measure(
            standings[owner], start_ms, steps.get(owner, _NO_STEPS), overlays.get(owner.endpoint_id, _NO_OVERLAYS)
        )
        for owner, start_ms in starts.items()
    }


def _load_steps(owners: Iterable[Owner], start: datetime, end: datetime) -> dict[Owner, list[Step]]:
    """Return the changes of those whose state is younger than what is rolled up: a query per location at most."""
    by_location: dict[int, list[int]] = defaultdict(list)
    for owner in owners:
        by_location[owner.location_id].append(owner.endpoint_id)
    return {
        Owner(endpoint_id, location_id): steps
        for location_id, ids in by_location.items()
        for endpoint_id, steps in load_steps(ids, location_id, start=start, end=end).items()
    }


class _Ruler:
    """Measures what is not rolled up. Most endpoints stand as they stood: they share what that came to."""

    def __init__(self, length_ms: int, now_ms: int) -> None:
        self._length_ms, self._now_ms = length_ms, now_ms
        self._known: dict[tuple[Standing, int], Open] = {}

    def measure(self, standing: Standing, start_ms: int, steps: Sequence[Step], overlays: Sequence[Overlay]) -> Open:
        if steps or overlays:
            return self._measure(standing, start_ms, steps, overlays)
        key = (standing._replace(since_ms=max(standing.since_ms, start_ms)), start_ms)
        if key not in self._known:
            self._known[key] = self._measure(standing, start_ms, steps, overlays)
        return self._known[key]

    def _measure(self, standing: Standing, start_ms: int, steps: Sequence[Step], overlays: Sequence[Overlay]) -> Open:
        now_ms, length_ms = self._now_ms, self._length_ms
        # A step of its own where its last change lies before what was read.
        known = list(steps) or [Step(standing.since_ms, 0, standing.state)]
        if standing.expires_ms is not None:
            known.append(Step(max(standing.expires_ms, standing.since_ms), _LAST_ORDER, State.UNKNOWN))
        first, last = start_ms // length_ms, (now_ms - 1) // length_ms
        bounds = [start_ms, *(number * length_ms for number in range(first + 1, last + 1)), now_ms]
        return Open(start_ms, dict(enumerate(measure_buckets(known, overlays, bounds), start=first)))


def _sum_up(strip: Strip | None, open_part: Open | None, first: int, last: int) -> Uptime:
    marks = bytearray(strip.list_marks(first, last) if strip else bytes(last - first + 1))
    totals = strip.sum_up(first, last) if strip else Totals()
    for number, spent in open_part.buckets.items() if open_part else ():
        if first <= number <= last:
            marks[number - first] |= mark(spent)
            totals += spent
    return Uptime(bytes(marks), totals)


def _add(one: Uptime, other: Uptime) -> Uptime:
    return Uptime(unite_marks(one.marks, other.marks), one.totals + other.totals)
