"""The clock of a deployment: as a scheduler class for `celery beat`, and for whoever else calls `Ticker.step`.

Any mix of them, alone or together, is right: the claims in the database decide.
"""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from celery.beat import Scheduler
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.database import name_error
from healthcheck.pipeline.maintain import realign_windows
from healthcheck.pipeline.messenger import Messenger
from healthcheck.pipeline.realign_outbox import realign_outbox
from healthcheck.pipeline.sweep import mark_published, realign_clocks
from healthcheck.pipeline.tick import sign_off, tick
from healthcheck.pipeline.watch import watch
from healthcheck.publisher import PUBLISHER, Publisher
from healthcheck.pulse import PulseFile

logger = logging.getLogger(__name__)

# The longest sleep between ticks: how late a group that a person has just saved may be, and the sweeper with it.
MAX_SLEEP_SECONDS = 1.0
# A database that is away is asked again after this, twice as long each time, up to the last.
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.5, 5.0
SWEEP_SECONDS = 1.0
# A channel that is still due was published to nobody, or is being delivered to.
FIRST_WAKE_SECONDS, LAST_WAKE_SECONDS = 5.0, 60.0
# How often it looks for troubles of the checker itself.
WATCH_SECONDS = 10.0
REALIGN_SECONDS = 60.0
PRUNE_SECONDS = 60.0
ROLL_UP_SECONDS = 60.0


class Ticker:
    """Ticks as one node. Holds nothing that matters: the database knows what is due."""

    def __init__(self, publisher: Publisher = PUBLISHER, *, pulse: PulseFile | None = None) -> None:
        self._publisher = publisher
        # For a process that is a clock and nothing else; a worker that is asked to tick has a pulse of its own.
        self._pulse = pulse
        # Containers share host names and process ids.
        self.node = f"{socket.gethostname()[:100]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._backoff = 0.0
        # Channels that are due since the last sweep: when each is published again, and the pause before that.
        self._woken: dict[int, tuple[float, float]] = {}
        self._messenger = Messenger()
        self._sweep_at = self._realign_at = self._prune_at = self._roll_up_at = self._watch_at = time.monotonic()

    def step(self) -> float:
        """Tick once and return the seconds to sleep. A database or broker that is away is logged, never raised."""
        try:
            wait = self._tick()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("database away, no tick", extra={"error": name_error(error)})
            # A connection that failed may look usable for ever; the next tick opens a new one.
            connection.close()
            self._messenger.note_away(time.monotonic())
            self._backoff = min(LAST_BACKOFF_SECONDS, max(FIRST_BACKOFF_SECONDS, self._backoff * 2))
            return self._backoff
        if self._pulse is not None:
            self._pulse.beat()
        return wait

    def stop(self) -> None:
        """Sign off, best effort: a database that is away takes this one for lost."""
        try:
            sign_off(self.node)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("database away, the scheduler leaves without a word", extra={"error": name_error(error)})
        connection.close()

    def _tick(self) -> float:
        close_old_connections()
        now = read_database_clock()
        started = time.monotonic()
        self._messenger.note_back(now, started)
        self._keep_house(now, started)
        # Each due slot is a tick; what is over, and our own pulse, need no more than one look a second.
        sweeps = started >= self._sweep_at
        if sweeps:
            self._sweep_at = started + SWEEP_SECONDS
        report = tick(now, node=self.node, sweeps=sweeps)
        sent = self._publisher.publish_runs(report.run_ids)
        mark_published(report.run_ids[:sent], now)
        if sweeps:
            self._wake_channels(report.channel_ids, started)
            self._messenger.deliver(report.own_channel_ids)
        self._backoff = 0.0
        if report.next_due_at is None:
            return MAX_SLEEP_SECONDS
        until_due = (report.next_due_at - now).total_seconds() - (time.monotonic() - started)
        return min(MAX_SLEEP_SECONDS, max(0.0, until_due))

    def _wake_channels(self, channel_ids: Sequence[int], started: float) -> None:
        """Publish what is due, and the same again after longer and longer: a day without workers leaves no mountain."""
        self._woken = {channel_id: self._woken.get(channel_id, (0.0, 0.0)) for channel_id in channel_ids}
        due = [channel_id for channel_id, (again_at, _pause) in self._woken.items() if started >= again_at]
        for channel_id in due[: self._publisher.publish_deliveries(due)]:
            pause = min(LAST_WAKE_SECONDS, max(FIRST_WAKE_SECONDS, self._woken[channel_id][1] * 2))
            self._woken[channel_id] = (started + pause, pause)

    def _keep_house(self, now: datetime, started: float) -> None:
        if started >= self._watch_at:
            self._watch_at = started + WATCH_SECONDS
            watch(now)
            self._messenger.remember()
        if started >= self._realign_at:
            self._realign_at = started + REALIGN_SECONDS
            realign_clocks(now)
            realign_windows(now)
            realign_outbox(now)
        if started >= self._prune_at and self._publisher.publish_prune():
            self._prune_at = started + PRUNE_SECONDS
        if started >= self._roll_up_at and self._publisher.publish_roll_up():
            self._roll_up_at = started + ROLL_UP_SECONDS


class DatabaseScheduler(Scheduler):
    """`celery -A project beat --scheduler healthcheck.beat:DatabaseScheduler`: static entries of the project go on."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.ticker = Ticker(pulse=PulseFile())
        super().__init__(*args, **kwargs)
        self.max_interval = int(MAX_SLEEP_SECONDS)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        # Ours first: what Celery publishes waits for the broker as long as the project's settings let it.
        wait = self.ticker.step()
        own_wait: float = super().tick(*args, **kwargs)
        return min(wait, own_wait)

    def close(self) -> None:
        super().close()
        self.ticker.stop()
