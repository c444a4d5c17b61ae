"""What kill -9 of worker, scheduler and broker costs: slots, results, truth and time.

Sixty groups of five endpoints that answer after half a second, every 10 s; one worker, two schedulers, one broker. In
turn and so many times each: the worker is killed while it holds a run, and restarted; one of the two schedulers is
killed, and restarted three seconds later; the broker is killed, and restarted empty after a second. Then every group is
paused, the sweeper gets a bounded time for what is open, and the rows are counted. Targets are healthy throughout, so
that every "down" is false.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from healthcheck.models import CheckRun, EndpointGroup, RunStatus
from healthcheck.models.run import UNFINISHED
from tests.figures.audit import Window, audit
from tests.figures.deployment import Deployment, deploy, wait_until
from tests.figures.rows import make_groups, select_finished, warm_up
from tests.figures.table import Row
from tests.figures.targets import run_late_server, spread

GROUPS, MEMBERS, INTERVAL_SECONDS = 60, 5, 10
ANSWER_SECONDS, TIMEOUT_SECONDS, DEADLINE_SECONDS = 0.5, 1.5, 2.0
# Slots due within this after a kill are those that it can make late.
LATE_SECONDS, BROKER_LATE_SECONDS = 3.0, 10.0
BROKER_DOWN_SECONDS = 1.0
PATIENCE_SECONDS = 30.0


def measure(size: int) -> Iterator[Row]:
    with run_late_server(spread(MEMBERS), after_seconds=ANSWER_SECONDS) as urls, deploy() as deployment:
        make_groups(
            "kills",
            GROUPS,
            urls,
            members=MEMBERS,
            timeout_seconds=TIMEOUT_SECONDS,
            deadline_seconds=DEADLINE_SECONDS,
            interval_seconds=INTERVAL_SECONDS,
        )
        kills = _Kills(deployment)
        warm_up("kills", runs=GROUPS, settle_seconds=INTERVAL_SECONDS)
        began = timezone.now()
        scheduler_kills = [kills.kill_scheduler() for _ in range(size)]
        broker_kills = [kills.kill_broker() for _ in range(size)]
        worker_kills = [kills.kill_worker() for _ in range(size)]
        EndpointGroup.objects.update(is_paused=True)
        paused_at = timezone.now()
        unfinished = CheckRun.objects.filter(status__in=UNFINISHED)
        is_settled = wait_until(lambda: not unfinished.exists(), seconds=PATIENCE_SECONDS)
        waited = (timezone.now() - paused_at).total_seconds()
    yield _describe_lateness("scheduler of two", scheduler_kills, LATE_SECONDS, target="at most 2 s")
    yield _describe_lateness("broker", broker_kills, BROKER_LATE_SECONDS, target="at most 15 s")
    row = _describe_lateness("worker", worker_kills, BROKER_LATE_SECONDS, target="")
    held = ", ".join(map(str, kills.held))
    yield row._replace(how=f"{row.how}; it held {held} runs")
    how = f"{size} kills each; {waited:.0f} s after the last slot" + ("" if is_settled else ", still open")
    yield from audit(Window(began, paused_at, timedelta(seconds=INTERVAL_SECONDS), MEMBERS), how=how)


class _Kills:
    """Kills and restarts; every method returns the instant of the kill."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.worker = deployment.start_worker()
        # Runs that a killed worker was in the middle of, by kill.
        self.held: list[int] = []
        self.schedulers = [deployment.start_scheduler(), deployment.start_scheduler()]

    def kill_worker(self) -> datetime:
        running = CheckRun.objects.filter(status=RunStatus.RUNNING)
        wait_until(running.exists, seconds=PATIENCE_SECONDS)
        at = timezone.now()
        self.held.append(running.count())
        self.worker.kill()
        self.worker = self.deployment.start_worker()
        _wait_for_work(after=timezone.now())
        time.sleep(LATE_SECONDS)
        return at

    def kill_scheduler(self) -> datetime:
        # Anywhere in its second, a transaction included.
        time.sleep(random.random())
        at = timezone.now()
        self.schedulers.pop(0).kill()
        time.sleep(LATE_SECONDS)
        self.schedulers.append(self.deployment.start_scheduler())
        time.sleep(LATE_SECONDS)
        return at

    def kill_broker(self) -> datetime:
        at = timezone.now()
        self.deployment.kill_broker()
        time.sleep(BROKER_DOWN_SECONDS)
        self.deployment.restart_broker()
        _wait_for_work(after=timezone.now())
        time.sleep(BROKER_LATE_SECONDS)
        return at


def _wait_for_work(*, after: datetime) -> None:
    wait_until(select_finished("kills").filter(started_at__gt=after).exists, seconds=PATIENCE_SECONDS)


def _describe_lateness(what: str, kills: list[datetime], seconds: float, *, target: str) -> Row:
    """Tell how late the slots started that were due in the seconds after a kill."""
    late = []
    for at in kills:
        due = select_finished("kills").filter(scheduled_for__gte=at, scheduled_for__lt=at + timedelta(seconds=seconds))
        late.append([(run.lateness_ms or 0) / 1000 for run in due])
    everything = [seconds for after_kill in late for seconds in after_kill]
    worst = f"{max(everything):.2f} s" if everything else "nothing ran"
    each = ", ".join(f"{max(after_kill, default=0):.2f}" for after_kill in late)
    return Row(f"latest slot after kill -9 of {what}", target, worst, f"each: {each} s; {len(everything)} slots")
