"""What millions of raw rows cost, as the table of results is and, on PostgreSQL, in a partition for each day.

A status page of 90 days and its queries without any raw row and beside all of them; then what the table itself is asked
for: the record of a run of twenty results, the newest hundred of an endpoint, a day that is pruned. Raw rows are those
of two weeks, a run of every group for each slot. The same rows, in partitions of a day, then stand in the table's
place, and the same is asked again. Wall time of this process and of the server together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from healthcheck.models import CheckResult, CheckRun, EndpointGroup, RollupProgress, StatusPage
from healthcheck.pipeline.marks import find_hour
from healthcheck.web.snapshot import load_board
from healthcheck.web.uptime import PERIODS
from tests.factories import make_location
from tests.figures.partitions import (
    TABLE,
    copy_into_partitions,
    drop_oldest_day,
    execute,
    find_days,
    put_partitions_in_place,
)
from tests.figures.raw_rows import store_past
from tests.figures.results_table import measure_table, prune_oldest_day
from tests.figures.rolled_page import paint_rolled_page
from tests.figures.table import Row
from tests.figures.timing import REQUESTS, time_calls

ENDPOINTS, ROWS_OF_ENDPOINT = 1000, 100
ONE, MANY = "one table", "day partitions"
FILL_SECONDS = 1500.0


def measure(size: int) -> Iterator[Row]:
    """`size` is how many raw rows there are."""
    now = timezone.now()
    endpoints = min(ENDPOINTS, max(size // ROWS_OF_ENDPOINT, 25))
    paint_rolled_page(now, endpoints)
    RollupProgress.objects.bulk_create(
        RollupProgress(group_id=pk, location_id=make_location().pk, next_hour=find_hour(now))
        for pk in EndpointGroup.objects.values_list("pk", flat=True)
    )
    yield from _measure_page(f"{endpoints:,} endpoints and no raw rows")
    started = time.monotonic()
    stored = store_past(size, now, seconds=FILL_SECONDS)
    seconds = time.monotonic() - started
    rows = f"{stored:,} raw rows"
    how = f"of {size:,}, with {CheckRun.objects.count():,} runs; {stored / seconds:,.0f} a second"
    yield Row("raw rows stored", "", f"{stored:,} in {seconds:.0f} s", how)
    yield from _measure_page(f"{endpoints:,} endpoints beside {rows}")
    yield from measure_table(ONE, rows)
    if connection.vendor == "postgresql":
        yield from _compare_partitions(rows)
    else:
        yield from prune_oldest_day(ONE)


def _compare_partitions(rows: str) -> Iterator[Row]:
    days = find_days()
    seconds = _time(lambda: copy_into_partitions(days))
    yield from prune_oldest_day(ONE)
    yield Row(
        f"VACUUM after it, {ONE}", "", f"{_time(lambda: execute(f'VACUUM {TABLE}')):.1f} s", "what autovacuum has to do"
    )
    put_partitions_in_place()
    yield from measure_table(MANY, f"{rows} in {len(days)} days, copied in {seconds:.0f} s")
    before = CheckResult.objects.filter(run_id__lt=days[1]).count()
    how = f"{before:,} results; their runs and evidence still go by DELETE, and it waits for whoever reads the table"
    yield Row(f"dropping a day, {MANY}", "", f"{_time(drop_oldest_day) * 1000:.0f} ms", how)
    # The next day, as if there were no partitions.
    yield from prune_oldest_day(MANY)


def _measure_page(how: str) -> Iterator[Row]:
    page, period = StatusPage.objects.defer("logo").get(), PERIODS[-1]
    spent = time_calls(lambda: load_board(page, now=timezone.now(), period=period))
    yield Row(f"data of a page with {period.key}", "at most 100 ms", spent, f"{how}, p50 of {REQUESTS}")
    with CaptureQueriesContext(connection) as captured:
        load_board(page, now=timezone.now(), period=period)
    asked = sum(TABLE in query["sql"] for query in captured.captured_queries)
    yield Row("queries of it, and those of them that look at results", "constant, 0", f"{len(captured)}, {asked}", how)


def _time(act: Callable[[], object]) -> float:
    started = time.monotonic()
    act()
    return time.monotonic() - started
