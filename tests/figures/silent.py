"""Lateness of healthy groups beside as many silent ones, in one worker process.

Every silent group holds one endpoint that accepts and never answers (timeout 10 s, deadline 10 s), every healthy one an
endpoint on nginx; all every 20 s, so that half of the silent groups wait at any time. Lateness is `started_at -
scheduled_for` of every slot of a healthy group in a window of two intervals and a half that begins one interval after
the first runs. Slots of that window which did not finish are counted, silent ones included.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, RunStatus
from tests.figures.deployment import deploy, wait_until
from tests.figures.rows import describe_lateness, make_groups, select_finished, warm_up
from tests.figures.table import Row
from tests.figures.targets import run_late_server, run_nginx, spread

TARGET = "p99 under 250 ms"
INTERVAL_SECONDS, DEADLINE_SECONDS, WINDOW_SECONDS = 20, 10.0, 50
ADDRESSES = 200


def measure(size: int) -> Iterator[Row]:
    addresses = spread(min(size, ADDRESSES))
    with (
        run_nginx(addresses) as healthy,
        run_late_server(addresses, after_seconds=None) as silent,
        deploy() as deployment,
    ):
        for prefix, urls in (("healthy", healthy), ("silent", silent)):
            make_groups(
                prefix,
                size,
                urls,
                members=1,
                timeout_seconds=DEADLINE_SECONDS,
                deadline_seconds=DEADLINE_SECONDS,
                interval_seconds=INTERVAL_SECONDS,
            )
        worker = deployment.start_worker()
        deployment.start_scheduler()
        warm_up("healthy", runs=size, settle_seconds=INTERVAL_SECONDS)
        began, cpu = timezone.now(), worker.read_cpu_seconds()
        time.sleep(WINDOW_SECONDS)
        ended, cpu = timezone.now(), worker.read_cpu_seconds() - cpu
        slots = CheckRun.objects.filter(scheduled_for__gte=began, scheduled_for__lt=ended)
        open_slots = slots.filter(status__in=(RunStatus.QUEUED, RunStatus.RUNNING))
        wait_until(lambda: not open_slots.exists(), seconds=DEADLINE_SECONDS + 5)
    runs = slots & select_finished("healthy")
    how = f"{size} + {size} groups, {runs.count()} healthy slots in {WINDOW_SECONDS} s"
    how += f", worker {cpu / WINDOW_SECONDS:.0%} of a core"
    yield Row("lateness beside silent hosts", TARGET, describe_lateness(runs), how)
    yield Row("slots of those that did not finish", "0", str(_count_unfinished(slots)), _describe(slots))


def _count_unfinished(slots: QuerySet[CheckRun]) -> int:
    return slots.exclude(status=RunStatus.FINISHED).count()


def _describe(slots: QuerySet[CheckRun]) -> str:
    verdicts = CheckResult.objects.filter(run_id__in=slots.values("pk"))
    counted = Counter(State(result.verdict).word for result in verdicts)
    return ", ".join(f"{count} {word}" for word, count in counted.items())
