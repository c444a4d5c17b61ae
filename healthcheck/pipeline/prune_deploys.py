"""Removes deploys that are over for long with their windows, and calls that nobody can send again.

Spans stay: that there was maintenance is a fact of the endpoint, and figures do not change.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import QuerySet

from healthcheck.models import DeployCall, DeployWindow, MaintenanceWindow

# A quarter: what was rolled out when is asked when people look back; CI knows it for longer.
DEPLOY_RETENTION = timedelta(days=90)
# Calls forget their own; these are of hooks that nobody calls any more.
CALL_RETENTION = timedelta(days=1)


def prune_deploys(repeat: Callable[[Callable[[int], int]], int], now: datetime) -> None:
    """Remove in batches; `repeat` calls what removes one until there is no more, or no time."""
    old = DeployWindow.objects.filter(opened_at__lt=now - DEPLOY_RETENTION)
    # One that somebody has made last, or recur, is a window as any other.
    over = MaintenanceWindow.objects.over(now).filter(deploy__in=old)
    repeat(partial(_remove, over))
    repeat(partial(_remove, DeployCall.objects.filter(until__lt=now - CALL_RETENTION)))


def _remove(rows: QuerySet[Any], batch: int) -> int:
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:batch])
    if ids:
        rows.model._default_manager.filter(pk__in=ids).delete()
    return len(ids)
