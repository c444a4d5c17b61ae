"""A year of schedules full of faults, second by second: the arithmetic against a truth that knows nothing of it.

Four endpoints live through the same year of faults (see `world.py`): their target is down or degraded for odd times,
the scheduler is away, the worker is, slots are missed, checks fail by our own fault, the interval is changed, the group
is paused, the clock is set an hour ahead and back, windows and corrections lie over each other. Schedules, claims'
plans, expiry and states are the product's own code under a virtual clock. Each look is told to `truth.py` as well,
which says what that is.

On the database a shorter history is lived through by the real tick, take, record and roll-up, and what the tables hold
is compared in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from django.db import connection

from healthcheck.engine.schedule import CronSchedule, IntervalSchedule, Schedule, expiry
from healthcheck.engine.transitions import Thresholds
from healthcheck.engine.types import ErrorKind, Outcome, State
from healthcheck.engine.uptime import Step, to_ms
from healthcheck.pipeline.advance import Slot, StateChange, advance_state, expire_state
from healthcheck.pipeline.dispatch import LEASE_MARGIN
from healthcheck.pipeline.state_rows import StateRow
from healthcheck.pipeline.sweep import FUTURE
from tests.figures.comparing import compare, describe
from tests.figures.simulated_tables import measure_tables
from tests.figures.table import Row
from tests.figures.truth import Truth, lay_over
from tests.figures.world import DAY, World, list_changes, make_world

# A leap year, with both changes of the clocks of its time zone.
START = int(datetime(2028, 1, 1, tzinfo=UTC).timestamp())
TARGET = "0 s"
DEADLINE_SECONDS = 10
DEADLINE = timedelta(seconds=DEADLINE_SECONDS)
MISSED_SHARE = 0.005
# Of each hour of tables there are twelve slots, which cost a thousand times those without.
MIN_HOURS, HOURS_SHARE = 6, 4


class Character(NamedTuple):
    """An endpoint of the simulated year. `intervals` alternate; empty for the cron expression."""

    name: str
    thresholds: Thresholds
    intervals: tuple[int, ...] = ()
    cron: str = ""


CHARACTERS = (
    Character("5 min", Thresholds(2, 1), (300,)),
    Character("1, 10 and 60 min in turn", Thresholds(3, 2), (3600, 60, 600)),
    Character("1 h", Thresholds(1, 1), (3600,)),
    Character("each half hour by cron in Berlin", Thresholds(2, 3), cron="*/30 0-5,7-23 * * *"),
)


@dataclass(slots=True)
class Life:
    """One endpoint's year: the product's row and steps, and beside them the truth."""

    character: Character
    world: World
    random: Random
    end: int
    row: StateRow = field(default_factory=lambda: StateRow(1, 1))
    steps: list[Step] = field(default_factory=list)
    slots: int = 0
    truth: Truth = field(init=False)
    changes: list[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        thresholds = self.character.thresholds
        self.truth = Truth(START, failure=thresholds.failure, recovery=thresholds.recovery)
        self.changes = list_changes(self.random, START, self.end, self.character.intervals or (0,))

    def live(self) -> None:
        """Go from slot to slot, as ticks would: a claim, and where a worker is there a look."""
        next_run_at, jumps = START, list(self.world.jumps)
        now = START
        while True:
            now = max(now, next_run_at)
            while (back_at := self.world.scheduler_away.find_end(now) or self.world.paused.find_end(now)) is not None:
                now = back_at
            if jumps and now >= jumps[0][0]:
                now += jumps.pop(0)[1]
                next_run_at = self._realign(now, next_run_at)
                continue
            if now >= self.end:
                break
            next_run_at = self._claim(now, next_run_at)
        self._expire(self.end)

    def _claim(self, now: int, due: int) -> int:
        self._expire(now)
        plan = self._find_schedule(now).plan(to_instant(due), to_instant(now), deadline=DEADLINE)
        self.slots += (plan.slot is not None) + (plan.gap.count if plan.gap is not None else 0)
        is_missed = self.random.random() < MISSED_SHARE or self.world.worker_away.find_end(now)
        if plan.slot is not None and not is_missed:
            self._look(now, plan.slot, plan.next_run_at)
        return to_second(plan.next_run_at)

    def _look(self, now: int, slot: datetime, next_at: datetime) -> None:
        seen_at = now + self.random.randrange(DEADLINE_SECONDS)
        verdict = self.world.judge(seen_at)
        valid_until = expiry(slot, next_at, deadline=DEADLINE, margin=LEASE_MARGIN)
        outcome = Outcome(verdict, to_instant(seen_at), error_kind=ErrorKind.TIMEOUT)
        told = Slot(self.slots, slot, next_at, valid_until, None)
        thresholds = self.character.thresholds
        self._note(advance_state(self.row, outcome, slot=told, thresholds=thresholds, now=to_instant(seen_at + 1)))
        if verdict is not State.UNKNOWN:
            self.truth.see(seen_at, verdict, holds_until=to_second(valid_until))

    def _expire(self, now: int) -> None:
        change = expire_state(self.row, to_instant(now))
        self._note([] if change is None else [change])
        self.truth.notice(now)

    def _note(self, changes: Sequence[StateChange]) -> None:
        self.steps += [
            Step(to_ms(each.change.at), len(self.steps) + n, each.change.to_state) for n, each in enumerate(changes)
        ]

    def _realign(self, now: int, next_run_at: int) -> int:
        """As `realign_clocks` does with rows."""
        seen_at, until = self.row.evidence_at, self.row.valid_until
        if seen_at is not None and seen_at > to_instant(now) + FUTURE and until is not None and until > to_instant(now):
            self.row.valid_until = to_instant(now)
            self.truth.disbelieve(now)
        return min(next_run_at, now)

    def _find_schedule(self, now: int) -> Schedule:
        if self.character.cron:
            return CronSchedule(self.character.cron, "Europe/Berlin")
        seconds = [seconds for at, seconds in self.changes if at <= now][-1]
        return IntervalSchedule(seconds, timedelta(seconds=17))


def to_instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def to_second(instant: datetime) -> int:
    return int(instant.timestamp())


def measure(size: int) -> Iterator[Row]:
    if connection.vendor == "sqlite":
        # It touches no database, so once is enough.
        yield from _measure_year(size)
    yield from measure_tables(max(MIN_HOURS, size // HOURS_SHARE))


def _measure_year(days: int) -> Iterator[Row]:
    end = START + days * DAY
    random = Random(5)
    world = make_world(random, START, end)
    for character in CHARACTERS:
        life = Life(character, world, Random(character.name), end)
        life.live()
        drawn = lay_over(life.truth.finish(end), world.overlays, start=START)
        how = f"{days:,} days, {life.slots:,} slots, {len(life.steps):,} changes; {describe(drawn)}"
        differing = compare(drawn, life.steps, world.overlays, start=START)
        yield Row(f"difference from the truth, {character.name}", TARGET, f"{differing:,} s", how)
