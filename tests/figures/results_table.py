"""What the table of results is asked for, whatever stands in its place: record, history, pruning."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from statistics import median

from django.db import connection
from django.utils import timezone

from healthcheck.engine.types import Outcome, PhaseTimes, State
from healthcheck.models import CheckResult, CheckRun, Endpoint, EndpointGroup, RunStatus, Trigger
from healthcheck.pipeline.execute import take_run
from healthcheck.pipeline.prune import BATCH, prune
from healthcheck.pipeline.record import Finding, record_run
from healthcheck.web.history import load_samples
from healthcheck.web.window import MAX_SAMPLES
from tests.factories import make_run
from tests.figures.partitions import DAY, TABLE, measure_bytes
from tests.figures.rows import pick
from tests.figures.table import Row
from tests.figures.written import time_written

RUNS, MEMBERS = 200, 20
READS, NEWEST = 100, 100
PRUNE_SECONDS = 900.0
# A quick site, as every run of these finds it.
TIMES = PhaseTimes(resolve_us=900, connect_us=9000, tls_us=15_000, headers_us=12_000, body_us=400)


def measure_table(what: str, how: str) -> Iterator[Row]:
    """Measure what a check and a page ask of the table; `what` names how it is kept."""
    inserts, records = _record_runs()
    spread = f"p99 {pick(inserts, 0.99):.2f} ms; {RUNS} runs in turn of every group; {how}"
    yield Row(f"insert of {MEMBERS} results, {what}", "", f"{median(inserts):.2f} ms", spread)
    yield Row(f"record of a run of {MEMBERS}, {what}", "", f"{median(records):.2f} ms", "the whole transaction, p50")
    ids = list(Endpoint.objects.order_by("pk").values_list("pk", flat=True))
    ids = ids[:: max(1, len(ids) // READS)]
    newest, samples = ([_time_ms(partial(act, pk)) for pk in ids] for act in (_read_newest, load_samples))
    spread = f"p99 {pick(newest, 0.99):.2f} ms; {len(ids)} endpoints, each once; a page's {MAX_SAMPLES:,} take "
    spread += f"{median(samples):.1f} ms"
    yield Row(f"newest {NEWEST} results of an endpoint, {what}", "", f"{median(newest):.2f} ms", spread)
    if connection.vendor == "postgresql":
        count = CheckResult.objects.count()
        yield Row(f"bytes per result, {what}", "at most 120", f"{measure_bytes() / count:.0f}", f"{count:,} results")


def prune_oldest_day(what: str) -> Iterator[Row]:
    """Prune what the first day brought, as the worker does it, but without rests, in this process."""
    now = timezone.now()
    cutoff = CheckRun.objects.order_by("pk")[0].scheduled_for + DAY
    started = time.monotonic()
    with time_written("DELETE") as written:
        pruned = prune(now, retention=now - cutoff, budget_seconds=PRUNE_SECONDS, rest_share=0.0)
    seconds = time.monotonic() - started
    of_runs, batches = sum(written.seconds[CheckRun._meta.db_table]), written.seconds[TABLE]
    how = f"{pruned.results:,} results and {pruned.runs:,} runs, whose DELETE took {of_runs:.1f} s"
    yield Row(f"pruning a day, {what}", "", f"{seconds:.1f} s", how + ("" if pruned.is_complete else "; not all of it"))
    how = f"largest {max(batches) * 1000:.1f} ms; {len(batches):,} of at most {BATCH:,} rows"
    yield Row(f"batch of results pruned, {what}", "", f"{median(batches) * 1000:.1f} ms", how)


def _record_runs() -> tuple[list[float], list[float]]:
    """Return the milliseconds of each insert, and of each record as a whole."""
    groups = cycle(EndpointGroup.objects.order_by("pk"))
    with time_written("INSERT") as written:
        records = [_record(group) for group in islice(groups, RUNS)]
    return [seconds * 1000 for seconds in written.seconds[TABLE]], records


def _record(group: EndpointGroup) -> float:
    now = timezone.now()
    run = make_run(group, at=now, trigger=Trigger.MANUAL, status=RunStatus.QUEUED)
    taken = take_run(run.pk, now)
    assert taken is not None
    outcome = Outcome(State.UP, now, latency_us=37_300, phases=TIMES, http_status=200)
    findings = [Finding(target.endpoint_id, outcome) for target in taken.targets[:MEMBERS]]
    return _time_ms(lambda: record_run(taken, findings, now=now, wall_us=50_000))


def _read_newest(endpoint_id: int) -> list[CheckResult]:
    return list(CheckResult.objects.filter(endpoint_id=endpoint_id).order_by("-run_id")[:NEWEST])


def _time_ms(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000
