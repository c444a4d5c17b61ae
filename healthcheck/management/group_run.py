"""Runs a group now, in this process: a recorded run as any other, without broker and worker.

A run that is under way already is joined: taken here while it is still queued, waited for where a worker has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue

from healthcheck.engine.types import Outcome
from healthcheck.models import CheckRun, EndpointGroup
from healthcheck.models.clock import read_database_clock
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.dispatch import LEASE_MARGIN
from healthcheck.pipeline.manual import request_check
from healthcheck.pipeline.perform import Performer
from healthcheck.pipeline.sweep import sweep_runs

# How often a run that another process has is looked at: one small query each time, and nobody notices the delay.
POLL_SECONDS = 0.2
# Beyond the lease: for the worker to record, or for the sweeper to close what it left behind.
GRACE_SECONDS = 5.0

Arrived = Callable[[int, Outcome], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that answers. `is_joined` says that somebody else had asked for it, or the schedule."""

    run_id: int
    is_joined: bool


def ask_for_run(group: EndpointGroup) -> Asked:
    """Return the run that will answer, a new one or one under way."""
    now = read_database_clock()
    # Where no scheduler runs, nobody else closes what is over, and a run like that would be joined for ever.
    sweep_runs(now)
    under_way = set(CheckRun.objects.filter(group=group, status__in=UNFINISHED).values_list("pk", flat=True))
    run_id = request_check(group.pk, now)
    return Asked(run_id, run_id in under_way)


def perform_here(asked: Asked, arrived: Arrived) -> None:
    """Perform the run unless somebody else has it; `arrived` is called here with each endpoint's id and outcome.

    KeyboardInterrupt ends the gather and gives the run back or closes it before it is raised.
    """
    performer, outcomes = Performer(), SimpleQueue[tuple[int, Outcome] | None]()
    with ThreadPoolExecutor(1, thread_name_prefix="check-group") as thread:
        done = thread.submit(performer.perform, asked.run_id, lambda *arrival: outcomes.put(arrival))
        done.add_done_callback(lambda _: outcomes.put(None))
        try:
            _hand_on(outcomes, arrived, done)
        except BaseException:
            performer.stop()
            raise


def _hand_on(outcomes: SimpleQueue[tuple[int, Outcome] | None], arrived: Arrived, done: Future[frozenset[int]]) -> None:
    while (arrival := outcomes.get()) is not None:
        arrived(*arrival)
    done.result()


def await_run(asked: Asked, group: EndpointGroup) -> CheckRun:
    """Return the run as soon as it has ended, or as it stands when its lease and a little more are over."""
    patience = group.deadline_seconds + LEASE_MARGIN.total_seconds() + GRACE_SECONDS
    give_up = time.monotonic() + patience
    while True:
        run = CheckRun.objects.get(pk=asked.run_id)
        if run.status not in UNFINISHED or time.monotonic() >= give_up:
            return run
        time.sleep(POLL_SECONDS)
