"""Brings a run's results into the database or, where that is away, into the spool, within the run's lease.

Waits on behalf of the calling thread, but for no longer than is useful: not past the lease, not past a stop, and not
beside too many others that wait as well.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar

from django.db import DatabaseError

from healthcheck.pipeline.database import DATABASE_AWAY, name_error, submit_to_database_thread
from healthcheck.pipeline.dispatch import LEASE_MARGIN
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.record import Finding, Recorded, record_run
from healthcheck.pipeline.spool import Spool, get_spool
from healthcheck.pipeline.spool_format import SpooledRun

P = ParamSpec("P")
T = TypeVar("T")

logger = logging.getLogger(__name__)

# The pause between tries to store results while the database is away; the lease bounds them all.
RETRY_SECONDS = 0.5
# A process has ten seconds to stop. What the database has not answered by then goes into the spool.
STOP_SECONDS = 3.0
# Runs of a process whose results are tried again at once. More would keep the few threads of the database from finding
# out that it is back, and their results in memory; they go into the spool after the first try.
MAX_WAITING_RUNS = 50


class DatabaseSilentError(Exception):
    """The database has not answered in time. What it was asked may happen yet."""


class Storer:
    """Stores the runs of a process."""

    def __init__(self, *, max_waiting: int = MAX_WAITING_RUNS) -> None:
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._waiting = 0
        self._stopping = threading.Event()
        self._stop_by = math.inf

    def stop(self) -> None:
        """Keep nobody waiting any more. May be called in a signal handler: takes no lock."""
        self._stop_by = time.monotonic() + STOP_SECONDS
        self._stopping.set()

    def ask(self, by: float, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `function` on a database thread. Raises DatabaseSilentError at the monotonic instant `by`, or soon after
        a stop."""
        future = submit_to_database_thread(function, *args, **kwargs)
        while not wait([future], RETRY_SECONDS).done:
            if time.monotonic() >= min(by, self._stop_by):
                future.cancel()
                raise DatabaseSilentError
        return future.result()

    def store(self, taken: TakenRun, findings: Sequence[Finding], *, started: float, wall_us: int) -> Recorded | None:
        """Store the findings of a run that began at the monotonic instant `started`. None when they were not stored:
        somebody else has the run, or they wait in the spool, or are lost, which is logged.
        """
        spool = get_spool()
        lease_end = started + taken.limits.deadline_seconds + LEASE_MARGIN.total_seconds()
        is_waiting = False
        try:
            while True:
                try:
                    # Without a spool there is nothing better to do than to wait.
                    by = math.inf if spool is None else lease_end
                    return self._try(taken, findings, by=by, started=started, wall_us=wall_us)
                except (*DATABASE_AWAY, DatabaseError, DatabaseSilentError) as error:
                    # What it refuses may be taken a moment later, when what was done beside it is over.
                    extra = {"run": taken.run_id, "error": name_error(error)}
                is_waiting = is_waiting or self._may_wait(spool)
                if not is_waiting or self._stopping.is_set() or time.monotonic() >= lease_end:
                    _keep(spool, SpooledRun(taken, findings, wall_us), extra)
                    return None
                logger.warning("database away, results wait", extra=extra)
                self._stopping.wait(RETRY_SECONDS)
        finally:
            with self._lock:
                self._waiting -= is_waiting

    def _try(
        self, taken: TakenRun, findings: Sequence[Finding], *, by: float, started: float, wall_us: int
    ) -> Recorded | None:
        recorded = self.ask(by, _record, taken, findings, started=started, wall_us=wall_us)
        if (spool := get_spool()) is not None:
            spool.stir()
        return recorded

    def _may_wait(self, spool: Spool | None) -> bool:
        """Whether this run is one of those that are tried again; then it counts as one."""
        with self._lock:
            may = spool is None or self._waiting < self._max_waiting
            self._waiting += may
        return may


def _record(taken: TakenRun, findings: Sequence[Finding], *, started: float, wall_us: int) -> Recorded | None:
    # The instant of its turn: it may have waited long for a thread of the database.
    return record_run(taken, findings, now=find_later(taken.started_at, started), wall_us=wall_us)


def find_later(now: datetime, started: float) -> datetime:
    """Return the database's time now, by our monotonic clock since it was read."""
    return now + timedelta(seconds=time.monotonic() - started)


def _keep(spool: Spool | None, run: SpooledRun, extra: dict[str, object]) -> None:
    if spool is None:
        logger.error("database away, results of a run lost", extra=extra)
    else:
        logger.warning("database away, results of a run are spooled", extra=extra)
        spool.keep(run)
