"""Counts what an absence of the database may not cost, from the rows and from the worker's own log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from django.db.models import QuerySet

from healthcheck.models import CheckResult, CheckRun, Transition
from healthcheck.pipeline.spool_files import SUFFIX, list_files
from tests.figures.audit import count_doubles
from tests.figures.deployment import wait_until
from tests.figures.table import Row

SPOOLED = "database away, results of a run are spooled"
NOT_TAKEN = "database away, run not taken"
REPLAYED = "spool replayed"


def wait_for_spool(folder: Path, *, seconds: float) -> bool:
    return wait_until(lambda: list_files(folder, SUFFIX) == [], seconds=seconds, pause=0.5)


def tell_losses(log: Path, runs: QuerySet[CheckRun], *, members: int, how: str) -> Iterator[Row]:
    """Yield the rows of these runs, once nothing runs any more. No worker may have died: begun is measured."""
    records = list(_read_log(log))
    events = Counter(record["event"] for record in records)
    untaken = {record["run"] for record in records if record["event"] == NOT_TAKEN}
    ends: Counter[str] = Counter()
    for record in records:
        if record["event"] == REPLAYED:
            ends += Counter({key: value for key, value in record.items() if isinstance(value, int)})
    shown = ", ".join(f"{count} {end}" for end, count in ends.items()) or "nothing"
    yield Row(
        "results lost",
        "0",
        str(_count_lost(runs.exclude(pk__in=untaken), members)),
        f"{how}; {CheckResult.objects.count():,} results",
    )
    yield Row("results dropped", "0", str(ends["dropped"]), f"{events[SPOOLED]} runs spooled; of their results {shown}")
    yield Row("results stored twice", "0", str(count_doubles()), "impossible by key")
    yield Row(
        "breaks in chains of transitions", "0", str(_count_breaks()), f"{Transition.objects.count():,} transitions"
    )


def _read_log(log: Path) -> Iterator[Mapping[str, Any]]:
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def _count_lost(runs: QuerySet[CheckRun], members: int) -> int:
    """Count what runs lack that were begun."""
    stored = Counter(CheckResult.objects.order_by().values_list("run_id", flat=True))
    begun = runs.filter(started_at__isnull=False)
    return sum(members - stored[pk] for pk in begun.values_list("pk", flat=True))


def _count_breaks() -> int:
    """Count transitions that do not begin where, or begin before, the one before them ended."""
    rows = Transition.objects.order_by("endpoint_id", "pk").values_list("endpoint_id", "from_state", "to_state", "at")
    breaks = 0
    for _, chain in groupby(rows, key=lambda row: row[0]):
        links = list(chain)
        breaks += sum(a[2] != b[1] or b[3] < a[3] for a, b in pairwise(links))
    return breaks
