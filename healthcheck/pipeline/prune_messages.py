"""Removes what the outbox has done with: old deliveries, what they carried, and what was never told.

Incidents stay, and with them what is queued of those that last.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import QuerySet

from healthcheck.models import Delivery, Notification, NotificationStatus, Trouble

# A year: who was told of what is asked when people look back on an incident.
MESSAGE_RETENTION = timedelta(days=365)
# What could not be told for so long, such as on a channel that its receiver refused, is of no use to anybody.
QUEUE_RETENTION = timedelta(days=7)


def prune_messages(repeat: Callable[[Callable[[int], int]], int], now: datetime) -> None:
    """Remove in batches; `repeat` calls what removes one until there is no more, or no time."""
    stale = Notification.objects.filter(status=NotificationStatus.QUEUED, due_at__lt=now - QUEUE_RETENTION)
    repeat(partial(_supersede, stale))
    cutoff = now - MESSAGE_RETENTION
    done = Notification.objects.filter(status__in=(NotificationStatus.SENT, NotificationStatus.SUPERSEDED))
    # What it carried first: without it nothing says any more what a notification was part of.
    repeat(partial(_remove, done.filter(due_at__lt=cutoff)))
    repeat(partial(_remove, Delivery.objects.filter(ended_at__lt=cutoff)))
    Trouble.objects.filter(over_at__lt=cutoff).delete()


def _supersede(rows: QuerySet[Notification], batch: int) -> int:
    ids = list(rows.order_by("due_at").values_list("pk", flat=True)[:batch])
    return Notification.objects.filter(pk__in=ids).update(status=NotificationStatus.SUPERSEDED) if ids else 0


def _remove(rows: QuerySet[Any], batch: int) -> int:
    ids = list(rows.values_list("pk", flat=True)[:batch])
    if not ids:
        return 0
    rows.model._default_manager.filter(pk__in=ids).delete()
    return len(ids)
