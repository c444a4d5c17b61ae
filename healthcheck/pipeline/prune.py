"""Removes raw rows by age, and what people deleted. In small timed batches, so that no check waits for it.

Transitions stay: they are the source of uptime.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.db.models import Max, Model, QuerySet

from healthcheck.models import CheckResult, CheckRun, Endpoint, EndpointGroup, Evidence, Tick, Transition
from healthcheck.models.run import UNFINISHED

# Rows of one statement: tens of milliseconds, the longest that a check may have to wait for a lock on SQLite.
BATCH = 2000
# A scheduler process that has been silent for so long is gone.
TICK_RETENTION = timedelta(days=1)


@dataclass(slots=True)
class Pruned:
    """Rows removed. `is_complete` is False when the time was over first; the next prune goes on."""

    results: int = 0
    runs: int = 0
    endpoints: int = 0
    groups: int = 0
    is_complete: bool = True


def prune(now: datetime, *, retention: timedelta, budget_seconds: float) -> Pruned:
    """Remove raw rows older than `retention`, and deleted endpoints and groups with all their rows."""
    budget = _Budget(time.monotonic() + budget_seconds)
    pruned = Pruned()
    for step in (_prune_old, _prune_endpoints, _prune_groups):
        step(pruned, budget, now - retention)
    pruned.is_complete = not budget.is_over
    Tick.objects.filter(at__lt=now - TICK_RETENTION).delete()
    return pruned


@dataclass(slots=True)
class _Budget:
    until: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until

    def repeat(self, remove: Callable[[], int]) -> int:
        """Repeat `remove` until it removes less than a batch or the time is over; return the rows removed."""
        total = 0
        while not self.is_over:
            removed = remove()
            total += removed
            if removed < BATCH:
                break
        return total


def _prune_old(pruned: Pruned, budget: _Budget, cutoff: datetime) -> None:
    old = CheckRun.objects.filter(scheduled_for__lt=cutoff).exclude(status__in=UNFINISHED)
    for group_id in EndpointGroup.objects.values_list("pk", flat=True):
        # Runs of a group are inserted in the order of their slots, so one id divides old from young.
        last_id = old.filter(group_id=group_id).aggregate(last=Max("pk"))["last"]
        if last_id is None:
            continue
        for endpoint_id in Endpoint.objects.filter(group_id=group_id).values_list("pk", flat=True):
            pruned.results += _remove_results(budget, endpoint_id, last_id)
        if not budget.is_over:
            runs = old.filter(group_id=group_id, pk__lte=last_id)
            pruned.runs += budget.repeat(partial(_remove_batch, runs))


def _prune_endpoints(pruned: Pruned, budget: _Budget, cutoff: datetime) -> None:
    deleted = Endpoint.objects.filter(deleted_at__isnull=False) | Endpoint.objects.filter(
        group__deleted_at__isnull=False
    )
    for endpoint in deleted:
        pruned.results += _remove_results(budget, endpoint.pk, None)
        if budget.is_over:
            return
        Transition.objects.filter(endpoint_id=endpoint.pk).delete()
        endpoint.delete()
        pruned.endpoints += 1


def _prune_groups(pruned: Pruned, budget: _Budget, cutoff: datetime) -> None:
    for group in EndpointGroup.objects.filter(deleted_at__isnull=False, endpoints__isnull=True):
        runs = CheckRun.objects.filter(group=group)
        pruned.runs += budget.repeat(partial(_remove_batch, runs))
        if budget.is_over:
            return
        group.delete()
        pruned.groups += 1


def _remove_results(budget: _Budget, endpoint_id: int, last_run_id: int | None) -> int:
    removed = 0
    for model in (Evidence, CheckResult):
        rows = model._default_manager.filter(endpoint_id=endpoint_id)
        if last_run_id is not None:
            rows = rows.filter(run_id__lte=last_run_id)
        removed = budget.repeat(partial(_remove_result_batch, rows))
    return removed


def _remove_result_batch(rows: QuerySet[Model]) -> int:
    run_ids = list(rows.order_by("run_id").values_list("run_id", flat=True)[:BATCH])
    if not run_ids:
        return 0
    # A range of the one index, rather than a list of keys.
    return rows.filter(run_id__lte=run_ids[-1])._raw_delete(rows.db)


def _remove_batch(rows: QuerySet[CheckRun]) -> int:
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    if not ids:
        return 0
    removed, _by_model = rows.filter(pk__lte=ids[-1]).delete()
    return removed
