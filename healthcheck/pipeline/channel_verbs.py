"""What people do with a channel: test it, let it be used again, have a message sent once more."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from healthcheck.engine.incidents import Event, Severity
from healthcheck.models import (
    ChannelState,
    Delivery,
    DeliveryStatus,
    Notification,
    NotificationChannel,
    NotificationStatus,
)
from healthcheck.pipeline.text import sanitise

MAX_TEXT_LENGTH = 500


def queue_test(channel_id: int, *, by: str, now: datetime) -> None:
    """Queue a message that says nothing but who asked for it. Raises ValidationError where it would never be sent."""
    sentence = _("%(name)s tests this channel.") % {"name": by}
    with transaction.atomic():
        _refuse_unused(channel_id)
        Notification.objects.create(
            channel_id=channel_id,
            event=Event.TEST,
            severity=Severity.NOTICE,
            text=sanitise(" ".join(sentence.split()), MAX_TEXT_LENGTH),
            queued_at=now,
            due_at=now,
        )


def enable_again(channel_id: int, now: datetime) -> bool:
    """Let a channel be used that its receiver had refused; False where it is in use. What waits is tried at once."""
    with transaction.atomic():
        refused = ChannelState.objects.filter(channel=channel_id, disabled_at__isnull=False)
        if not refused.update(disabled_at=None, failures=0, last_error=""):
            return False
        Delivery.objects.filter(channel=channel_id, status=DeliveryStatus.WAITING).update(next_try_at=now)
        return True


def send_again(delivery_id: uuid.UUID, now: datetime) -> Delivery:
    """Return a new delivery of the same message, under an id of its own, for a receiver that has lost it.

    Raises ValidationError where the channel is not used, or where a message to it is on its way.
    """
    try:
        with transaction.atomic():
            sent = Delivery.objects.filter(pk=delivery_id).first()
            if sent is None:
                raise ValidationError(_("It does not exist any more."))
            _refuse_unused(sent.channel_id)
            if sent.status == DeliveryStatus.WAITING:
                raise ValidationError(_("It is on its way."))
            new_id = uuid.uuid4()
            message = sent.message | {"id": str(new_id)}
            return Delivery.objects.create(
                id=new_id, channel_id=sent.channel_id, created_at=now, next_try_at=now, message=message
            )
    except IntegrityError:
        # One at a time goes to a channel; see `Delivery.Meta.constraints`.
        sentence = _("A message to this channel is on its way; send this one again once that has arrived.")
        raise ValidationError(sentence) from None


def delete_channels(channel_ids: Collection[int]) -> None:
    """Delete channels with all that was told on them, whatever is being told at this moment."""
    ids, queued = list(channel_ids), Notification.objects.filter(status=NotificationStatus.QUEUED)
    with transaction.atomic():
        # Held in the order in which whoever tells holds them: what is written meanwhile is waited for, and goes too.
        for rows in (
            ChannelState.objects.filter(pk__in=ids).order_by("pk"),
            queued.filter(channel__in=ids).order_by("due_at", "pk"),
            NotificationChannel.objects.filter(pk__in=ids).order_by("pk"),
        ):
            list(rows.select_for_update(of=("self",)).values_list("pk"))
        NotificationChannel.objects.filter(pk__in=ids).delete()


def _refuse_unused(channel_id: int) -> None:
    # Held, so that nobody deletes what the new row is about.
    channel = NotificationChannel.objects.select_for_update(no_key=True).filter(pk=channel_id).first()
    if channel is None or not channel.is_enabled:
        raise ValidationError(_("This channel is switched off; switch it on first."))
    if ChannelState.objects.filter(channel=channel_id, disabled_at__isnull=False).exists():
        raise ValidationError(_("Its receiver has refused this channel; mend it and enable it again first."))
