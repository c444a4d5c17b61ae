"""The rows that a measurement starts from, and what it reads from the rows that come of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from healthcheck.models import CheckRun, EndpointGroup, RunStatus
from tests.factories import make_assertion, make_endpoint, make_group
from tests.figures.deployment import wait_until

KEYWORD = 'body contains "ok"'
# A worker imports, connects and takes its first run.
WARM_SECONDS = 40.0


@transaction.atomic
def make_groups(
    prefix: str, count: int, urls: Sequence[str], *, members: int, timeout_seconds: float, **columns: Any
) -> list[EndpointGroup]:
    """Store groups whose endpoints go round the URLs, each with a keyword assertion."""
    groups = [make_group(f"{prefix}-{number}", **columns) for number in range(count)]
    for index, group in enumerate(groups):
        for member in range(members):
            url = urls[(index * members + member) % len(urls)]
            endpoint = make_endpoint(group, f"endpoint {member}", address=url, timeout_seconds=timeout_seconds)
            make_assertion(endpoint, KEYWORD)
    return groups


def select_finished(prefix: str) -> QuerySet[CheckRun]:
    """Select the finished runs of the groups whose slug begins so."""
    return CheckRun.objects.filter(status=RunStatus.FINISHED, group__slug__startswith=prefix)


def warm_up(prefix: str, *, runs: int, settle_seconds: float, seconds: float = WARM_SECONDS) -> None:
    """Wait for the first runs, so that imports and connections are behind us, and a little longer."""
    if not wait_until(lambda: select_finished(prefix).count() >= runs, seconds=seconds):
        raise TimeoutError(f"no {runs} finished runs within {seconds:g} s")
    time.sleep(settle_seconds)


def pick(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the sorted values lies, the largest for 1."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def describe_lateness(runs: QuerySet[CheckRun]) -> str:
    """Return how late runs started: p50, p99 and the largest, in milliseconds."""
    late = [float(run.lateness_ms) for run in runs if run.lateness_ms is not None]
    return f"p50 {pick(late, 0.5):.0f} ms, p99 {pick(late, 0.99):.0f} ms, max {max(late):.0f} ms"
