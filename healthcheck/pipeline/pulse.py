"""The pulse of a worker process: one row, renewed every few seconds, from which the desk tells who is there.

A thread of our own rather than Celery's heartbeat: that comes from the worker's timer, which a database that hangs
would hold up, and it may be switched off. Best effort: no run waits for it, and no run fails with it.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connection

from healthcheck.models import Location, WorkerPulse
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.database import name_error
from healthcheck.pipeline.spool import NOTHING, Waiting, get_spool
from healthcheck.pipeline.text import sanitise

logger = logging.getLogger(__name__)

PULSE_SECONDS = 10.0
# A worker that stops takes its row along; a database that is away must not hold up the stop.
STOP_SECONDS = 1.0
_RENEWED = ("at", "spooled_count", "spooled_since", "dropped_count")
_COLUMNS = ("node", "location_id", "started_at", "pool", "concurrency", *_RENEWED)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process as it describes itself. Its node is unique: containers share host names and process ids."""

    name: str
    pool: str
    concurrency: int
    node: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "node", f"{sanitise(self.name, 150)}:{os.getpid()}:{uuid.uuid4().hex[:8]}")


def record_pulse(worker: Worker, now: datetime, *, waiting: Waiting = NOTHING, dropped: int = 0) -> None:
    """Say that the worker is there at `now`, and what is in its spool; the first time it began then."""
    location = Location.objects.default()
    renewed = (now, waiting.count, waiting.since, dropped)
    row = (worker.node, location.pk, now, sanitise(worker.pool, 50), max(0, worker.concurrency), *renewed)
    insert_rows(WorkerPulse, _COLUMNS, [row], conflict=("node",), update=_RENEWED)


def forget_pulse(worker: Worker) -> None:
    WorkerPulse.objects.filter(node=worker.node).delete()


def _look_at_spool() -> tuple[Waiting, int]:
    spool = get_spool()
    if spool is None:
        return NOTHING, 0
    try:
        return spool.survey(), spool.dropped
    except OSError:
        # Whoever appends or replays says what is wrong with it.
        return NOTHING, spool.dropped


class PulseThread:
    """Renews the row of this process until it is stopped."""

    def __init__(self, on_beat: Callable[[], None] | None = None) -> None:
        # Called with each beat, and may ask the database as well.
        self._on_beat = on_beat
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_away = False

    def start(self, worker: Worker) -> None:
        """Begin; a second start does nothing, as when a worker has lost its broker for a while."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(worker,), name="healthcheck-pulse", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def beat(self, worker: Worker) -> None:
        """Renew the row or, while stopping, remove it. A database that is away is logged once, never raised."""
        try:
            if self._stopping.is_set():
                forget_pulse(worker)
            else:
                waiting, dropped = _look_at_spool()
                record_pulse(worker, read_database_clock(), waiting=waiting, dropped=dropped)
                if self._on_beat is not None:
                    self._on_beat()
            self._is_away = False
        except (DatabaseError, InterfaceError) as error:
            if not self._is_away:
                logger.warning("database away, no pulse of this worker", extra={"error": name_error(error)})
            self._is_away = True

    def _run(self, worker: Worker) -> None:
        while not self._stopping.is_set():
            self._beat_and_let_go(worker)
            self._stopping.wait(PULSE_SECONDS)
        self._beat_and_let_go(worker)

    def _beat_and_let_go(self, worker: Worker) -> None:
        self.beat(worker)
        # Not kept: a child that is forked later would share the connection and end it for both.
        connection.close()
