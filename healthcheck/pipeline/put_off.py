"""Puts off what asks people about an incident that somebody has snoozed, and asks them again once that is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from healthcheck.engine.incidents import Event
from healthcheck.models import Incident, Notification, NotificationStatus
from healthcheck.pipeline.bulk import insert_rows, update_rows
from healthcheck.pipeline.collapse import ASKING
from healthcheck.pipeline.notify import COLUMNS, hold_channels
from healthcheck.pipeline.policies import Policy, find_due, load_policies


def put_off(incident: Incident, until: datetime, now: datetime) -> None:
    """Let nothing that asks be due before `until`, at the hours of its policy. The caller holds the incident."""
    policies = load_policies()
    queued = Notification.objects.filter(incident=incident, status=NotificationStatus.QUEUED)
    # What waited for the end of an earlier snooze waits for that of this one, which may be sooner.
    early = queued.filter(Q(due_at__lt=until) | Q(due_at=incident.snoozed_until), event__in=ASKING)
    turns = [
        (pk, find_due(policies, policy_id, until))
        # In the order of whoever composes, who may hold one of them while this waits for it.
        for pk, policy_id in early.select_for_update().order_by("due_at", "pk").values_list("pk", "policy_id")
    ]
    if turns:
        update_rows(Notification, ("id", "due_at"), turns)
    if incident.acknowledged_at is None:
        _remind(incident, policies, until, now=now)


def _remind(incident: Incident, policies: Sequence[Policy], until: datetime, *, now: datetime) -> None:
    """Queue a reminder for each channel that was told and has none of a snooze; a policy's own go on besides."""
    of_incident = Notification.objects.filter(incident=incident)
    told = of_incident.filter(status=NotificationStatus.SENT, channel__is_enabled=True)
    waiting = of_incident.filter(status=NotificationStatus.QUEUED, event=Event.REMINDER, policy_id=None)
    has_one = set(waiting.values_list("channel_id", flat=True))
    turns: dict[int, datetime] = {}
    for channel_id, policy_id in told.order_by().values_list("channel_id", "policy_id").distinct():
        due_at = find_due(policies, policy_id, until)
        turns[channel_id] = min(due_at, turns.get(channel_id, due_at))
    existing = hold_channels(turns.keys() - has_one)
    rows = [
        (channel_id, incident.pk, None, None, Event.REMINDER, incident.severity, "", NotificationStatus.QUEUED, now, at)
        for channel_id, at in turns.items()
        if channel_id in existing
    ]
    if rows:
        insert_rows(Notification, COLUMNS, rows)
