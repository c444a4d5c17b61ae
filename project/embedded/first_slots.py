"""Starts the scheduler once a worker can take what it claims, and a new demo's clocks once it ticks.

Started together, the first slots would be claimed for nobody: each start would show them late, or missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from healthcheck.models import EndpointGroup, Tick, WorkerPulse
from healthcheck.models.clock import read_database_clock
from project.embedded.children import describe_scheduler
from project.embedded.supervisor import Supervisor

# Whatever has not come by then is not waited for: a broker elsewhere may be away, and slots are then missed openly.
WORKER_SECONDS, SCHEDULER_SECONDS = 30.0, 15.0
# As long as the scheduler may sleep: it then knows of the first slots before they are due.
AHEAD = timedelta(seconds=1)


def start_scheduler(supervisor: Supervisor, *, since: datetime, new_group_ids: Sequence[int]) -> None:
    """Start it when a worker has given a sign of life after `since`. The first slots of the new groups follow."""
    if not supervisor.run(until=WorkerPulse.objects.filter(at__gt=since).exists, seconds=WORKER_SECONDS):
        return
    _hold_clocks(new_group_ids, read_database_clock())
    supervisor.start(describe_scheduler())
    if new_group_ids:
        supervisor.run(until=Tick.objects.filter(at__gt=since).exists, seconds=SCHEDULER_SECONDS)
        _start_clocks(new_group_ids, read_database_clock())
    # The children write from now on; a handle of ours would only be one more to a file that may be moved.
    connection.close()


def _hold_clocks(group_ids: Sequence[int], now: datetime) -> None:
    for group in EndpointGroup.objects.filter(pk__in=group_ids, next_run_at__lte=now):
        # As far ahead as the scheduler believes a clock; should this process die here, that is all that is lost.
        held = now + group.deadline + timedelta(seconds=group.interval_seconds or 0)
        EndpointGroup.objects.filter(pk=group.pk, next_run_at=group.next_run_at).update(next_run_at=held)


def _start_clocks(group_ids: Sequence[int], now: datetime) -> None:
    # Those alone that are still held: what a person has changed meanwhile has been started by that.
    EndpointGroup.objects.filter(pk__in=group_ids, next_run_at__gt=now).update(next_run_at=now + AHEAD)
