"""Uptime by time: what an interval came to, from the changes of a state and what was laid over them. Pure.

Instants are whole milliseconds since 1970 in UTC, and so are all sums: however an interval is cut into pieces, the
pieces add up to it exactly. The order of what is handed in does not matter, nor does anything that comes twice.
Before its first change an endpoint did not exist: that time is in no sum.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from heapq import heappop, heappush
from itertools import pairwise
from typing import NamedTuple

from healthcheck.engine.types import State

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Condition(enum.IntEnum):
    """What a moment counts as. The first four are the states of the same numbers."""

    UNKNOWN = 0
    UP = 1
    DEGRADED = 2
    DOWN = 3
    MAINTENANCE = 4
    EXCLUDED = 5

    @property
    def word(self) -> str:
        return self.name.lower()


class Effect(enum.IntEnum):
    """What an overlay does to the time under it. FALSE_ALARM makes degraded and down up, and leaves the rest."""

    MAINTENANCE = 1
    FALSE_ALARM = 2
    EXCLUDED = 3


class Step(NamedTuple):
    """A state from `at_ms` on. Of several at one instant the highest `order` holds: the row stored last."""

    at_ms: int
    order: int
    state: State


class Overlay(NamedTuple):
    """[start_ms, end_ms) as somebody says it was. Where several overlap the highest `rank` holds.

    A rank is a pair: windows are (0, id), corrections (1, id), so that a person overrules a plan and the newer word the
    older one.
    """

    rank: tuple[int, int]
    start_ms: int
    end_ms: int
    effect: Effect


class Segment(NamedTuple):
    start_ms: int
    end_ms: int
    condition: Condition


@dataclass(frozen=True, slots=True)
class Totals:
    """Milliseconds per condition. Uptime is good time over known time; the rest is shown beside it."""

    up_ms: int = 0
    degraded_ms: int = 0
    down_ms: int = 0
    unknown_ms: int = 0
    maintenance_ms: int = 0
    excluded_ms: int = 0

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            self.up_ms + other.up_ms,
            self.degraded_ms + other.degraded_ms,
            self.down_ms + other.down_ms,
            self.unknown_ms + other.unknown_ms,
            self.maintenance_ms + other.maintenance_ms,
            self.excluded_ms + other.excluded_ms,
        )

    @property
    def known_ms(self) -> int:
        """Return the time that uptime is a share of."""
        return self.up_ms + self.degraded_ms + self.down_ms

    @property
    def total_ms(self) -> int:
        return self.known_ms + self.unknown_ms + self.maintenance_ms + self.excluded_ms

    def good_ms(self, *, counts_degraded: bool) -> int:
        return self.up_ms + (self.degraded_ms if counts_degraded else 0)

    def uptime(self, *, counts_degraded: bool) -> Fraction | None:
        """Return good time over known time, exactly; None where nothing is known."""
        known = self.known_ms
        return Fraction(self.good_ms(counts_degraded=counts_degraded), known) if known else None

    def unknown_share(self) -> Fraction | None:
        """Return which part of the time that was to be measured nobody knows; None where there was none."""
        expected = self.known_ms + self.unknown_ms
        return Fraction(self.unknown_ms, expected) if expected else None


def to_ms(instant: datetime) -> int:
    """Return whole milliseconds since 1970, rounded down."""
    return (instant - _EPOCH) // _MILLISECOND


def from_ms(instant_ms: int) -> datetime:
    return _EPOCH + instant_ms * _MILLISECOND


def find_segments(
    steps: Iterable[Step], overlays: Iterable[Overlay], *, start_ms: int, end_ms: int
) -> Iterator[Segment]:
    """Yield what [start_ms, end_ms) was, in order and without gaps from the first step on; neighbours differ."""
    last: Segment | None = None
    for segment in _cut(_order(steps), overlays, start_ms, end_ms):
        if last is None:
            last = segment
        elif last.condition is segment.condition:
            last = Segment(last.start_ms, segment.end_ms, segment.condition)
        else:
            yield last
            last = segment
    if last is not None:
        yield last


def measure(steps: Iterable[Step], overlays: Iterable[Overlay], *, start_ms: int, end_ms: int) -> Totals:
    """Return what [start_ms, end_ms) came to; nothing where it ends before it starts."""
    return measure_buckets(steps, overlays, (start_ms, max(start_ms, end_ms)))[0]


def measure_buckets(steps: Iterable[Step], overlays: Iterable[Overlay], bounds_ms: Sequence[int]) -> list[Totals]:
    """Return what each piece between neighbouring `bounds_ms`, which ascend, came to: one fewer than there are."""
    if len(bounds_ms) < 2:
        return []
    spent = [[0] * len(Condition) for _ in bounds_ms[1:]]
    place = 0
    for start, end, condition in _cut(_order(steps), overlays, bounds_ms[0], bounds_ms[-1]):
        while bounds_ms[place + 1] <= start:
            place += 1
        while bounds_ms[place + 1] < end:
            spent[place][condition] += bounds_ms[place + 1] - max(start, bounds_ms[place])
            place += 1
        spent[place][condition] += end - max(start, bounds_ms[place])
    return [_total(each) for each in spent]


def _total(spent: Sequence[int]) -> Totals:
    return Totals(
        up_ms=spent[Condition.UP],
        degraded_ms=spent[Condition.DEGRADED],
        down_ms=spent[Condition.DOWN],
        unknown_ms=spent[Condition.UNKNOWN],
        maintenance_ms=spent[Condition.MAINTENANCE],
        excluded_ms=spent[Condition.EXCLUDED],
    )


def _order(steps: Iterable[Step]) -> list[Step]:
    """Return the steps in order, one for each instant."""
    # A later one takes the place of an earlier one, and a dictionary keeps the order in which its keys came.
    return list({step.at_ms: step for step in sorted(steps)}.values())


def _cut(steps: Sequence[Step], overlays: Iterable[Overlay], start_ms: int, end_ms: int) -> Iterator[Segment]:
    if not steps or steps[0].at_ms >= end_ms:
        return
    start_ms = max(start_ms, steps[0].at_ms)
    held = _stack(overlays, start_ms, end_ms)
    bounds = {start_ms, end_ms, *(step.at_ms for step in steps), *held.bounds_ms}
    place = 0
    for start, end in pairwise(sorted(at_ms for at_ms in bounds if start_ms <= at_ms <= end_ms)):
        while place + 1 < len(steps) and steps[place + 1].at_ms <= start:
            place += 1
        yield Segment(start, end, _JUDGEMENTS[held.find_effect(start), steps[place].state])


class _Stack:
    """Which of many overlays holds, asked for instants that ascend: n of them cost n log n, however they overlap."""

    def __init__(self, overlays: Sequence[Overlay]) -> None:
        # The highest rank first, so that the place in this list is the key of the heap.
        self._ranked = overlays
        self._waiting = sorted(range(len(overlays)), key=lambda place: overlays[place].start_ms, reverse=True)
        self._begun: list[int] = []
        self.bounds_ms = {at_ms for each in overlays for at_ms in (each.start_ms, each.end_ms)}

    def find_effect(self, at_ms: int) -> Effect | None:
        while self._waiting and self._ranked[self._waiting[-1]].start_ms <= at_ms:
            heappush(self._begun, self._waiting.pop())
        while self._begun and self._ranked[self._begun[0]].end_ms <= at_ms:
            heappop(self._begun)
        return self._ranked[self._begun[0]].effect if self._begun else None


def _stack(overlays: Iterable[Overlay], start_ms: int, end_ms: int) -> _Stack:
    """Return those that hold anywhere in the interval; what ends before it starts holds nowhere."""
    held = {each for each in overlays if max(each.start_ms, start_ms) < min(each.end_ms, end_ms)}
    return _Stack(sorted(held, reverse=True))


def _judge(effect: Effect | None, state: State) -> Condition:
    if effect is Effect.MAINTENANCE:
        return Condition.MAINTENANCE
    if effect is Effect.EXCLUDED:
        return Condition.EXCLUDED
    if effect is Effect.FALSE_ALARM and state is not State.UNKNOWN:
        return Condition.UP
    return Condition(state)


# Every pair there is: looked up for each piece of each history.
_JUDGEMENTS = {(effect, state): _judge(effect, state) for effect in (None, *Effect) for state in State}
