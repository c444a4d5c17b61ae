"""Watches the checker itself: each trouble is told once, on the channels that are for it, and so is its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction

from healthcheck.engine.incidents import Event, Severity
from healthcheck.models import Notification, NotificationChannel, Trouble
from healthcheck.pipeline.due_channels import find_due_channels
from healthcheck.pipeline.notify import hold_channels
from healthcheck.pipeline.troubles import Found, find_late_scheduler, find_troubles

# What is over within this is told to nobody: a restart of our own takes moments.
TOLD_AFTER = timedelta(seconds=30)
SCHEDULER = "scheduler"


def watch(now: datetime) -> frozenset[int]:
    """Look at everything, as a scheduler does; return the channels that have something due."""
    return _note(find_troubles(now), now)


def watch_scheduler(now: datetime) -> frozenset[int]:
    """Look for a scheduler, as a worker does: nobody who is late can tell so himself. One statement while there is."""
    found = find_late_scheduler(now)
    if not found:
        return frozenset()
    # Nobody sweeps: what has to be tried again is found here.
    return _note(found, now, among={SCHEDULER}) | {pk for pk, is_own in find_due_channels(now) if is_own}


def _note(found: Iterable[Found], now: datetime, *, among: Collection[str] | None = None) -> frozenset[int]:
    by_name = {each.name: each for each in found}
    channel_ids: set[int] = set()
    with transaction.atomic():
        rows = {
            row.name: row for row in Trouble.objects.select_for_update().filter(over_at__isnull=True).order_by("name")
        }
        for name, each in by_name.items():
            if name not in rows:
                _begin(each, now)
            elif rows[name].told_at is None and rows[name].since <= now - TOLD_AFTER:
                Trouble.objects.filter(pk=name).update(told_at=now, sentence=each.sentence)
                channel_ids |= _queue(Event.TROUBLE, name, each.sentence, now)
        for name, row in rows.items():
            if name in by_name or (among is not None and name not in among):
                continue
            Trouble.objects.filter(pk=name).update(over_at=now)
            if row.told_at is not None:
                channel_ids |= _queue(Event.TROUBLE_OVER, name, row.sentence, now)
    return frozenset(channel_ids)


def _begin(found: Found, now: datetime) -> None:
    # One that was over begins anew; whoever else sees it begin writes the same.
    Trouble.objects.update_or_create(
        name=found.name, defaults={"sentence": found.sentence, "since": now, "over_at": None, "told_at": None}
    )


def _queue(event: Event, name: str, sentence: str, now: datetime) -> set[int]:
    """Queue it for the channels that are for it; what is wrong with one of them is said on the others."""
    own = NotificationChannel.objects.filter(is_enabled=True, is_about_ourselves=True)
    ids = sorted(hold_channels([pk for pk in own.values_list("pk", flat=True) if name != f"channel {pk}"]))
    severity = Severity.NOTICE if event is Event.TROUBLE_OVER else Severity.DOWN
    Notification.objects.bulk_create(
        Notification(
            channel_id=pk, event=event, severity=severity, text=sentence, trouble=name, queued_at=now, due_at=now
        )
        for pk in ids
    )
    return set(ids)
