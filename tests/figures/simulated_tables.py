"""The simulator on a database: the real tick, take, record, sweep and roll-up under a virtual clock, and their tables.

Two endpoints of one group, whose slots a cron schedule puts on whole minutes. Maintenance and corrections come when all
is over, as late as can be, and mark what was rolled up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from healthcheck.engine.types import ErrorKind, Outcome, State
from healthcheck.engine.uptime import Overlay, Totals
from healthcheck.models import (
    CheckRun,
    Endpoint,
    EndpointGroup,
    Location,
    MaintenanceSpan,
    Rollup,
    RunStatus,
    Transition,
)
from healthcheck.models.history import load_overlays, load_steps
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.clock import restart_clocks
from healthcheck.pipeline.execute import take_run
from healthcheck.pipeline.marks import mark_hours
from healthcheck.pipeline.record import pair_findings, record_run
from healthcheck.pipeline.roll_up import GRACE, roll_up
from healthcheck.pipeline.sweep import FUTURE, realign_clocks, sweep_runs
from healthcheck.pipeline.tick import tick
from tests.factories import make_correction, make_endpoint, make_group
from tests.figures.comparing import compare, describe, differ
from tests.figures.table import Row
from tests.figures.truth import Truth, lay_over
from tests.figures.world import HOUR, MINUTE, World, make_world

# The day on which the clocks of Berlin go forward, in a leap year.
START = datetime(2028, 3, 25, 22, tzinfo=UTC)
CRON = "*/5 * * * *"
THRESHOLDS = ((2, 1), (1, 3))
# A fault that happens once a month in a year happens here once in half a day.
HURRY = 60
TARGET = "0 s"
NODE = "scheduler-1"
BUDGET_SECONDS = 600.0
# Roll-ups come when they come, also in the middle of an hour.
ROLL_EVERY = 37 * MINUTE
# No tick falls on the microsecond of a slot: in an hour that is lived through twice, that slot is taken.
OFF_BEAT = timedelta(microseconds=7)


@dataclass(slots=True)
class Tables:
    """The group, and a truth for each of its endpoints."""

    world: World
    random: Random
    end: int
    group: EndpointGroup
    endpoints: list[Endpoint] = field(init=False)
    truths: list[Truth] = field(init=False)

    def __post_init__(self) -> None:
        self.endpoints = [
            make_endpoint(
                self.group, f"of {failure}, {recovery}", failure_threshold=failure, recovery_threshold=recovery
            )
            for failure, recovery in THRESHOLDS
        ]
        self.truths = [Truth(_START, failure=failure, recovery=recovery) for failure, recovery in THRESHOLDS]

    def live(self) -> None:
        now, jumps, rolled_at = _START, list(self.world.jumps), _START
        while now < self.end:
            if jumps and now >= jumps[0][0]:
                now += jumps.pop(0)[1]
                self._realign(now)
            if now - rolled_at >= ROLL_EVERY or now < rolled_at:
                roll_up(_at(now), budget_seconds=BUDGET_SECONDS)
                rolled_at = now
            if self.world.paused.find_end(now) is not None:
                now = self._pause(now)
            elif (back_at := self.world.scheduler_away.find_end(now)) is not None:
                now = back_at
            else:
                now = self._tick(now)
        tick(_at(self.end), node=NODE)

    def _tick(self, now: int) -> int:
        """Tick, let a worker do what is queued, and return when there is next something to do."""
        tick(_at(now) + OFF_BEAT, node=NODE)
        if self.world.worker_away.find_end(now) is None:
            for run_id in CheckRun.objects.filter(status=RunStatus.QUEUED).values_list("pk", flat=True):
                self._perform(run_id, now)
        self.group.refresh_from_db()
        return min(now + MINUTE, max(now + 1, int(self.group.next_run_at.timestamp())))

    def _perform(self, run_id: int, now: int) -> None:
        taken = take_run(run_id, _at(now) + OFF_BEAT)
        if taken is None:
            return
        outcomes = []
        for truth in self.truths:
            seen_at = now + self.random.randrange(10)
            verdict = self.world.judge(seen_at)
            kind = None if verdict is State.UP else ErrorKind.TIMEOUT
            outcomes.append(Outcome(verdict, _at(seen_at), error_kind=kind))
            if verdict is not State.UNKNOWN:
                truth.see(seen_at, verdict, holds_until=int(taken.valid_until.timestamp()))
        stored_at = _at(now + 10)
        if record_run(taken, pair_findings(taken, outcomes, stored_at), now=stored_at, wall_us=1000) is None:
            raise RuntimeError(f"run {run_id} was taken away")

    def _pause(self, now: int) -> int:
        EndpointGroup.objects.update(is_paused=True)
        resumed = self.world.paused.find_end(now) or now
        for at in range(now, resumed, MINUTE):
            tick(_at(at) + OFF_BEAT, node=NODE)
        EndpointGroup.objects.update(is_paused=False)
        restart_clocks([self.group.pk], _at(resumed))
        return resumed

    def _realign(self, now: int) -> None:
        """The clock was set: what was seen in a future that is not to be is not believed."""
        for endpoint, truth in zip(self.endpoints, self.truths, strict=True):
            if endpoint.states.filter(evidence_at__gt=_at(now) + FUTURE, valid_until__gt=_at(now)).exists():
                truth.disbelieve(now)
        realign_clocks(_at(now))


_START = int(START.timestamp())


def measure_tables(hours: int) -> Iterator[Row]:
    end = _START + hours * HOUR
    random = Random(hours)
    group = make_group("simulated", interval_seconds=None, cron=CRON, deadline_seconds=10.0, next_run_at=START)
    tables = Tables(make_world(random, _START, end, hurry=HURRY), random, end, group)
    tables.live()
    roll_up(_at(end) + GRACE, budget_seconds=BUDGET_SECONDS)
    overlays = list(
        {overlay.rank: overlay for overlay in tables.world.overlays if overlay.start_ms < overlay.end_ms}.values()
    )
    for endpoint in tables.endpoints:
        _store_overlays(endpoint, overlays, now=_at(end))
    if not roll_up(_at(end) + 2 * GRACE, budget_seconds=BUDGET_SECONDS).is_complete:
        raise RuntimeError("the roll-up did not end in time")
    yield from _compare(tables, end)
    sweep_runs(_at(end) + timedelta(hours=1))
    slots = CheckRun.objects.filter(status__in=UNFINISHED).count()
    yield Row("simulated slots without a terminal state", "0", str(slots), f"of {CheckRun.objects.count():,} runs")


def _store_overlays(endpoint: Endpoint, overlays: list[Overlay], *, now: datetime) -> None:
    for overlay in overlays:
        start, end = (_at(ms // 1000) for ms in (overlay.start_ms, overlay.end_ms))
        if overlay.rank[0]:
            make_correction(endpoint, start=start, end=end, effect=overlay.effect)
        else:
            span = {"endpoint_id": endpoint.pk, "window_id": overlay.rank[1], "starts_at": start, "ends_at": end}
            MaintenanceSpan.objects.create(**span)
        mark_hours([endpoint.pk], start=start, end=end, now=now + GRACE)


def _compare(tables: Tables, end: int) -> Iterator[Row]:
    ids, location = [endpoint.pk for endpoint in tables.endpoints], Location.objects.default()
    steps = load_steps(ids, location.pk, start=START, end=_at(end))
    laid = load_overlays(ids, start=START, end=_at(end))
    by_time = by_rollup = 0
    for pk, truth in zip(ids, tables.truths, strict=True):
        drawn = lay_over(truth.finish(end), laid[pk], start=_START)
        by_time += compare(drawn, steps[pk], laid[pk], start=_START)
        by_rollup += _compare_rollups(pk, drawn)
    changes = Transition.objects.count()
    how = f"{len(drawn) // HOUR} hours of {len(ids)} endpoints, {changes:,} changes; the last: {describe(drawn)}"
    yield Row("difference from the truth, stored transitions", TARGET, f"{by_time:,} s", how)
    rows = Rollup.objects.count()
    yield Row("difference from the truth, rollups of hours and days", TARGET, f"{by_rollup:,} s", f"{rows:,} rows")


def _compare_rollups(endpoint_id: int, drawn: bytes) -> int:
    differing = 0
    for seconds, rows in ((HOUR, Rollup.objects.hours()), (24 * HOUR, Rollup.objects.days())):
        stored = {row.number: row for row in rows.filter(endpoint_id=endpoint_id)}
        for number in range(_START // seconds, (_START + len(drawn)) // seconds):
            piece = drawn[max(0, number * seconds - _START) : (number + 1) * seconds - _START]
            differing += differ(_read_totals(stored.get(number)), piece)
    return differing


def _read_totals(row: Rollup | None) -> Totals:
    if row is None:
        return Totals()
    return Totals(row.up_ms, row.degraded_ms, row.down_ms, row.unknown_ms, row.maintenance_ms, row.excluded_ms)


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
