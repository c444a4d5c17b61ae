"""Wakes workers: sends ids to the broker, best effort. What does not arrive is published again from the database."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Sequence

from celery import current_app
from kombu import Connection, Producer
from kombu.exceptions import KombuError

from healthcheck.conf import get_settings

logger = logging.getLogger(__name__)

RUN_GROUP = "healthcheck.run_group"
PRUNE = "healthcheck.prune"
ROLL_UP = "healthcheck.roll_up"
DELIVER = "healthcheck.deliver"

# A clock that waits for a broker is late for everyone. The row is in the database, so nothing is lost by giving up.
PUBLISH_SECONDS = 0.5
# What is asked for every minute is of no use to a worker that was away for longer; far more than clocks differ.
UPKEEP_EXPIRES_SECONDS = 3600
_BOUNDS = {"socket_timeout": PUBLISH_SECONDS, "socket_connect_timeout": PUBLISH_SECONDS, "max_retries": 0}


class Publisher:
    """One connection to the broker, kept while it works. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._failures = 0

    def send(self, task: str, arguments: Sequence[Sequence[int]], *, expires: int | None = None) -> int:
        """Send one message per arguments; return how many were sent before the first failure, half a second later.

        What no worker has taken after `expires` seconds is dropped; None is kept for ever.
        """
        sent = 0
        if not arguments:
            return sent
        with self._lock:
            try:
                for args in arguments:
                    self._send_one(task, args, expires)
                    sent += 1
            except (KombuError, OSError) as error:
                self._note_failure(error)
                self._drop()
            else:
                self._note_success()
        return sent

    def publish_runs(self, run_ids: Sequence[int]) -> int:
        return self.send(RUN_GROUP, [(run_id,) for run_id in run_ids])

    def publish_deliveries(self, channel_ids: Iterable[int]) -> int:
        return self.send(DELIVER, [(channel_id,) for channel_id in sorted(channel_ids)])

    def publish_prune(self) -> bool:
        """Ask a worker to prune; False when the broker is away."""
        return self.send(PRUNE, [()], expires=UPKEEP_EXPIRES_SECONDS) == 1

    def publish_roll_up(self) -> bool:
        """Ask a worker to roll up; False when the broker is away."""
        return self.send(ROLL_UP, [()], expires=UPKEEP_EXPIRES_SECONDS) == 1

    def _send_one(self, task: str, args: Sequence[int], expires: int | None) -> None:
        if self._producer is None:
            self._connection = current_app.connection_for_write(
                connect_timeout=PUBLISH_SECONDS, transport_options=_BOUNDS
            )
            self._producer = Producer(self._connection, auto_declare=False)
        queue = get_settings().queue or None
        current_app.send_task(task, args, producer=self._producer, retry=False, queue=queue, expires=expires)

    def _note_failure(self, error: Exception) -> None:
        # Said once, not at each of the tries that follow, several in a second.
        if self._failures == 0:
            logger.warning("broker away", extra={"error": type(error).__name__})
        self._failures += 1

    def _note_success(self) -> None:
        if self._failures:
            logger.warning("broker back", extra={"failures": self._failures})
        self._failures = 0

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.release()
        self._connection = self._producer = None


PUBLISHER = Publisher()


def publish(run_ids: Sequence[int]) -> int:
    """Publish runs in order over the process's connection; return how many were sent, see `Publisher.send`."""
    return PUBLISHER.publish_runs(run_ids)
