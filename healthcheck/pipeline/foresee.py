"""Measures what a correction changes before it is made or withdrawn: the same arithmetic, with it and without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from healthcheck.engine.types import State
from healthcheck.engine.uptime import Effect, Overlay, Step, Totals, measure, measure_buckets, to_ms
from healthcheck.models import Correction, EndpointState, Location, Transition
from healthcheck.models.history import load_overlays, load_steps

# What the pages show.
WINDOW_DAYS = (1, 7, 30, 90)
# More than an endpoint that flaps every minute makes in its 90 days; a person waits for it.
MAX_STEPS = 150_000
# A new correction counts before all others.
NEWEST = (2, 0)
# The row that the next sweep stores comes after all others.
_LAST = 2**63

_NOTHING = Totals()
_Change = Callable[[Sequence[Overlay]], Sequence[Overlay]]


class Interval(NamedTuple):
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What the corrected interval came to, and each window of `WINDOW_DAYS` up to now."""

    interval: Totals = _NOTHING
    windows: tuple[Totals, ...] = (_NOTHING,) * len(WINDOW_DAYS)

    def __add__(self, other: Figures) -> Figures:
        windows = tuple(one + another for one, another in zip(self.windows, other.windows, strict=True))
        return Figures(self.interval + other.interval, windows)


@dataclass(frozen=True, slots=True)
class Foresight:
    before: Figures = field(default_factory=Figures)
    after: Figures = field(default_factory=Figures)

    def __add__(self, other: Foresight) -> Foresight:
        return Foresight(self.before + other.before, self.after + other.after)


def foresee_correction(
    endpoint_ids: Sequence[int], interval: Interval, effect: int, *, now: datetime
) -> dict[int, Foresight] | None:
    """Return what a new correction would change; None where so much has happened that it would take too long."""
    added = Overlay(NEWEST, to_ms(interval.start), to_ms(interval.end), Effect(effect))
    return _foresee(endpoint_ids, interval, lambda overlays: [*overlays, added], now=now)


def foresee_withdrawal(correction: Correction, *, now: datetime) -> Foresight | None:
    """Return what withdrawing it would change; None as above."""
    interval, rank = Interval(correction.starts_at, correction.ends_at), (1, correction.pk)
    found = _foresee(
        [correction.endpoint_id], interval, lambda overlays: [each for each in overlays if each.rank != rank], now=now
    )
    return None if found is None else found[correction.endpoint_id]


def _foresee(
    endpoint_ids: Sequence[int], interval: Interval, change: _Change, *, now: datetime
) -> dict[int, Foresight] | None:
    bounds = [now - timedelta(days=days) for days in reversed(WINDOW_DAYS)]
    if _is_too_much(endpoint_ids, min(bounds[0], interval.start)):
        return None
    found = dict.fromkeys(endpoint_ids, Foresight())
    windows = _load(endpoint_ids, Interval(bounds[0], now), now)
    corrected = windows if interval.start >= bounds[0] else _load(endpoint_ids, interval, now)
    bounds_ms = [to_ms(at) for at in (*bounds, now)]
    for pk in endpoint_ids:
        # Location by location: each second of each counts.
        for in_windows, in_interval in zip(windows[pk].steps, corrected[pk].steps, strict=True):
            found[pk] += Foresight(
                Figures(
                    _measure(in_interval, corrected[pk].overlays, interval),
                    _sum_windows(in_windows, windows[pk].overlays, bounds_ms),
                ),
                Figures(
                    _measure(in_interval, change(corrected[pk].overlays), interval),
                    _sum_windows(in_windows, change(windows[pk].overlays), bounds_ms),
                ),
            )
    return found


@dataclass(frozen=True, slots=True)
class _History:
    """What is known of one endpoint: the steps of each location, and what was laid over all of them."""

    steps: tuple[Sequence[Step], ...]
    overlays: Sequence[Overlay]


def _load(endpoint_ids: Sequence[int], interval: Interval, now: datetime) -> dict[int, _History]:
    start, end = interval
    overlays = load_overlays(endpoint_ids, start=start, end=end)
    locations = list(Location.objects.order_by("pk").values_list("pk", flat=True))
    steps = [load_steps(endpoint_ids, pk, start=start, end=end) for pk in locations]
    expiries = _load_expiries(endpoint_ids, now)
    return {
        pk: _History(
            tuple(
                [*each.get(pk, ()), *expiries.get((pk, location_id), ())]
                for location_id, each in zip(locations, steps, strict=True)
            ),
            overlays.get(pk, ()),
        )
        for pk in endpoint_ids
    }


def _load_expiries(endpoint_ids: Iterable[int], now: datetime) -> dict[tuple[int, int], list[Step]]:
    """Return what the next sweep will write: from when evidence that nobody renewed says nothing any more."""
    expired = EndpointState.objects.filter(endpoint_id__in=endpoint_ids, valid_until__lte=now)
    rows = expired.exclude(state=State.UNKNOWN).values_list("endpoint_id", "location_id", "valid_until")
    return {(pk, place): [Step(to_ms(at), _LAST, State.UNKNOWN)] for pk, place, at in rows if at is not None}


def _is_too_much(endpoint_ids: Sequence[int], start: datetime) -> bool:
    changes = Transition.objects.filter(endpoint_id__in=endpoint_ids, at__gte=start)
    return changes.values("pk")[: MAX_STEPS + 1].count() > MAX_STEPS


def _measure(steps: Sequence[Step], overlays: Sequence[Overlay], interval: Interval) -> Totals:
    return measure(steps, overlays, start_ms=to_ms(interval.start), end_ms=to_ms(interval.end))


def _sum_windows(steps: Sequence[Step], overlays: Sequence[Overlay], bounds_ms: Sequence[int]) -> tuple[Totals, ...]:
    """Return the windows from the shortest to the longest: each is the one before it and a piece more."""
    pieces = reversed(measure_buckets(steps, overlays, bounds_ms))
    return tuple(accumulate(pieces))
