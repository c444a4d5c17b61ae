"""Removes raw rows and rollups per hour by age, and what people deleted. In small timed batches: no check waits for it.

Raw rows stay until their hour is rolled up, however old they are. Transitions, and rollups per day, stay as long as
their endpoint: they are the source of uptime.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Min, Model, OuterRef, Q, QuerySet, Subquery

from healthcheck.models import (
    CheckRun,
    Correction,
    Endpoint,
    EndpointGroup,
    Heartbeat,
    HeartbeatToken,
    ImportFile,
    IncidentMember,
    MaintenanceSpan,
    Rollup,
    RollupMark,
    RollupProgress,
    Signal,
    Tick,
    Transition,
    UptimeStrip,
    WorkerPulse,
)
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.pace import Pace
from healthcheck.pipeline.prune_deploys import prune_deploys
from healthcheck.pipeline.prune_messages import prune_messages
from healthcheck.pipeline.prune_raw import prune_results, prune_runs
from healthcheck.pipeline.retention import read_retention
from healthcheck.pipeline.rollup_sources import read_hour_start
from healthcheck.pipeline.statements import DELETE_OLD_HOURS, DELETE_ROLLUPS, change

# Rows of one statement: a millisecond or two, the longest that a check may have to wait for a lock on SQLite.
BATCH = 250
# After a batch, processors and locks are for the checks: rows have two weeks to go, and a check has a second. What is
# left is some four thousand rows a second.
REST_SHARE = 7.0
# What was deleted stays for so long, more than any lease: a run that loaded it before may still be storing its results,
# and rows that arrive after their endpoint is gone are found by nobody.
DELETED_GRACE = timedelta(minutes=15)
# A scheduler or worker process that has been silent for so long is gone.
PULSE_RETENTION = timedelta(days=1)
# A file whose preview nobody confirmed by then is forgotten.
IMPORT_RETENTION = timedelta(days=1)
# What goes with its endpoint: before its row, and after it, when nobody can write any more.
_HISTORY: tuple[type[Model], ...] = (Transition, MaintenanceSpan, IncidentMember)
_ROLLED_UP: tuple[type[Model], ...] = (Rollup, RollupMark, UptimeStrip)


@dataclass(slots=True)
class Pruned:
    """Rows removed; `hours` are rollups by age. `is_complete` is False when the time was over first: it is to go on."""

    results: int = 0
    runs: int = 0
    endpoints: int = 0
    groups: int = 0
    hours: int = 0
    is_complete: bool = True


def prune(
    now: datetime,
    *,
    retention: timedelta,
    budget_seconds: float,
    batch: int = BATCH,
    rest_share: float = REST_SHARE,
) -> Pruned:
    """Remove raw rows older than `retention`, or than their group says, and what was deleted with all its rows.

    After each batch it rests for `rest_share` times as long as that took.
    """
    pace = Pace(budget_seconds, batch=batch, rest_share=rest_share)
    pruned = Pruned()
    _prune_old(pruned, pace, now, retention)
    _prune_hours(pruned, pace, now)
    _prune_signals(pace, now - retention)
    prune_messages(pace.repeat, now)
    prune_deploys(pace.repeat, now)
    _prune_endpoints(pruned, pace, now - DELETED_GRACE)
    _prune_groups(pruned, pace, now - DELETED_GRACE)
    pruned.is_complete = not pace.is_over
    Tick.objects.filter(at__lt=now - PULSE_RETENTION).delete()
    WorkerPulse.objects.filter(at__lt=now - PULSE_RETENTION).delete()
    ImportFile.objects.filter(at__lt=now - IMPORT_RETENTION).delete()
    HeartbeatToken.objects.filter(retires_at__lt=now).delete()
    return pruned


def _prune_old(pruned: Pruned, pace: Pace, now: datetime, retention: timedelta) -> None:
    rolled_up = _find_rolled_up()
    for group_id, days in EndpointGroup.objects.order_by("pk").values_list("pk", "retention_days"):
        if group_id not in rolled_up:
            continue
        cutoff = now - (retention if days is None else timedelta(days=days))
        runs = _find_old_runs(group_id, min(cutoff, read_hour_start(rolled_up[group_id])))
        if pace.is_over:
            return
        results, removed = prune_runs(pace, group_id, runs)
        pruned.results += results
        pruned.runs += removed


def _find_rolled_up() -> dict[int, int]:
    """Return the first hour whose raw rows a group still needs. A marked hour needs them in every group.

    An endpoint's results are with the group that it was in then, its mark with the one that it is in now.
    """
    marked = RollupMark.objects.aggregate(first=Min("hour"))["first"]
    progress = RollupProgress.objects.order_by().values_list("group_id").annotate(first=Min("next_hour"))
    return {group_id: first if marked is None else min(first, marked) for group_id, first in progress}


def _prune_hours(pruned: Pruned, pace: Pace, now: datetime) -> None:
    retention = read_retention()
    groups = EndpointGroup.objects.order_by("hour_retention_days")
    for days in groups.values_list("hour_retention_days", flat=True).distinct():
        if pace.is_over:
            return
        first_hour = retention.override(None, days).find_first_hour(now)
        own = "IS NULL" if days is None else f"= {days:d}"
        remove = partial(change, DELETE_OLD_HOURS.format(own=own), first_hour)
        pruned.hours += pace.repeat(remove)


def _prune_signals(pace: Pace, cutoff: datetime) -> None:
    # A hundred rows each at most, found by their index; what is known of a job stays beside them.
    oldest = Signal.objects.filter(endpoint_id=OuterRef("pk")).order_by("pk").values("at")[:1]
    heartbeats = Heartbeat.objects.annotate(oldest_at=Subquery(oldest)).filter(oldest_at__lt=cutoff)
    for endpoint_id in heartbeats.order_by("pk").values_list("pk", flat=True):
        if pace.is_over:
            return
        Signal.objects.filter(endpoint_id=endpoint_id, at__lt=cutoff).delete()


def _find_old_runs(group_id: int, cutoff: datetime) -> QuerySet[CheckRun]:
    # Runs are inserted in the order of their slots, so the first one that is needed divides old from young: found by
    # its index without a look at the young. A gap is as young as its last slot.
    runs = CheckRun.objects.filter(group_id=group_id)
    needed = Q(scheduled_for__gte=cutoff) | Q(gap_until__gte=cutoff) | Q(status__in=UNFINISHED)
    first_id = runs.filter(needed).order_by("pk").values_list("pk", flat=True).first()
    return runs if first_id is None else runs.filter(pk__lt=first_id)


def _prune_endpoints(pruned: Pruned, pace: Pace, deleted_before: datetime) -> None:
    is_deleted = Q(deleted_at__lt=deleted_before) | Q(group__deleted_at__lt=deleted_before)
    rows = Endpoint.objects.filter(is_deleted).order_by("pk")
    for endpoint_id in rows.values_list("pk", flat=True):
        if not _is_endpoint_there(rows, endpoint_id):
            continue
        pruned.results += prune_results(pace, endpoint_id, None)
        if pace.is_over:
            return
        if not _is_endpoint_there(rows, endpoint_id):
            continue
        for model in _HISTORY:
            pace.repeat(partial(_remove_some, model, endpoint_id))
        pace.repeat(partial(change, DELETE_ROLLUPS, endpoint_id))
        if pace.is_over:
            return
        with transaction.atomic():
            if not _is_endpoint_there(rows, endpoint_id):
                continue
            for model in _HISTORY:
                model._default_manager.filter(endpoint_id=endpoint_id).delete()
            rows.filter(pk=endpoint_id).delete()
            # After the row that every signal locks has gone with its endpoint: none can arrive any more.
            Signal.objects.filter(endpoint_id=endpoint_id).delete()
            # Nor can a correction: whoever makes one locks that row, too. Before it has gone, the database keeps them.
            Correction.objects.remove_with_endpoint(endpoint_id)
            # Nor can a rollup: it is stored while that row is held.
            for model in _ROLLED_UP:
                model._default_manager.filter(endpoint_id=endpoint_id).delete()
        pruned.endpoints += 1


def _prune_groups(pruned: Pruned, pace: Pace, deleted_before: datetime) -> None:
    rows = EndpointGroup.objects.filter(deleted_at__lt=deleted_before, endpoints__isnull=True).order_by("pk")
    for group_id in rows.values_list("pk", flat=True):
        if not _is_there(EndpointGroup.objects.filter(deleted_at__lt=deleted_before), group_id):
            continue
        pruned.runs += pace.repeat(partial(_remove_batch, CheckRun.objects.filter(group=group_id)))
        if pace.is_over:
            return
        with transaction.atomic():
            if not _is_there(EndpointGroup.objects.filter(deleted_at__lt=deleted_before), group_id):
                continue
            removed, _by_model = rows.filter(pk=group_id).delete()
            RollupProgress.objects.filter(group_id=group_id).delete()
        pruned.groups += bool(removed)


def _is_there(rows: QuerySet[Any], pk: int) -> bool:
    """Look again, with the row and its group locked: one that is being restored is waited for, and then left alone.

    One that is still deleted stays so: nobody restores what has been deleted for longer than DELETED_GRACE.
    """
    with transaction.atomic():
        return rows.filter(pk=pk).select_for_update(no_key=True).first() is not None


def _is_endpoint_there(rows: QuerySet[Endpoint], pk: int) -> bool:
    with transaction.atomic():
        # The group first, as everybody does: locked together, the endpoint would come first.
        groups = Endpoint.objects.filter(pk=pk).values("group_id")
        EndpointGroup.objects.filter(pk__in=groups).select_for_update(no_key=True).first()
        return _is_there(rows, pk)


def _remove_some(model: type[Model], endpoint_id: int, batch: int) -> int:
    rows = model._default_manager.filter(endpoint_id=endpoint_id)
    removed, _by_model = model._default_manager.filter(pk__in=list(rows.values_list("pk", flat=True)[:batch])).delete()
    return removed


def _remove_batch(rows: QuerySet[CheckRun], batch: int) -> int:
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:batch])
    if not ids:
        return 0
    removed, _by_model = rows.filter(pk__lte=ids[-1]).delete()
    return removed
