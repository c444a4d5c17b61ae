"""Performs one run from end to end: load, gather, record. The three phases meet only here.

The database is touched on the database threads, probes run on the engine's loop, and the calling thread waits.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future

from healthcheck.engine.loop import get_engine_loop
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import Outcome, State, Target
from healthcheck.models import Trigger
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.database import DATABASE_AWAY, name_error
from healthcheck.pipeline.dispatch import LEASE_MARGIN
from healthcheck.pipeline.execute import TakenRun, give_up_run, take_run
from healthcheck.pipeline.judge import judge_targets, merge_outcomes
from healthcheck.pipeline.record import Recorded, pair_findings
from healthcheck.pipeline.storing import DatabaseSilentError, Storer, find_later

logger = logging.getLogger(__name__)
# One line per finished run, for people and for log processors alike.
run_logger = logging.getLogger("healthcheck.runs")

OnOutcome = Callable[[int, Outcome], None]


class Performer:
    """Performs the runs of a process, and ends them all when it is told to stop."""

    def __init__(self, *, on_slot: Callable[[], None] | None = None) -> None:
        # Called after each slot whose results are stored: it must neither block nor raise.
        self._on_slot = on_slot
        self._lock = threading.Lock()
        self._under_way: set[Future[list[Outcome]]] = set()
        self._stopping = threading.Event()
        self._storer = Storer()

    def perform(self, run_id: int, on_outcome: OnOutcome | None = None) -> frozenset[int]:
        """Take, gather and record a run; return the channels that have something to tell of it.

        What cannot be taken is somebody else's, or over: nothing happens.

        `on_outcome` is called with an endpoint's id and outcome as soon as there is one, on the engine's loop where it
        was probed: it must neither block nor raise.
        """
        if self._stopping.is_set():
            # Not taken, so the sweeper publishes it to a worker that lives on.
            return frozenset()
        try:
            taken = self._storer.ask(math.inf, _take, run_id)
        except (*DATABASE_AWAY, DatabaseSilentError) as error:
            # Still queued in the database, whenever that comes back: the sweeper publishes it again.
            logger.warning("database away, run not taken", extra={"run": run_id, "error": name_error(error)})
            return frozenset()
        recorded = self._gather_and_record(taken, on_outcome) if taken is not None else None
        return recorded.channel_ids if recorded is not None else frozenset()

    def stop(self) -> None:
        """Cancel what is under way and begin nothing more."""
        # Set before the lock is taken: this may run in a signal handler that has interrupted the lock's holder.
        self._stopping.set()
        self._storer.stop()
        for future in tuple(self._under_way):
            future.cancel()

    def _gather_and_record(self, taken: TakenRun, on_outcome: OnOutcome | None) -> Recorded | None:
        started = time.monotonic()
        try:
            outcomes = self._gather(taken, on_outcome)
        except CancelledError:
            self._abandon(taken, started)
            return None
        except TimeoutError:
            logger.error("gather did not end, left to the sweeper", extra={"run": taken.run_id})
            return None
        wall_us = round((time.monotonic() - started) * 1e6)
        findings = pair_findings(taken, outcomes, taken.started_at)
        recorded = self._storer.store(taken, findings, started=started, wall_us=wall_us)
        if recorded is not None:
            _log_run(taken, recorded)
            if self._on_slot is not None and taken.trigger == Trigger.SCHEDULED:
                self._on_slot()
        return recorded

    def _gather(self, taken: TakenRun, on_outcome: OnOutcome | None) -> list[Outcome]:
        loop = get_engine_loop()
        judged = judge_targets(taken.targets, taken.facts, taken.started_at)
        probed = [target for place, target in enumerate(taken.targets) if place not in judged]
        if on_outcome is not None:
            for place, outcome in judged.items():
                on_outcome(taken.targets[place].endpoint_id, outcome)
        tell = _name_endpoint(probed, on_outcome) if on_outcome is not None else None
        gather = probe_all(probed, taken.limits, now=taken.started_at, lag=loop.lag, on_outcome=tell)
        future = loop.submit(gather)
        with self._lock:
            self._under_way.add(future)
        if self._stopping.is_set():
            # The stop may have come before the future was among those that it cancels.
            future.cancel()
        try:
            answered = future.result(taken.limits.deadline_seconds + LEASE_MARGIN.total_seconds())
        except TimeoutError:
            # The gather keeps its own deadline; one that does not has a defect, and must not hold this thread for ever.
            future.cancel()
            raise
        finally:
            with self._lock:
                self._under_way.discard(future)
        return merge_outcomes(judged, answered)

    def _abandon(self, taken: TakenRun, started: float) -> None:
        now = find_later(taken.started_at, started)
        try:
            self._storer.ask(math.inf, give_up_run, taken, now)
        except (*DATABASE_AWAY, DatabaseSilentError) as error:
            # The sweeper closes it when its lease ends.
            logger.warning("database away at shutdown", extra={"run": taken.run_id, "error": name_error(error)})
        else:
            logger.info("run given up at shutdown", extra={"run": taken.run_id})


def _name_endpoint(targets: Sequence[Target], on_outcome: OnOutcome) -> OnOutcome:
    """Turn a target's place, which is what the engine tells, into its endpoint's id."""
    return lambda place, outcome: on_outcome(targets[place].endpoint_id, outcome)


def _take(run_id: int) -> TakenRun | None:
    return take_run(run_id, read_database_clock())


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
