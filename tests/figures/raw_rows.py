"""Raw rows of a past, stored fast: runs of every group, and a result of each endpoint in each of them.

In statements that both databases know, run after run, so that every index grows as checks let it grow. One endpoint in
fifty is down in a quarter of its results, and leaves evidence where it is asked for.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta

from django.db import connection

from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.engine.uptime import to_ms
from healthcheck.models import CheckResult, CheckRun, Endpoint, EndpointGroup, Evidence, RunStatus, Trigger
from healthcheck.models.result import Judgement
from tests.factories import make_location
from tests.figures.bytes import FACTS

UP, DOWN = Judgement(State.UP).pack(), Judgement(State.DOWN, ErrorKind.STATUS, Phase.HEADERS, 2).pack()
# Results of one statement.
BATCH = 200_000
PAST = timedelta(days=14)
# A whole number that looks random, of a result.
_DICE = "((r.id * 7919 + e.id * 104729) %% 65521)"
_RUN, _ENDPOINT, _GROUP = CheckRun._meta.db_table, Endpoint._meta.db_table, EndpointGroup._meta.db_table
_RESULT, _EVIDENCE = CheckResult._meta.db_table, Evidence._meta.db_table
# Of an expression in seconds since 1970.
_INSTANTS = {"postgresql": "to_timestamp({})", "sqlite": "datetime({}, 'unixepoch')"}
_INSERT_RUNS = f"""
    INSERT INTO {_RUN} (group_id, location_id, trigger, status, reason, scheduled_for, open_until, valid_until,
                        started_at, finished_at, token, slot_count, up_count, degraded_count, down_count, unknown_count,
                        wall_us, work_us)
    WITH RECURSIVE slots(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM slots WHERE n < %s - 1)
    SELECT g.id, %s, {Trigger.SCHEDULED:d}, {RunStatus.FINISHED:d}, 0, {{at}}, {{until}}, {{until}},
           {{at}}, {{at}}, 1, 1, %s, 0, 0, 0, 60000, 900000
    FROM slots CROSS JOIN {_GROUP} g ORDER BY n, g.id
"""  # our own names
_INSERT_RESULTS = f"""
    INSERT INTO {_RESULT} (run_id, endpoint_id, latency_us, resolve_us, connect_us, tls_us, headers_us, body_us,
                           judgement, http_status)
    SELECT r.id, e.id, 40000 + {_DICE} * 3, 900 + {_DICE} / 50, 9000 + {_DICE} / 3, 15000 + {_DICE} / 2,
           12000 + {_DICE}, 400 + {_DICE} / 20,
           CASE WHEN e.id %% 50 = 1 AND {_DICE} %% 4 = 0 THEN {DOWN} ELSE {UP} END, 200
    FROM {_RUN} r JOIN {_ENDPOINT} e ON e.group_id = r.group_id WHERE r.id >= %s AND r.id < %s ORDER BY r.id, e.id
"""  # our own names
_INSERT_EVIDENCE = f"""
    INSERT INTO {_EVIDENCE} (run_id, endpoint_id, facts)
    SELECT run_id, endpoint_id, %s FROM {_RESULT} WHERE judgement = {DOWN}
"""  # our own names


def store_runs(slots: int, *, members: int, start: datetime, interval: timedelta) -> None:
    """Store finished runs of so many slots of every group of `members`, the first at `start`; whole seconds."""
    instant, first, step = _INSTANTS[connection.vendor], to_ms(start) // 1000, int(interval.total_seconds())
    at, until = (instant.format(f"{first} + n * {step} + {after}") for after in (0, step))
    _execute(_INSERT_RUNS.format(at=at, until=until), slots, make_location().pk, members)


def store_results(*, seconds: float) -> int:
    """Store a result of each endpoint in each run of its group, until the time is over; return how many there are."""
    until, stored = time.monotonic() + seconds, 0
    first, last = CheckRun.objects.earliest("pk").pk, CheckRun.objects.latest("pk").pk
    step = max(1, BATCH * EndpointGroup.objects.count() // Endpoint.objects.count())
    for run_id in range(first, last + 1, step):
        if time.monotonic() > until:
            break
        stored += _execute(_INSERT_RESULTS, run_id, run_id + step)
    _analyze()
    return stored


def store_past(size: int, now: datetime, *, seconds: float) -> int:
    """Store at least so many results, over the days that raw rows are kept by default, until the time is over."""
    endpoints, groups = Endpoint.objects.count(), EndpointGroup.objects.count()
    slots = max(1, -(-size // endpoints))
    start = (now - PAST).replace(microsecond=0)
    store_runs(slots, members=endpoints // groups, start=start, interval=PAST / slots)
    return store_results(seconds=seconds)


def store_evidence() -> int:
    """Store evidence of every failure; return how many there are."""
    return _execute(_INSERT_EVIDENCE, json.dumps(FACTS))


def _execute(statement: str, *parameters: int | str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _analyze() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"VACUUM ANALYZE {_RUN}, {_RESULT}")
