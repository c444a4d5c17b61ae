"""Our own processes as their pulses show them: schedulers, workers, and the locations that workers check from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from healthcheck.conf import get_settings
from healthcheck.models import SIGNED_OFF, Location, Tick, WorkerPulse
from healthcheck.models.tick import WORKER_SILENT_AFTER

PROCESSES_SHOWN, LOCATIONS_SHOWN = 30, 50
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that has given a sign of life within the last day."""

    node: str
    at: datetime
    is_alive: bool
    started_at: datetime | None = None
    pool: str = ""
    concurrency: int = 0
    location: str = ""
    spooled_count: int = 0
    spooled_since: datetime | None = None
    dropped_count: int = 0


@dataclass(frozen=True, slots=True)
class Processes:
    schedulers: Sequence[Process]
    workers: Sequence[Process]
    # Locations by name with their living workers.
    locations: Sequence[tuple[str, int]]

    @property
    def has_scheduler(self) -> bool:
        return any(each.is_alive for each in self.schedulers)

    @property
    def has_worker(self) -> bool:
        return any(each.is_alive for each in self.workers)


def load_processes(now: datetime) -> Processes:
    """Return what is there, the newest sign of life first, in three queries."""
    silent_at = now - timedelta(seconds=get_settings().stale_after_seconds)
    ticks = Tick.objects.exclude(node=SIGNED_OFF).order_by("-at", "node")[:PROCESSES_SHOWN]
    schedulers = [Process(tick.node, tick.at, tick.at >= silent_at) for tick in ticks]
    pulses = WorkerPulse.objects.select_related("location").order_by("-at", "node")[:PROCESSES_SHOWN]
    workers = _drop_replaced([_describe_worker(pulse, now) for pulse in pulses])
    names = Location.objects.order_by("name", "pk").values_list("name", flat=True)[:LOCATIONS_SHOWN]
    alive = [worker.location for worker in workers if worker.is_alive]
    return Processes(schedulers, workers, [(name, alive.count(name)) for name in names])


def _describe_worker(pulse: WorkerPulse, now: datetime) -> Process:
    return Process(
        node=pulse.node,
        at=pulse.at,
        is_alive=pulse.at >= now - WORKER_SILENT_AFTER,
        started_at=pulse.started_at,
        pool=pulse.pool,
        concurrency=pulse.concurrency,
        location=pulse.location.name,
        spooled_count=pulse.spooled_count,
        spooled_since=pulse.spooled_since,
        dropped_count=pulse.dropped_count,
    )


def _drop_replaced(workers: Sequence[Process]) -> list[Process]:
    """Leave out the silent whose name and place a living one has taken since: nobody is missing."""
    heirs: dict[tuple[str, str], datetime] = {}
    for each in workers:
        if each.is_alive and each.started_at is not None:
            heirs[_name_place(each)] = max(each.started_at, heirs.get(_name_place(each), each.started_at))
    return [each for each in workers if each.is_alive or heirs.get(_name_place(each), _NEVER) < each.at]


def _name_place(worker: Process) -> tuple[str, str]:
    # A node is a name, a process id and what makes it unique.
    return worker.node.rsplit(":", 2)[0], worker.location
