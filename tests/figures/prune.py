"""Lateness of checks while millions of raw rows go, beside an equally long time before, in the same deployment.

Up to forty groups of ten endpoints on nginx, every four seconds; each has a past of results once a minute, some of
them down, rolled up as it should be, and kept by a retention of its own. Once checks have run for a while, the
retention of half of the groups falls to a day, and `manage.py prune` removes what is older, in a process of its own;
then that of the other half, and the worker prunes, as the scheduler asks it to. Lateness is `started_at -
scheduled_for`. Uptime is compared by every rollup of the past, bit by bit, and those of one day are rolled up again,
without their raw rows.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils import timezone

from healthcheck.models import CheckRun, EndpointGroup, RunStatus
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.prune import BATCH
from healthcheck.tasks import PRUNE_BUDGET_SECONDS
from tests.figures.children import ROOT, leashed
from tests.figures.deployment import Deployment, deploy, wait_until
from tests.figures.past import KEPT_DAYS, PAST_KEPT_DAYS, Past, live_through
from tests.figures.rows import make_groups, pick, select_finished, warm_up
from tests.figures.table import Row
from tests.figures.targets import run_nginx, spread

GROUPS, MEMBERS = 40, 10
# Fewer groups where the past is short, so that each has lived through so many slots of it.
FEWEST_GROUPS, FEWEST_SLOTS = 10, 40
INTERVAL_SECONDS, TIMEOUT_SECONDS, DEADLINE_SECONDS = 4, 2.0, 3.0
# After the burst of first runs, and what a scheduler that starts asks a worker for.
SETTLE_SECONDS = 10
# The quiet window is as long as pruning takes at this pace, or longer than what pruning is compared with.
ROWS_PER_SECOND, SHORTEST_SECONDS = 20_000, 5
LIFE_SECONDS, PRUNE_SECONDS = 3500, 900.0
TARGET = "at most 1.2 times that before"


class Window(NamedTuple):
    began: datetime
    ended: datetime

    @property
    def seconds(self) -> float:
        return (self.ended - self.began).total_seconds()

    def select(self) -> QuerySet[CheckRun]:
        return CheckRun.objects.filter(scheduled_for__gte=self.began, scheduled_for__lt=self.ended)

    def count_lost(self) -> int:
        return self.select().exclude(status=RunStatus.FINISHED).count()

    def read_p99_ms(self) -> float:
        runs = self.select() & select_finished("prune")
        return pick([float(run.lateness_ms or 0) for run in runs], 0.99)


def measure(size: int) -> Iterator[Row]:
    """`size` is the number of raw results of the past."""
    count = min(GROUPS, max(FEWEST_GROUPS, size // (MEMBERS * FEWEST_SLOTS)))
    with (
        run_nginx(spread(MEMBERS), life_seconds=LIFE_SECONDS) as urls,
        deploy(life_seconds=LIFE_SECONDS) as deployment,
    ):
        columns = {"deadline_seconds": DEADLINE_SECONDS, "retention_days": PAST_KEPT_DAYS}
        groups = make_groups("prune", count, urls, members=MEMBERS, timeout_seconds=TIMEOUT_SECONDS, **columns)
        past = live_through(max(1, size // (count * MEMBERS)), members=MEMBERS)
        EndpointGroup.objects.update(interval_seconds=INTERVAL_SECONDS)
        # Those of the past are finished as well.
        stored = CheckRun.objects.count()
        deployment.start_worker()
        deployment.start_scheduler()
        warm_up("prune", runs=stored + 2 * count, settle_seconds=SETTLE_SECONDS * count / GROUPS)
        quiet = _watch(max(SHORTEST_SECONDS, size / 2 / ROWS_PER_SECOND))
        ids = [group.pk for group in groups]
        yield from _prune_by_command(past, ids[: count // 2], quiet)
        yield from _prune_by_worker(deployment, past, ids[count // 2 :], quiet)
    yield past.compare()


def _watch(seconds: float) -> Window:
    began = timezone.now()
    time.sleep(seconds)
    return Window(began, timezone.now())


def _prune_by_command(past: Past, group_ids: list[int], quiet: Window) -> Iterator[Row]:
    rows = _release(past, group_ids)
    program = (sys.executable, "-m", "tests.figures.pruner", str(PRUNE_SECONDS))
    command = leashed(*program, seconds=LIFE_SECONDS)
    said = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)
    pruning = Window(*(datetime.fromisoformat(said[name]) for name in ("began", "ended")))
    yield from _tell("a command", past, group_ids, rows=rows, quiet=quiet, pruning=pruning)
    batches = [seconds for each in said["batches"].values() for seconds in each]
    how = f"{len(batches):,} batches of at most {BATCH:,} rows, p50 {pick(batches, 0.5) * 1000:.1f} ms"
    yield Row("largest batch of the command", "", f"{max(batches) * 1000:.0f} ms", how)


def _prune_by_worker(deployment: Deployment, past: Past, group_ids: list[int], quiet: Window) -> Iterator[Row]:
    rows = _release(past, group_ids)
    old = CheckRun.objects.filter(group_id__in=group_ids, pk__lte=past.last_run_id)
    began = timezone.now()
    until = time.monotonic() + PRUNE_SECONDS
    while old.exists() and time.monotonic() < until:
        # Its time is over before it is asked again.
        deployment.ask_to_prune()
        wait_until(lambda: not old.exists(), seconds=PRUNE_BUDGET_SECONDS + 1, pause=0.2)
    pruning = Window(began, timezone.now())
    yield from _tell("the worker", past, group_ids, rows=rows, quiet=quiet, pruning=pruning)


def _release(past: Past, group_ids: list[int]) -> int:
    """Let the raw rows of these groups be too old; return how many there are."""
    rows = past.count(group_ids)
    EndpointGroup.objects.filter(pk__in=group_ids).update(retention_days=KEPT_DAYS)
    return rows


def _tell(who: str, past: Past, group_ids: list[int], *, rows: int, quiet: Window, pruning: Window) -> Iterator[Row]:
    span = timedelta(seconds=min(quiet.seconds, max(pruning.seconds, INTERVAL_SECONDS)))
    before, during = Window(quiet.ended - span, quiet.ended), Window(pruning.began, pruning.began + span)
    wait_until(lambda: timezone.now() > during.ended, seconds=span.total_seconds())
    open_slots = during.select().filter(status__in=UNFINISHED)
    wait_until(lambda: not open_slots.exists(), seconds=DEADLINE_SECONDS + 5)
    quiet_ms, busy_ms = before.read_p99_ms(), during.read_p99_ms()
    slots = f"{before.select().count():,} and {during.select().count():,} slots"
    how = f"{quiet_ms:.0f} ms before, {busy_ms:.0f} ms while it prunes; {slots} of {span.total_seconds():.0f} s each"
    yield Row(f"lateness p99 while {who} prunes", TARGET, f"{busy_ms / max(1.0, quiet_ms):.2f}", how)
    how = f"of {during.select().count():,}; before it were {before.count_lost()}"
    yield Row(f"slots that did not finish while {who} prunes", "0", str(during.count_lost()), how)
    removed = rows - past.count(group_ids)
    how = f"of {rows:,}, with their runs and evidence; {removed / pruning.seconds:,.0f} a second"
    yield Row(f"raw results that {who} pruned", "", f"{removed:,} in {pruning.seconds:.1f} s", how)
