"""Brings back what the outbox waits for when the database's clock has been set back: nobody is told an hour late."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Q

from healthcheck.models import (
    ChannelState,
    Delivery,
    DeliveryStatus,
    Incident,
    IncidentUpdateKind,
    Notification,
    NotificationStatus,
    Trouble,
)
from healthcheck.pipeline.bulk import update_rows
from healthcheck.pipeline.collapse import ASKING
from healthcheck.pipeline.deliver import LEASE, MAX_ASKED_SECONDS
from healthcheck.pipeline.sweep import FUTURE

# Rows of one look: bounds its time; the next follows within a minute.
REALIGN_BATCH = 1000
_LONGEST = timedelta(seconds=MAX_ASKED_SECONDS)


def realign_outbox(now: datetime) -> None:
    """Let what was written in a future that is not to be wait from now on. Five statements where there is none."""
    _realign_notifications(now)
    _realign_snoozes(now)
    _realign_deliveries(now)
    _realign_channels(now)
    Trouble.objects.filter(over_at__isnull=True, since__gt=now + FUTURE).update(since=now)


def _realign_notifications(now: datetime) -> None:
    """Keep what lies between the writing and the turn of each, such as the minutes of a step."""
    ahead = Notification.objects.filter(status=NotificationStatus.QUEUED, due_at__gt=now, queued_at__gt=now + FUTURE)
    found = ahead.order_by("pk").values_list("pk", "queued_at", "due_at")[:REALIGN_BATCH]
    rows = [(pk, now, max(now, now + (due_at - queued_at))) for pk, queued_at, due_at in found]
    if rows:
        update_rows(Notification, ("id", "queued_at", "due_at"), rows)


def _realign_snoozes(now: datetime) -> None:
    """Let a snooze last for as long as somebody has said."""
    said = {"updates__kind": IncidentUpdateKind.SNOOZED, "updates__at__gt": now + FUTURE}
    astray = Incident.objects.open().filter(**said, snoozed_until__gt=F("updates__at")).order_by("updates__at")
    rows = astray.values_list("pk", "snoozed_until", "updates__at")[:REALIGN_BATCH]
    found = {pk: (until, at) for pk, until, at in rows if until is not None}
    for pk, (until, at) in found.items():
        again_at = now + (until - at)
        Incident.objects.filter(pk=pk, snoozed_until=until).update(snoozed_until=again_at)
        put_off = Notification.objects.filter(incident=pk, status=NotificationStatus.QUEUED, event__in=ASKING)
        put_off.filter(due_at=until).update(due_at=again_at)


def _realign_deliveries(now: datetime) -> None:
    is_ahead = Q(created_at__gt=now + FUTURE) | Q(next_try_at__gt=now + _LONGEST) | Q(lease_until__gt=now + LEASE)
    waiting = Delivery.objects.filter(is_ahead, status=DeliveryStatus.WAITING).order_by("pk")
    rows = [
        # Whoever holds it may be sending it at this moment.
        (pk, min(created_at, now), now, lease_until and min(lease_until, now + LEASE))
        for pk, created_at, lease_until in waiting.values_list("pk", "created_at", "lease_until")[:REALIGN_BATCH]
    ]
    for pk, created_at, next_try_at, lease_until in rows:
        columns = {"created_at": created_at, "next_try_at": next_try_at, "lease_until": lease_until}
        Delivery.objects.filter(pk=pk, status=DeliveryStatus.WAITING).update(**columns)


def _realign_channels(now: datetime) -> None:
    ahead = ChannelState.objects.filter(next_send_at__gt=now + FUTURE).order_by("pk")
    columns = ("pk", "next_send_at", "failures", "channel__pause_seconds")
    for pk, next_send_at, failures, pause_seconds in ahead.values_list(*columns)[:REALIGN_BATCH]:
        # After a try that failed it waits for as long as its receiver asked for.
        longest = _LONGEST if failures else timedelta(seconds=pause_seconds)
        if next_send_at > now + longest:
            ChannelState.objects.filter(pk=pk, next_send_at=next_send_at).update(next_send_at=now)
