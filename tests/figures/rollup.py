"""Rolling up one hour: endpoints in groups of twenty, checked every 30 s, a few of them down for a quarter of it.

Rows are stored as the runs of an hour leave them, run by run. Measured are the first hour of a day, the last, and the
last once more, for which all 24 of the day are summed: wall time, and CPU of this process in it. Bytes are those of
hours and days with their index, PostgreSQL after VACUUM, SQLite the pages that the file has grown by.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db import connection

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, Endpoint, Resolution, Rollup, RollupProgress, Transition
from healthcheck.pipeline.marks import find_hour, mark_hours
from healthcheck.pipeline.roll_up import GRACE, roll_up
from tests.factories import make_group, make_location
from tests.figures.bytes import measure_size
from tests.figures.raw_rows import store_results
from tests.figures.table import Row

MEMBERS, SLOTS, INTERVAL = 20, 120, 30
# The first and the last hour of a day.
START = datetime(2026, 7, 1, tzinfo=UTC)
LAST = START + 23 * timedelta(hours=1)
BUDGET_SECONDS = 3600.0


def measure(size: int) -> Iterator[Row]:
    """`size` is the number of endpoints."""
    _store_endpoints(size)
    _store_hour()
    before = measure_size(Rollup)
    yield _roll_up("first", START)
    yield Row(
        "bytes per rollup", "", f"{(measure_size(Rollup) - before) / Rollup.objects.count():.0f}", "hours and days"
    )
    _repeat_hour()
    yield _roll_up("last", LAST)
    yield _roll_up("last", LAST, " once more")


def _roll_up(name: str, at: datetime, again: str = "") -> Row:
    RollupProgress.objects.update(next_hour=find_hour(at))
    started, cpu = time.monotonic(), time.process_time()
    rolled_up = roll_up(at + timedelta(hours=1) + GRACE, budget_seconds=BUDGET_SECONDS)
    wall, cpu = time.monotonic() - started, time.process_time() - cpu
    count = CheckResult.objects.count()
    how = f"{count:,} results, {rolled_up.rows:,} rows; {cpu:.1f} s CPU of this process"
    return Row(f"rolling up the {name} hour of a day{again}", "under 30 s", f"{wall:.1f} s", how)


def _store_endpoints(count: int) -> None:
    location = make_location()
    for number in range(max(1, count // MEMBERS)):
        group = make_group(f"g-{number}", interval_seconds=INTERVAL, deadline_seconds=10.0)
        RollupProgress.objects.create(group_id=group.pk, location_id=location.pk, next_hour=find_hour(START))
        rows = [Endpoint(group=group, name=f"e{member}", address="http://127.0.0.1/") for member in range(MEMBERS)]
        Endpoint.objects.bulk_create(rows)
    ids = list(Endpoint.objects.values_list("pk", flat=True))
    changes = [(pk, State.UP, START) for pk in ids]
    for at in (START, LAST):
        changes += [(pk, State.DOWN, at + timedelta(minutes=20)) for pk in ids[::50]]
        changes += [(pk, State.UP, at + timedelta(minutes=35)) for pk in ids[::50]]
    Transition.objects.bulk_create(
        [
            Transition(endpoint_id=pk, location=location, from_state=0, to_state=state, at=at, confirmed_at=at)
            for pk, state, at in changes
        ],
        batch_size=1000,
    )


def _store_hour() -> None:
    """Store the runs of the first hour, and a result of each endpoint in each of them."""
    location = make_location()
    groups = sorted(set(Endpoint.objects.values_list("group_id", flat=True)))
    runs = [
        CheckRun(
            pk=1_000_000 + slot * len(groups) + place,
            group_id=group_id,
            location=location,
            trigger=1,
            status=3,
            scheduled_for=START + timedelta(seconds=INTERVAL * slot + place % INTERVAL),
            open_until=LAST,
            valid_until=LAST,
        )
        for slot in range(SLOTS)
        for place, group_id in enumerate(groups)
    ]
    CheckRun.objects.bulk_create(runs, batch_size=1000)
    store_results(seconds=BUDGET_SECONDS)


def _repeat_hour() -> None:
    """Let the hours between be as the first one was, and their day hold all of them; then the runs are of the last."""
    columns = [each.column for each in Rollup._meta.concrete_fields if each.column not in ("number", None)]
    names = ", ".join(str(column) for column in columns)
    table = Rollup._meta.db_table
    statement = f"""
        WITH RECURSIVE hours(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM hours WHERE n < 22)
        INSERT INTO {table} ({names}, number)
        SELECT {names}, number + n FROM {table} CROSS JOIN hours WHERE resolution = {int(Resolution.HOUR)}
    """  # our own names
    with connection.cursor() as cursor:
        cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute(f"VACUUM ANALYZE {table}")
    mark_hours(Endpoint.objects.values_list("pk", flat=True), start=START, end=START, now=LAST)
    RollupProgress.objects.update(next_hour=find_hour(LAST))
    roll_up(LAST, budget_seconds=BUDGET_SECONDS)
    for each in CheckRun.objects.values_list("scheduled_for", flat=True).distinct():
        CheckRun.objects.filter(scheduled_for=each).update(scheduled_for=each + (LAST - START))
