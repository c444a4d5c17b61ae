"""Guarantees that every slot ends in one named state, and that evidence is believed no longer than it holds.

This is the recovery; what the broker redelivers is a bonus.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q

from healthcheck.engine.schedule import IntervalSchedule
from healthcheck.engine.types import ConfigurationError, State
from healthcheck.models import CheckRun, EndpointGroup, EndpointState, Reason, RunStatus, Tick, WorkerPulse
from healthcheck.pipeline.advance import StateChange, expire_state
from healthcheck.pipeline.dispatch import MAX_TAKES, close_untaken
from healthcheck.pipeline.marks import STALLED_AFTER
from healthcheck.pipeline.record import mark_changes, store_transitions

# A published run that nobody took within this is published again: the message may be lost. Twice is harmless. The
# pause grows with the run's age up to the last, so that a day without workers leaves no mountain of messages.
UNSENT_AFTER = timedelta(seconds=1)
REPUBLISH_AFTER, REPUBLISH_AFTER_LAST = timedelta(seconds=5), timedelta(seconds=60)
# An instant further ahead than this was written by a clock that has been set back since.
FUTURE = timedelta(minutes=1)
# Rows handled by one sweep: bounds its time; the next sweep follows within a second.
SWEEP_BATCH = 1000


def sweep_runs(now: datetime) -> list[int]:
    """Close what is over and return the ids of runs to publish again."""
    close_untaken(CheckRun.objects.all(), now)
    _close_lost(now)
    _requeue_lost(now)
    return _find_unpublished(now)


def mark_published(run_ids: Sequence[int], now: datetime) -> None:
    """Note that the broker took these runs. The others are returned by the next sweep."""
    if run_ids:
        CheckRun.objects.filter(pk__in=run_ids, status=RunStatus.QUEUED).update(published_at=now)


def expire_evidence(now: datetime, *, clock: Callable[[], float] = time.monotonic) -> int:
    """Turn states whose evidence has expired into unknown, as of the instant it expired. Returns how many."""
    began = clock()
    with transaction.atomic():
        rows = EndpointState.objects.filter(valid_until__lte=now).exclude(state=State.UNKNOWN)
        if connection.features.has_select_for_update:
            # What a run is recording at this moment is being renewed, and waiting for it could deadlock with that run.
            # A row that is passed over now is looked at again within a second.
            rows = rows.select_for_update(of=("self",), skip_locked=True)
        expired = list(rows.order_by("endpoint_id", "location_id")[:SWEEP_BATCH])
        changes: dict[int, list[StateChange]] = {}
        for row in expired:
            change = expire_state(row, now)
            if change is not None:
                changes.setdefault(row.location_id, []).append(change)
        EndpointState.objects.bulk_update(expired, ["state", "since"], batch_size=100)
        for location_id, changed in changes.items():
            store_transitions(location_id, changed, now=now)
    stalled = timedelta(seconds=clock() - began)
    if stalled >= STALLED_AFTER:
        for location_id, changed in changes.items():
            mark_changes(location_id, changed, now + stalled)
    return len(expired)


def realign_clocks(now: datetime) -> int:
    """Bring back clocks that stand further ahead than their schedule: the database's clock went back, or a person
    changed the schedule past the forms. Returns how many.
    """
    ahead = EndpointGroup.objects.existing().filter(is_paused=False, next_run_at__gt=now)
    astray = [group for group in ahead if _is_astray(group, now)]
    for group in astray:
        EndpointGroup.objects.filter(pk=group.pk, next_run_at=group.next_run_at).update(next_run_at=now)
    # What was seen in a future that is not to be says nothing about now.
    future = now + FUTURE
    EndpointState.objects.filter(evidence_at__gt=future, valid_until__gt=now).update(valid_until=now)
    Tick.objects.filter(at__gt=future).delete()
    WorkerPulse.objects.filter(at__gt=future).delete()
    return len(astray)


def _close_lost(now: datetime) -> None:
    lost = CheckRun.objects.filter(status=RunStatus.RUNNING, lease_until__lt=now)
    hopeless = lost.filter(open_until__lte=now) | lost.filter(token__gte=MAX_TAKES)
    hopeless.update(status=RunStatus.ABANDONED, reason=Reason.LEASE, finished_at=now)


def _requeue_lost(now: datetime) -> None:
    lost = CheckRun.objects.filter(status=RunStatus.RUNNING, lease_until__lt=now, open_until__gt=now)
    lost.update(status=RunStatus.QUEUED, published_at=None)


def _find_unpublished(now: datetime) -> list[int]:
    # A claim that is a moment old is being published by whoever made it.
    unsent = Q(published_at__isnull=True, scheduled_for__lte=now - UNSENT_AFTER)
    due = unsent | Q(published_at__lte=now - REPUBLISH_AFTER)
    silent = CheckRun.objects.filter(due, status=RunStatus.QUEUED, open_until__gt=now).order_by("id")
    rows = silent.values_list("pk", "scheduled_for", "published_at")[:SWEEP_BATCH]
    return [pk for pk, slot, published_at in rows if published_at is None or _is_silent(slot, published_at, now)]


def _is_silent(slot: datetime, published_at: datetime, now: datetime) -> bool:
    pause = min(REPUBLISH_AFTER_LAST, max(REPUBLISH_AFTER, published_at - slot))
    return now - published_at >= pause


def _is_astray(group: EndpointGroup, now: datetime) -> bool:
    try:
        schedule = group.schedule
        if isinstance(schedule, IntervalSchedule):
            # A new group's first slot may lie up to its deadline and an interval away; nothing lies further.
            return group.next_run_at > now + group.deadline + schedule.interval
        return group.next_run_at > schedule.slot_after(now)
    except ConfigurationError:
        return False
