"""A world of faults for the simulator: when the target was what, and when whom of ours was away. Seeded; whole seconds.

Everything is a list of spans in epoch seconds, drawn beforehand, so that who asks does not change what happens.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from healthcheck.engine.types import State
from healthcheck.engine.uptime import Effect, Overlay

MINUTE, HOUR, DAY = 60, 3600, 86_400


class Spans:
    """Spans that do not overlap, and what lies between them."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]

    def find_end(self, at: int) -> int | None:
        """Return when the span ends that holds at `at`; None when none does."""
        place = bisect_right(self._starts, at) - 1
        return self._ends[place] if place >= 0 and at < self._ends[place] else None


@dataclass(frozen=True, slots=True)
class World:
    """`jumps` are by how much the clock is set, in the order of the instants that it shows then."""

    down: Spans
    degraded: Spans
    scheduler_away: Spans
    worker_away: Spans
    own_fault: Spans
    paused: Spans
    jumps: tuple[tuple[int, int], ...]
    overlays: tuple[Overlay, ...]

    def judge(self, at: int) -> State:
        """Return what a look at `at` says."""
        if self.own_fault.find_end(at):
            return State.UNKNOWN
        if self.down.find_end(at):
            return State.DOWN
        return State.DEGRADED if self.degraded.find_end(at) else State.UP


def make_world(random: Random, start: int, end: int, *, hurry: int = 1) -> World:
    """Return a world in which each kind of fault happens many times in a year, and lasts for odd times.

    In a hurry all of it comes so many times faster.
    """

    def draw(apart: int, *lengths: int) -> Spans:
        return Spans(
            list(_draw(random, start, end, apart=apart // hurry, lengths=[1 + length // hurry for length in lengths]))
        )

    span = end - start
    return World(
        down=draw(DAY, 7, 61, 599, 3 * HOUR + 17, 2 * DAY),
        degraded=draw(2 * DAY, 13, 181, 5 * HOUR + 1),
        scheduler_away=draw(9 * DAY, 30, 5 * MINUTE + 3, 2 * HOUR, DAY + 1),
        worker_away=draw(6 * DAY, 45, 11 * MINUTE, 3 * HOUR),
        own_fault=draw(5 * DAY, 90, 21 * MINUTE + 5),
        paused=draw(30 * DAY, 20 * MINUTE, 2 * DAY + 11),
        jumps=tuple((start + span * share // 8, by) for share, by in ((1, HOUR), (3, -HOUR), (5, HOUR), (7, -HOUR))),
        overlays=tuple(_draw_overlays(random, start, end, hurry=hurry)),
    )


def _draw(random: Random, start: int, end: int, *, apart: int, lengths: list[int]) -> Iterator[tuple[int, int]]:
    at = start
    while at < end:
        at += 1 + int(random.expovariate(1 / apart))
        length = 1 + random.randrange(random.choice(lengths))
        yield at, at + length
        at += length


def _draw_overlays(random: Random, start: int, end: int, *, hurry: int) -> Iterator[Overlay]:
    """Maintenance and corrections, one over the other; some end before they start, or come twice."""
    count = max(8, (end - start) * hurry // (2 * DAY))
    for number in range(count):
        effect = random.choice(list(Effect))
        first = random.randrange(start - DAY // hurry, end) * 1000
        length = random.choice((-HOUR, 0, hurry, 20 * MINUTE, 5 * HOUR, 2 * DAY)) // hurry
        last = first + length * 1000
        rank = (0, number % 7) if effect is Effect.MAINTENANCE and number % 2 else (1, number)
        yield from [Overlay(rank, first, last, effect)] * (1 + number % 3 // 2)


def list_changes(random: Random, start: int, end: int, choices: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return from when on which of the choices holds, the first from `start` on: an interval that people change."""
    steps = (random.randrange(5 * DAY, 40 * DAY) for _ in range((end - start) // (5 * DAY) + 1))
    return [(at, choices[place % len(choices)]) for place, at in enumerate(accumulate(steps, initial=start))]
