"""How long an endpoint's answers took over its newest results: exact percentiles, and columns for a chart. Pure.

A failure's time says nothing about how fast a target answers, so failures are counted and marked, never averaged.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from healthcheck.engine.types import State

# The raw window: at most so old, and at most so many results.
MAX_AGE = timedelta(hours=24)
MAX_SAMPLES = 1500
MAX_COLUMNS = 96
PHASES = ("resolve", "connect", "tls", "headers", "body")
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Sample:
    """One result: the slot it was made for, its verdict, the whole check and its phases in microseconds."""

    at: datetime
    verdict: State
    latency_us: int = 0
    phases_us: tuple[int, ...] = (0, 0, 0, 0, 0)

    @property
    def is_answered(self) -> bool:
        return self.verdict in {State.UP, State.DEGRADED}


@dataclass(frozen=True, slots=True)
class Column:
    """The results of one span: how many, how many of them failed or measured nothing, and the answered ones' means."""

    at: datetime
    count: int = 0
    failed: int = 0
    unknown: int = 0
    latency_us: float = 0.0
    phases_us: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def answered(self) -> int:
        return self.count - self.failed - self.unknown


@dataclass(frozen=True, slots=True)
class Window:
    """Oldest first. `percentiles_us` follows PERCENTILES; it is empty where nothing was answered."""

    columns: tuple[Column, ...] = ()
    width: timedelta = timedelta(0)
    count: int = 0
    failed: int = 0
    unknown: int = 0
    percentiles_us: tuple[int, ...] = ()
    # Whether any of them took time: what is judged by others is there at once, and has no chart.
    is_timed: bool = False


def build_window(samples: Sequence[Sample], now: datetime) -> Window:
    """Return the window over these results, in any order, as it stands at `now`."""
    recent = sorted((each for each in samples if now - each.at <= MAX_AGE), key=lambda each: each.at)
    if not recent:
        return Window()
    width = _choose_width([each.at for each in recent])
    latencies = sorted(each.latency_us for each in recent if each.is_answered)
    return Window(
        columns=_build_columns(recent, width),
        width=width,
        count=len(recent),
        failed=sum(each.verdict is State.DOWN for each in recent),
        unknown=sum(each.verdict is State.UNKNOWN for each in recent),
        is_timed=any(each.latency_us for each in recent),
        percentiles_us=tuple(find_percentile(latencies, percent) for percent in PERCENTILES) if latencies else (),
    )


def find_percentile(ordered: Sequence[int], percent: int) -> int:
    """Return the smallest value that so many percent do not exceed: the nearest rank, a value that was measured."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _choose_width(instants: Sequence[datetime]) -> timedelta:
    """Return a whole number of slots, so that every column holds as many and none is empty by the way it is cut."""
    gaps = [(after - before).total_seconds() for before, after in pairwise(instants)]
    slot = max(median([gap for gap in gaps if gap > 0] or [60.0]), 1.0)
    span = (instants[-1] - instants[0]).total_seconds()
    slots = math.floor(span / slot + 0.5) + 1
    return timedelta(seconds=slot * math.ceil(slots / MAX_COLUMNS))


def _build_columns(samples: Sequence[Sample], width: timedelta) -> tuple[Column, ...]:
    # Cut in the middle between slots, so that none changes its column for being a little early or late; the newest
    # slot is always in the last column.
    half = timedelta(seconds=min(width.total_seconds() / 2, 0.5))
    end = samples[-1].at + half
    held: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        held[math.ceil((end - sample.at) / width) - 1].append(sample)
    oldest = min(max(held), MAX_COLUMNS - 1)
    return tuple(_sum_up(end - width * (back + 1), held.get(back, [])) for back in range(oldest, -1, -1))


def _sum_up(at: datetime, samples: Sequence[Sample]) -> Column:
    answered = [each for each in samples if each.is_answered]
    count = len(answered) or 1
    return Column(
        at=at,
        count=len(samples),
        failed=sum(each.verdict is State.DOWN for each in samples),
        unknown=sum(each.verdict is State.UNKNOWN for each in samples),
        latency_us=sum(each.latency_us for each in answered) / count,
        phases_us=tuple(sum(each.phases_us[place] for each in answered) / count for place in range(len(PHASES))),
    )
