"""The outbox: what is to be told, written in the transaction in which it became true, and each sending of it.

A notification says one thing to one channel. A delivery is one message to one channel and carries every notification
that was due by then; what it says is frozen before it is sent, so that a second try says the same under the same id.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from healthcheck.engine.incidents import Event
from healthcheck.models.channel import NotificationChannel
from healthcheck.models.incident import Incident
from healthcheck.models.policy import SEVERITY_CHOICES
from healthcheck.models.trouble import MAX_NAME_LENGTH

EVENT_CHOICES = [
    (Event.OPENED.value, _("opened")),
    (Event.GREW.value, _("grew")),
    (Event.ESCALATED.value, _("escalated")),
    (Event.REMINDER.value, _("reminder")),
    (Event.UPDATED.value, _("updated")),
    (Event.ACKNOWLEDGED.value, _("acknowledged")),
    (Event.RESOLVED.value, _("resolved")),
    (Event.TEST.value, _("test")),
    (Event.TROUBLE.value, _("trouble of the checker")),
    (Event.TROUBLE_OVER.value, _("trouble of the checker is over")),
]


class DeliveryStatus(models.IntegerChoices):
    WAITING = 1, _("waiting")
    DELIVERED = 2, _("delivered")
    # Refused for good, or tried until it was of no use to anybody.
    FAILED = 3, _("failed")


class Delivery(models.Model):
    # The idempotency id: the same in every try.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    channel = models.ForeignKey(
        NotificationChannel, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    status = models.PositiveSmallIntegerField(choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING)
    created_at = models.DateTimeField()
    # The message as it is sent: `notifiers.message.Message`.
    message = models.JSONField()
    # The next try, not before; whoever tries holds it until the lease ends, and writes with the token alone.
    next_try_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    token = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveIntegerField(default=0)
    # What the receiver last said, in one sentence: capped, cleaned of secrets and of what moves a cursor.
    answer = models.CharField(max_length=500, default="", blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            # One message at a time goes to a channel: they arrive in order, and two processes make one of the same.
            models.UniqueConstraint(
                fields=["channel"], condition=Q(status=DeliveryStatus.WAITING), name="hc_delivery_waiting"
            ),
        ]
        indexes = [
            # Read by each sweep: what is to be tried.
            models.Index(fields=["status", "next_try_at"], name="hc_delivery_due"),
            # Read by the history of a channel.
            models.Index(fields=["channel", "created_at"], name="hc_delivery_channel"),
            # Read by the pruner.
            models.Index(fields=["ended_at"], name="hc_delivery_ended"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class NotificationStatus(models.IntegerChoices):
    QUEUED = 1, _("queued")
    # Part of a delivery, which says the rest.
    SENT = 2, _("sent")
    # Not true or not of use any more when its turn came.
    SUPERSEDED = 3, _("superseded")


class Notification(models.Model):
    channel = models.ForeignKey(
        NotificationChannel, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, null=True, related_name="notifications", db_index=False
    )
    # Why this channel is told: the policy and its step, None where a person asked for it. Outlives both.
    policy_id = models.IntegerField(null=True)
    step_id = models.IntegerField(null=True)
    # Which trouble of the checker it is about; empty in others. See `models.trouble`.
    trouble = models.CharField(max_length=MAX_NAME_LENGTH, default="", db_default="", blank=True)
    event = models.PositiveSmallIntegerField(choices=EVENT_CHOICES)
    severity = models.PositiveSmallIntegerField(choices=SEVERITY_CHOICES)
    # What it says where it concerns no incident, or where people said it: one line.
    text = models.CharField(max_length=500, default="", blank=True)
    status = models.PositiveSmallIntegerField(choices=NotificationStatus.choices, default=NotificationStatus.QUEUED)
    queued_at = models.DateTimeField()
    # Not before: a step, a reminder, the beginning of a policy's hours.
    due_at = models.DateTimeField()
    delivery = models.ForeignKey(
        Delivery, on_delete=models.SET_NULL, null=True, related_name="notifications", db_index=False
    )

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        indexes = [
            # Read by each sweep: channels with something due. Not partial, for SQLite's sake; see CheckRun.
            models.Index(fields=["status", "due_at"], name="hc_notification_due"),
            # Read when a message is composed, and when a channel is deleted.
            models.Index(fields=["channel", "status", "due_at"], name="hc_notification_channel"),
            # Read by an incident's timeline, and when it is acknowledged or ends: what is queued of it.
            models.Index(fields=["incident", "status"], name="hc_notification_incident"),
            # Read by the page of a delivery, and by the pruner.
            models.Index(fields=["delivery"], name="hc_notification_delivery"),
        ]

    def __str__(self) -> str:
        return f"{Event(self.event).word} to channel {self.channel_id}"
