"""Tells of the checker's own troubles from a scheduler, which needs neither worker nor broker for it.

On a thread of its own: the clock waits for no receiver. Of a database that is away it tells past the database, from
what it remembers.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import connection, transaction

from healthcheck.engine.incidents import Event, Severity
from healthcheck.models import Notification, NotificationChannel, Trouble
from healthcheck.notifiers.contract import Verdict
from healthcheck.notifiers.message import Item, Message
from healthcheck.pipeline.deliver import deliver_next, send_message
from healthcheck.pipeline.notify import hold_channels

logger = logging.getLogger(__name__)

# A database that is away for less is a restart.
DATABASE_AFTER_SECONDS = 30.0
# A channel that did not take it is tried again after this.
AGAIN_SECONDS = 30.0
DATABASE = "database"
_SENTENCE = "The database cannot be reached: nothing is checked, and nothing else is told meanwhile."


class Messenger:
    """Of one scheduler. What it remembers is as old as its last look."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._own: tuple[NotificationChannel, ...] = ()
        self._told: set[int] = set()
        # Somebody is being told at this moment that the database is away.
        self._is_telling = False
        self._away_since: float | None = None
        self._again_at = 0.0

    def deliver(self, channel_ids: Iterable[int]) -> None:
        """Deliver to these, unless it is still busy with the last ones: then the next sweep says so again."""
        ids = tuple(channel_ids)
        if ids:
            self._begin(partial(_deliver_all, ids))

    def remember(self) -> None:
        """Remember whom to tell when the database is away. One statement."""
        own = NotificationChannel.objects.filter(is_enabled=True, is_about_ourselves=True)
        self._own = tuple(own.filter(standing__disabled_at__isnull=True).order_by("pk"))

    def note_away(self, at: float) -> None:
        """Note that the database is away at the monotonic instant, and tell of it once it has been so for too long."""
        self._away_since = at if self._away_since is None else self._away_since
        away_seconds = at - self._away_since
        untold = tuple(channel for channel in self._own if channel.pk not in self._told)
        if away_seconds < DATABASE_AFTER_SECONDS or at < self._again_at or not untold:
            return
        if self._is_busy():
            return
        self._again_at, self._is_telling = at + AGAIN_SECONDS, True
        since = datetime.now(UTC) - timedelta(seconds=away_seconds)
        self._begin(partial(self._tell_all, untold, since))

    def note_back(self, now: datetime, at: float) -> None:
        """Note that the database is there, and queue for whom was told that it was away that it is over.

        Whoever is being told at this moment is to hear of the end as well: then a later call says it.
        """
        if self._away_since is None or self._is_telling:
            return
        if told := sorted(self._told):
            _queue_end(told, now - timedelta(seconds=at - self._away_since), now)
        self._away_since, self._told = None, set()

    def wait(self) -> None:
        """Wait for what it is busy with; bounded by the time that one try may take."""
        if self._thread is not None:
            self._thread.join()

    def _is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _begin(self, work: Callable[[], None]) -> None:
        if self._is_busy():
            return
        self._thread = threading.Thread(target=work, name="healthcheck-messenger", daemon=True)
        self._thread.start()

    def _tell_all(self, channels: Iterable[NotificationChannel], since: datetime) -> None:
        try:
            for channel in channels:
                self._tell(channel, since)
        finally:
            self._is_telling = False

    def _tell(self, channel: NotificationChannel, since: datetime) -> None:
        item = Item(Event.TROUBLE, Severity.DOWN, f"healthcheck-{DATABASE}", _SENTENCE, started_at=since)
        answer = send_message(channel, Message(str(uuid.uuid4()), (item,), datetime.now(UTC)))
        if answer.verdict is Verdict.SENT:
            self._told.add(channel.pk)
        else:
            logger.warning("nobody told of the database", extra={"channel": channel.pk, "answer": answer.sentence})


def _deliver_all(channel_ids: Iterable[int]) -> None:
    try:
        for channel_id in channel_ids:
            deliver_next(channel_id)
    finally:
        connection.close()


def _queue_end(channel_ids: Collection[int], since: datetime, now: datetime) -> None:
    with transaction.atomic():
        times = {"since": since, "told_at": since, "over_at": now}
        Trouble.objects.update_or_create(name=DATABASE, defaults={"sentence": _SENTENCE, **times})
        Notification.objects.bulk_create(
            Notification(
                channel_id=channel_id,
                event=Event.TROUBLE_OVER,
                severity=Severity.NOTICE,
                text=_SENTENCE,
                trouble=DATABASE,
                queued_at=now,
                due_at=now,
            )
            for channel_id in sorted(hold_channels(channel_ids))
        )
