"""Results in day partitions, in the place of the table as it is: PostgreSQL only, in a database to be thrown away.

A result has no time of its own. The days are ranges of its run, whose ids ascend with their slots.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from django.db import connection

from healthcheck.models import CheckResult, CheckRun

TABLE = CheckResult._meta.db_table
WHOLE, PARTITIONED, PART = f"{TABLE}_whole", f"{TABLE}_partitioned", f"{TABLE}_day"
DAY = timedelta(days=1)


def find_days() -> list[int]:
    """Return the first run of each day, oldest first; days begin when the first run did."""
    first = CheckRun.objects.order_by("pk")[0]
    start, days = first.scheduled_for, [first.pk]
    while later := CheckRun.objects.filter(scheduled_for__gte=start + len(days) * DAY).order_by("pk").first():
        days.append(later.pk)
    return days


def copy_into_partitions(days: Sequence[int]) -> None:
    """Copy all results into a partition for each day, the first of all that was before and the last of all to come."""
    bounds = ["MINVALUE", *map(str, days[1:]), "MAXVALUE"]
    execute(f"CREATE TABLE {PARTITIONED} (LIKE {TABLE} INCLUDING ALL) PARTITION BY RANGE (run_id)")
    for number, (first, until) in enumerate(pairwise(bounds)):
        execute(f"CREATE TABLE {PART}_{number} PARTITION OF {PARTITIONED} FOR VALUES FROM ({first}) TO ({until})")
    execute(f"INSERT INTO {PARTITIONED} SELECT * FROM {TABLE}")  # our own names
    execute(f"VACUUM ANALYZE {PARTITIONED}")


def put_partitions_in_place() -> None:
    """Let everything that knows the table by its name work on the partitions."""
    execute(f"ALTER TABLE {TABLE} RENAME TO {WHOLE}")
    execute(f"ALTER TABLE {PARTITIONED} RENAME TO {TABLE}")


def drop_oldest_day() -> None:
    execute(f"DROP TABLE {PART}_0")


def measure_bytes() -> int:
    """Return the bytes of the table with its indexes, in partitions or whole."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size(%s::regclass) + coalesce((SELECT sum(pg_total_relation_size(relid))"
            " FROM pg_partition_tree(%s::regclass) WHERE isleaf AND relid <> %s::regclass), 0)",
            [TABLE] * 3,
        )
        return int(cursor.fetchone()[0])


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
