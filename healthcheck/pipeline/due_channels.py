"""Which channels have something to be sent, and when."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from healthcheck.models import (
    ChannelState,
    Delivery,
    DeliveryStatus,
    Notification,
    NotificationChannel,
    NotificationStatus,
)


def find_due_channels(now: datetime) -> list[tuple[int, bool]]:
    """Return the channels that somebody should deliver to now, and whether each is about ourselves. One statement."""
    waiting = Delivery.objects.filter(channel=OuterRef("pk"), status=DeliveryStatus.WAITING)
    is_held = Q(lease_until__gt=now)
    due = Notification.objects.filter(channel=OuterRef("pk"), status=NotificationStatus.QUEUED, due_at__lte=now)
    pauses = Q(standing__next_send_at__gt=now)
    to_try = Exists(waiting.filter(~is_held | Q(lease_until__isnull=True), next_try_at__lte=now))
    to_compose = ~pauses & ~Exists(waiting) & Exists(due)
    rows = _find_used().filter(to_try | to_compose)
    return list(rows.order_by("pk").values_list("pk", "is_about_ourselves"))


def find_next_visit(channel_id: int) -> datetime | None:
    """Return when there is next something to do for a channel; None where nothing waits, or it is not used."""
    if not _find_used().filter(pk=channel_id).exists():
        return None
    waiting = Delivery.objects.filter(channel=channel_id, status=DeliveryStatus.WAITING)
    times = waiting.values_list("next_try_at", "lease_until").first()
    if times is not None:
        return max(each for each in times if each is not None)
    queued = Notification.objects.filter(channel=channel_id, status=NotificationStatus.QUEUED).order_by("due_at")
    due_at = queued.values_list("due_at", flat=True).first()
    if due_at is None:
        return None
    state = ChannelState.objects.filter(pk=channel_id).first()
    return max(due_at, state.next_send_at) if state is not None and state.next_send_at is not None else due_at


def _find_used() -> QuerySet[NotificationChannel]:
    return NotificationChannel.objects.filter(is_enabled=True, standing__disabled_at__isnull=True)
