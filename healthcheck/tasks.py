"""The Celery tasks: wiring, no logic. Ids only travel; the database says what they mean."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from celery import shared_task, signals

from healthcheck.beat import Ticker
from healthcheck.conf import get_settings
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.alone import Alone
from healthcheck.pipeline.database import call_in_database_thread
from healthcheck.pipeline.deliver import deliver_next
from healthcheck.pipeline.outgoing import OutgoingHeartbeat
from healthcheck.pipeline.perform import Performer
from healthcheck.pipeline.prune import prune as prune_rows
from healthcheck.pipeline.pulse import PulseThread, Worker
from healthcheck.pipeline.replay import Replayer
from healthcheck.pipeline.roll_up import roll_up as roll_up_hours
from healthcheck.pipeline.watch import watch_scheduler
from healthcheck.publisher import DELIVER, PRUNE, PUBLISHER, ROLL_UP, RUN_GROUP, publish

__all__ = ["deliver", "prune", "publish", "roll_up", "run_group", "tick"]

# One of them ends before the next is asked for.
PRUNE_BUDGET_SECONDS = 45.0
ROLL_UP_BUDGET_SECONDS = 45.0
# Between two pieces it leaves the processor to the checks of its process for as long as a piece took.
ROLL_UP_REST_SHARE = 1.0


def watch_clock() -> None:
    """Look for a scheduler, and wake whoever tells that there is none."""
    PUBLISHER.publish_deliveries(watch_scheduler(read_database_clock()))


heartbeat = OutgoingHeartbeat()
performer = Performer(on_slot=heartbeat.count_slot)
ticker = Ticker()
pulse = PulseThread(on_beat=watch_clock)
replayer = Replayer()
# A worker that was away for hours finds many messages that ask for these.
pruning, rolling_up = Alone(), Alone()
# Celery's modules of the pools, by the names that people know them under.
POOL_NAMES = {"thread": "threads"}
# The pool whose processes perform runs in place of the one that we are told is ready.
PROCESSES = "prefork"


@shared_task(name=RUN_GROUP, ignore_result=True)
def run_group(run_id: int) -> None:
    """Perform one run, and wake whoever tells of it. Delivered twice, late or never: the row decides."""
    PUBLISHER.publish_deliveries(performer.perform(run_id))


@shared_task(name=DELIVER, ignore_result=True)
def deliver(channel_id: int) -> None:
    """Send a channel's next message. Delivered twice, late or never: the row decides."""
    deliver_next(channel_id, ask=call_in_database_thread)


@shared_task(name="healthcheck.tick", ignore_result=True)
def tick() -> None:
    """Tick once, for projects whose beat has a scheduler of its own."""
    ticker.step()


@shared_task(name=PRUNE, ignore_result=True)
def prune() -> None:
    """Remove raw rows by age, and what people deleted."""
    pruning.run(_prune)


@shared_task(name=ROLL_UP, ignore_result=True)
def roll_up() -> None:
    """Roll up the hours that are over, and those that have changed since."""
    rolling_up.run(_roll_up)


def _prune() -> None:
    retention = timedelta(days=get_settings().retention_days)
    prune_rows(read_database_clock(), retention=retention, budget_seconds=PRUNE_BUDGET_SECONDS)


def _roll_up() -> None:
    roll_up_hours(read_database_clock(), budget_seconds=ROLL_UP_BUDGET_SECONDS, rest_share=ROLL_UP_REST_SHARE)


@signals.worker_shutting_down.connect(weak=False, dispatch_uid="healthcheck.shutdown")
@signals.worker_process_shutdown.connect(weak=False, dispatch_uid="healthcheck.shutdown")
def stop_gathers(**_: Any) -> None:
    """Stopping takes seconds, not a group's deadline: gathers are cancelled and their runs closed."""
    performer.stop()
    replayer.stop()


@signals.worker_process_init.connect(weak=False, dispatch_uid="healthcheck.replay")
def start_replay(**_: Any) -> None:
    """In each process of a pool of processes."""
    replayer.start()


@signals.worker_ready.connect(weak=False, dispatch_uid="healthcheck.pulse")
def start_pulse(sender: Any, **_: Any) -> None:
    """Once the pool has its processes: a thread that is there before would be lost in them."""
    module = type(sender.pool).__module__.rpartition(".")[2]
    if module != PROCESSES:
        replayer.start()
    pulse.start(Worker(sender.hostname, pool=POOL_NAMES.get(module, module), concurrency=sender.pool.limit or 1))


@signals.worker_shutdown.connect(weak=False, dispatch_uid="healthcheck.pulse")
def stop_pulse(**_: Any) -> None:
    pulse.stop()
