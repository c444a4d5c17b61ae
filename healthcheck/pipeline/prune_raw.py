"""Removes raw rows run by run: rows that were written together lie together.

Results of one endpoint, each of a run of its own, are scattered over the table; those of a run lie side by side, on far
fewer pages. A page that is changed has to be written, on SQLite while checks wait for its lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db.models import Model, OuterRef, QuerySet, Subquery

from healthcheck.models import CheckResult, CheckRun, Endpoint, Evidence
from healthcheck.pipeline.pace import Pace


def prune_runs(pace: Pace, group_id: int, runs: QuerySet[CheckRun]) -> tuple[int, int]:
    """Remove the runs of this group that are chosen by `runs`, with their results; return results and runs removed.

    `runs` are all that the group has up to the last of them. What its endpoints brought along from elsewhere goes, too.
    """
    last_id = runs.order_by("-pk").values_list("pk", flat=True).first()
    if last_id is None:
        return 0, 0
    endpoint_ids = list(Endpoint.objects.filter(group_id=group_id).order_by("pk").values_list("pk", flat=True))
    # A run that has been claimed meanwhile is none of these.
    results, removed = _prune_together(pace, endpoint_ids, runs.filter(pk__lte=last_id))
    for endpoint_id in _find_with_older(group_id, last_id):
        results += prune_results(pace, endpoint_id, last_id)
    return results, removed


def _find_with_older(group_id: int, last_run_id: int) -> list[int]:
    """Return the endpoints with results of runs up to that one, which are none of this group's any more."""
    first = CheckResult.objects.filter(endpoint_id=OuterRef("pk")).order_by("run_id").values("run_id")[:1]
    endpoints = Endpoint.objects.filter(group_id=group_id).annotate(first_run_id=Subquery(first))
    return list(endpoints.filter(first_run_id__lte=last_run_id).order_by("pk").values_list("pk", flat=True))


def prune_results(pace: Pace, endpoint_id: int, last_run_id: int | None) -> int:
    """Remove the results and the evidence of this endpoint, up to that run or all; return the results removed."""
    removed = 0
    for model in (Evidence, CheckResult):
        rows = model._default_manager.filter(endpoint_id=endpoint_id)
        if last_run_id is not None:
            rows = rows.filter(run_id__lte=last_run_id)
        removed = pace.repeat(partial(_remove_batch, rows))
    return removed


def _prune_together(pace: Pace, endpoint_ids: Sequence[int], runs: QuerySet[CheckRun]) -> tuple[int, int]:
    results = removed = 0
    while not pace.is_over:
        run_ids = list(runs.order_by("pk").values_list("pk", flat=True)[: _count_runs(pace, endpoint_ids)])
        if not run_ids:
            break
        for start in range(0, len(endpoint_ids), pace.batch):
            with pace.rested():
                results += _remove_results(endpoint_ids[start : start + pace.batch], run_ids)
        # Results first: without their run nothing says how old they are.
        with pace.rested():
            removed += runs.filter(pk__lte=run_ids[-1])._raw_delete(runs.db)
    return results, removed


def _count_runs(pace: Pace, endpoint_ids: Sequence[int]) -> int:
    # Even without an endpoint, a batch of runs is a batch.
    return max(1, pace.batch // max(1, len(endpoint_ids)))


def _remove_results(endpoint_ids: Sequence[int], run_ids: Sequence[int]) -> int:
    removed = 0
    for model in (Evidence, CheckResult):
        rows = model._default_manager.filter(endpoint_id__in=endpoint_ids, run_id__in=run_ids)
        removed = rows._raw_delete(rows.db)
    return removed


def _remove_batch(rows: QuerySet[Model], batch: int) -> int:
    run_ids = list(rows.order_by("run_id").values_list("run_id", flat=True)[:batch])
    if not run_ids:
        return 0
    # A range of the one index, rather than a list of keys.
    return rows.filter(run_id__lte=run_ids[-1])._raw_delete(rows.db)
