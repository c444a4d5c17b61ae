"""Performs one run from end to end: load, gather, record. The three phases meet only here.

The database is touched on the database threads, probes run on the engine's loop, and the calling thread waits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError

from healthcheck.engine.loop import get_engine_loop
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import Outcome, State
from healthcheck.models import Reason
from healthcheck.pipeline.clock import read_database_clock
from healthcheck.pipeline.database import call_in_database_thread
from healthcheck.pipeline.dispatch import LEASE_MARGIN
from healthcheck.pipeline.execute import TakenRun, close_abandoned, take_run
from healthcheck.pipeline.record import Finding, Recorded, pair_findings, record_run

logger = logging.getLogger(__name__)
# One line per finished run, for people and for log processors alike.
run_logger = logging.getLogger("healthcheck.runs")

# Pauses between tries to store results while the database is away; the lease bounds them all.
RETRY_SECONDS = 0.5

DATABASE_AWAY = (OperationalError, InterfaceError)


class Gathers:
    """The gathers under way in this process, so that a shutdown can end them all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[Future[list[Outcome]]] = set()
        self._stopping = threading.Event()

    def run(self, taken: TakenRun, now: datetime) -> list[Outcome]:
        """Gather and wait. Raises CancelledError when the process is shutting down."""
        loop = get_engine_loop()
        with self._lock:
            if self._stopping.is_set():
                raise CancelledError
            future = loop.submit(probe_all(taken.targets, taken.limits, now=now, lag=loop.lag))
            self._under_way.add(future)
        try:
            return future.result()
        finally:
            with self._lock:
                self._under_way.discard(future)

    def stop(self) -> None:
        """Cancel what is under way and begin nothing more."""
        with self._lock:
            self._stopping.set()
            for future in self._under_way:
                future.cancel()

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def wait_until_stopping(self, seconds: float) -> None:
        self._stopping.wait(seconds)


gathers = Gathers()


def perform_run(run_id: int) -> None:
    """Take, gather and record a run. What cannot be taken is somebody else's, or over: nothing happens."""
    if gathers.is_stopping:
        # Not taken, so the sweeper publishes it to a worker that lives on.
        return
    try:
        taken = call_in_database_thread(_take, run_id)
    except DATABASE_AWAY as error:
        # Still queued in the database, whenever that comes back: the sweeper publishes it again.
        logger.warning("database away, run not taken", extra={"run": run_id, "error": type(error).__name__})
        return
    if taken is None:
        return
    started = time.monotonic()
    now = taken.started_at
    try:
        outcomes = gathers.run(taken, now)
    except CancelledError:
        call_in_database_thread(close_abandoned, taken, _later(now, started), reason=Reason.SHUTDOWN)
        logger.info("run abandoned at shutdown", extra={"run": run_id})
        return
    wall_us = round((time.monotonic() - started) * 1e6)
    findings = pair_findings(taken, outcomes, now)
    recorded = _record_within_lease(taken, findings, started=started, wall_us=wall_us)
    if recorded is not None:
        _log_run(taken, recorded)


def _take(run_id: int) -> TakenRun | None:
    return take_run(run_id, read_database_clock())


def _record_within_lease(
    taken: TakenRun, findings: Sequence[Finding], *, started: float, wall_us: int
) -> Recorded | None:
    now = taken.started_at
    give_up = started + taken.limits.deadline_seconds + LEASE_MARGIN.total_seconds()
    while True:
        try:
            return call_in_database_thread(record_run, taken, findings, now=_later(now, started), wall_us=wall_us)
        except DATABASE_AWAY as error:
            extra = {"run": taken.run_id, "error": type(error).__name__}
            if time.monotonic() >= give_up:
                logger.error("database away, results of a run lost", extra=extra)
                return None
            logger.warning("database away, results wait", extra=extra)
            gathers.wait_until_stopping(RETRY_SECONDS)


def _later(now: datetime, started: float) -> datetime:
    """Return the database's time now, by our monotonic clock since it was read."""
    return now + timedelta(seconds=time.monotonic() - started)


def _log_run(taken: TakenRun, recorded: Recorded) -> None:
    counts = recorded.counts
    run_logger.info(
        "%s: %s, %s; took %.2f s for %.2f s of checks",
        taken.group_name,
        "check now" if taken.late_ms is None else f"{taken.late_ms} ms late",
        ", ".join(f"{counts[state]} {state.word}" for state in (State.UP, State.DEGRADED, State.DOWN, State.UNKNOWN)),
        recorded.wall_us / 1e6,
        recorded.work_us / 1e6,
        extra={
            "run": taken.run_id,
            "group": taken.group_id,
            "late_ms": taken.late_ms,
            "wall_ms": recorded.wall_us // 1000,
            "work_ms": recorded.work_us // 1000,
            **{state.word: count for state, count in counts.items()},
        },
    )
