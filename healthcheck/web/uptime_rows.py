"""Reads what a period of many endpoints came to, in a number of queries that knows neither endpoints nor history.

What is rolled up stands in packed strips; what is not yet, such as the hour under way, is measured from the changes of
state since then, to the millisecond.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db.models import F, OuterRef, QuerySet, Subquery

from healthcheck.engine.strips import mark, unpack
from healthcheck.engine.types import State
from healthcheck.engine.uptime import HOUR_MS, Overlay, Step, Totals, from_ms, measure_buckets, to_ms
from healthcheck.models import Endpoint, EndpointState, Resolution, UptimeStrip
from healthcheck.models.history import load_overlays, load_steps
from healthcheck.web.uptime import (
    KNOWN,
    LENGTHS_MS,
    Period,
    Uptime,
    find_earliest,
    find_known_start,
    unite_marks,
)

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
    """Time that is not rolled up: since when, and what it came to in each bucket of the period, by number.

    `known_from_ms` holds since when something of each bucket is known, for those of which anything is.
    """

    start_ms: int
    buckets: Mapping[int, Totals]
    marks: Mapping[int, int]
    known_from_ms: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one period. `opens` holds the part of it that is not rolled up."""

    uptimes: dict[int, Uptime] = field(default_factory=dict)
    opens: dict[int, list[Open]] = field(default_factory=dict)


def read_period(
    endpoints: QuerySet[Endpoint], period: Period, now: datetime, *, standings: Mapping[Owner, Standing] | None = None
) -> Reading:
    """Return the uptime of each of these endpoints, summed over its locations; those without a history are absent.

    Their standings are read unless they are handed in.
    """
    ids = endpoints.order_by().values("pk")
    first, last = period.find_bounds(now)
    strips, rolled = _load_strips(ids, period.resolution, first, last)
    if standings is None:
        standings = load_standings(ids, now)
    oldest = first * LENGTHS_MS[period.resolution] // HOUR_MS
    opens = measure_open(standings, rolled, oldest=oldest, length_ms=LENGTHS_MS[period.resolution], now=now)
    reading = Reading()
    for owner in {**strips, **opens}:
        uptime = _sum_up(strips.get(owner), opens.get(owner), first, last)
        former = reading.uptimes.get(owner.endpoint_id)
        reading.uptimes[owner.endpoint_id] = uptime if former is None else _add(former, uptime)
        if owner in opens:
            reading.opens.setdefault(owner.endpoint_id, []).append(opens[owner])
    return reading


@lru_cache(maxsize=4096)
def read_strip(packed: str, end: int, bounds: tuple[int, int], *, length_ms: int, until_ms: int) -> Uptime | None:
    """Return what the strip that ends with bucket `end` says of the buckets between `bounds`, both included.

    It was rolled up until then. It changes once an hour, and a page reads it every few seconds.
    """
    strip = unpack(packed, end)
    if strip is None:
        return None
    marks = strip.list_marks(*bounds)
    number = next((bounds[0] + place for place, each in enumerate(marks) if each & KNOWN), None)
    known_from_ms = None
    if number is not None:
        known_from_ms = find_known_start(strip.sum_up(number, number), min((number + 1) * length_ms, until_ms))
    return Uptime(marks, strip.sum_up(*bounds), known_from_ms)


def _load_strips(
    ids: Ids, resolution: Resolution, first: int, last: int
) -> tuple[dict[Owner, Uptime], dict[Owner, int]]:
    """Return what is rolled up of these buckets, and for each history the first hour that is not."""
    rows = UptimeStrip.objects.filter(endpoint_id__in=ids, resolution=resolution)
    # In the same look: what is rolled up must neither be measured again nor be left out.
    hours = UptimeStrip.objects.filter(
        resolution=Resolution.HOUR, endpoint_id=OuterRef("endpoint_id"), location_id=OuterRef("location_id")
    )
    last_hour = F("last") if resolution is Resolution.HOUR else Subquery(hours.values("last")[:1])
    strips: dict[Owner, Uptime] = {}
    rolled: dict[Owner, int] = {}
    length_ms = LENGTHS_MS[resolution]
    for endpoint_id, location_id, end, packed, hour in rows.values_list(
        "endpoint_id", "location_id", "last", "packed", last_hour
    ):
        owner = Owner(endpoint_id, location_id)
        until_ms = (end + 1) * length_ms
        if hour is not None:
            rolled[owner] = hour + 1
            until_ms = min(until_ms, rolled[owner] * HOUR_MS)
        if (uptime := read_strip(packed, end, (first, last), length_ms=length_ms, until_ms=until_ms)) is not None:
            strips[owner] = uptime
    return strips, rolled


def measure_open(
    standings: Mapping[Owner, Standing], rolled: Mapping[Owner, int], *, oldest: int, length_ms: int, now: datetime
) -> dict[Owner, Open]:
    """Return what is not rolled up, in buckets of that length: of each history from its hour in `rolled` on.

    Nothing before the hour `oldest`, or before the last MAX_OPEN_HOURS.
    """
    now_ms = to_ms(now)
    oldest = max(now_ms // HOUR_MS - MAX_OPEN_HOURS + 1, oldest)
    starts = {owner: max(oldest, rolled.get(owner, oldest)) * HOUR_MS for owner in standings}
    starts = {owner: start_ms for owner, start_ms in starts.items() if start_ms < now_ms}
    if not starts:
        return {}
    start, end = from_ms(min(starts.values())), from_ms(now_ms)
    overlays = load_overlays({owner.endpoint_id for owner in starts}, start=start, end=end)
    moved = [owner for owner, start_ms in starts.items() if standings[owner].since_ms > start_ms]
    steps = _load_steps(moved, start, end)
    ruler = _Ruler(length_ms, now_ms)
    return {
        owner: ruler.measure(
            standings[owner], start_ms, steps.get(owner, _NO_STEPS), overlays.get(owner.endpoint_id, _NO_OVERLAYS)
        )
        for owner, start_ms in starts.items()
    }


def load_standings(ids: Ids, now: datetime) -> dict[Owner, Standing]:
    rows = EndpointState.objects.filter(endpoint_id__in=ids)
    found = {
        Owner(endpoint_id, location_id): judge_standing(State(state), since, until, now)
        for endpoint_id, location_id, state, since, until in rows.values_list(
            "endpoint_id", "location_id", "state", "since", "valid_until"
        )
    }
    return {owner: standing for owner, standing in found.items() if standing is not None}


def judge_standing(state: State, since: datetime | None, until: datetime | None, now: datetime) -> Standing | None:
    """Return the standing of a state at `now`; None where nothing was ever checked."""
    if since is None:
        return None
    expires_ms = to_ms(until) if until is not None and until < now and state is not State.UNKNOWN else None
    return Standing(state, to_ms(since), expires_ms)


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
        buckets = dict(enumerate(measure_buckets(known, overlays, bounds), start=first))
        known_from_ms = {
            number: spent_from_ms
            for (number, spent), end_ms in zip(buckets.items(), bounds[1:], strict=True)
            if (spent_from_ms := find_known_start(spent, end_ms)) is not None
        }
        return Open(start_ms, buckets, {number: mark(spent) for number, spent in buckets.items()}, known_from_ms)


def _sum_up(rolled: Uptime | None, open_part: Open | None, first: int, last: int) -> Uptime:
    uptime = rolled or Uptime(bytes(last - first + 1), Totals())
    if open_part is None:
        return uptime
    marks, totals = bytearray(uptime.marks), uptime.totals
    for number, spent in open_part.buckets.items():
        if first <= number <= last:
            marks[number - first] |= open_part.marks[number]
            totals += spent
    known_from_ms = find_earliest([uptime.known_from_ms, *open_part.known_from_ms.values()])
    return Uptime(bytes(marks), totals, known_from_ms)


def _add(one: Uptime, other: Uptime) -> Uptime:
    known_from_ms = find_earliest([one.known_from_ms, other.known_from_ms])
    return Uptime(unite_marks(one.marks, other.marks), one.totals + other.totals, known_from_ms)
