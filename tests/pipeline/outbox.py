"""What the tests of the outbox share: a channel to a real receiver, and time that passes without waiting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from healthcheck.engine.incidents import Event, Happening, Severity
from healthcheck.models import Endpoint, Incident, NotificationChannel
from healthcheck.pipeline.deliver import deliver
from healthcheck.pipeline.due_channels import find_due_channels
from healthcheck.pipeline.notify import queue_notifications
from tests.factories import make_channel
from tests.notifiers.receiver import Receiver


def make_webhook(receiver: Receiver, name: str = "team", **columns: Any) -> NotificationChannel:
    return make_channel(name, "webhook", details={"url": receiver.url}, **columns)


def open_incident(incident: Incident, *endpoints: Endpoint, now: datetime) -> frozenset[int]:
    return tell(Event.OPENED, incident, *endpoints, now=now)


def tell(event: Event, incident: Incident, *endpoints: Endpoint, now: datetime) -> frozenset[int]:
    ids = tuple(each.pk for each in endpoints)
    return queue_notifications([Happening(event, incident.pk, Severity(incident.severity), ids)], now)


def resolve(incident: Incident, *, now: datetime) -> None:
    """End an incident as the pipeline does, and say so."""
    incident.resolved_at, incident.open_count = now, 0
    incident.save()
    incident.members.update(left_at=now)
    tell(Event.RESOLVED, incident, now=now)


def pass_time(start: datetime, minutes: float, *, step_seconds: float = 1) -> datetime:
    """Let schedulers find and workers deliver what is due, second after second; return when it ended."""
    now, end = start, start + timedelta(minutes=minutes)
    while now <= end:
        for channel_id, _is_about_ourselves in find_due_channels(now):
            deliver(channel_id, now)
        now += timedelta(seconds=step_seconds)
    return now


def read_items(receiver: Receiver) -> list[list[tuple[str, str]]]:
    """Return event and title of what each message lists."""
    return [[(item["event"], item["title"]) for item in told.document["data"]["items"]] for told in receiver.told]
