"""An upgrade while everything runs: the database of the first release is migrated under workers and schedulers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.deployment.engine import WAIT_SECONDS, Engine, prepare_engine
from tests.deployment.test_engine import VARIABLES
from tests.deployment.watch import (
    INTERVAL_SECONDS,
    NAMES,
    assert_that_nothing_was_lost,
    count_results,
    wait_for_checks,
)
from tests.figures.deployment import wait_until
from tests.hostile import HostileServer

OURS = ("web", "worker", "scheduler")
# What was under way when the migration ended may still complain.
SETTLED = timedelta(seconds=5)
# Every column of the first release, and none of a later one.
GROUP = (
    "INSERT INTO healthcheck_endpointgroup (name, slug, position, interval_seconds, cron, timezone, deadline_seconds, "
    "is_paused, next_run_at) VALUES ('Shop', 'shop', 0, %s, '', 'UTC', 1.9, false, %s) RETURNING id"
)
ENDPOINT = (
    "INSERT INTO healthcheck_endpoint (group_id, position, name, kind, address, options, timeout_seconds, "
    "failure_threshold, recovery_threshold, is_paused) VALUES (%s, 0, %s, 'http', %s, '{}', 1.8, 2, 1, false) "
    "RETURNING id"
)
RUN = (
    "INSERT INTO healthcheck_checkrun (group_id, location_id, trigger, status, reason, scheduled_for, open_until, "
    "valid_until, token, slot_count, up_count, degraded_count, down_count, unknown_count, wall_us, work_us) "
    "SELECT %s, min(id), 2, 3, 0, %s, %s, %s, 1, 1, 2, 0, 0, 0, 0, 0 FROM healthcheck_location RETURNING id"
)
RESULT = (
    "INSERT INTO healthcheck_checkresult (endpoint_id, run_id, latency_us, resolve_us, connect_us, tls_us, headers_us, "
    "body_us, judgement, http_status) VALUES (%s, %s, 9, 0, 0, 0, 0, 0, 2049, 200) RETURNING endpoint_id"
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The database of the first release, with a group, a run and its results, and nothing running on it."""
    with HostileServer() as server, prepare_engine(VARIABLES) as prepared:
        prepared.up("db", "redis")
        prepared.manage("migrate", "healthcheck", "0001")
        store_first_release(prepared, server.listen("good"))
        yield prepared


def store_first_release(engine: Engine, port: int) -> None:
    now = datetime.now(UTC)
    ask = engine.database.query
    [[group]] = ask(GROUP, INTERVAL_SECONDS, now)
    [[run]] = ask(RUN, group, now - timedelta(hours=1), now, now)
    for name in NAMES:
        [[endpoint]] = ask(ENDPOINT, group, name, f"http://127.0.0.1:{port}/")
        ask(RESULT, endpoint, run)


def read_complaints(engine: Engine) -> list[dict[str, str]]:
    """Return what our processes logged above INFO."""
    logs = [engine.read_log(name) for name, instance in engine.instances.items() if instance.service.name in OURS]
    records = [json.loads(line) for log in logs for line in log.splitlines() if line.startswith("{")]
    return [record for record in records if record["level"] not in ("debug", "info")]


def test_database_is_migrated_under_workers_and_schedulers_that_are_newer_than_it(engine: Engine) -> None:
    ours = [instance for instance in engine.instances.values() if instance.service.name in OURS]
    for instance in ours:
        instance.start()
    # They notice that the database is older than they are, and stay.
    is_noticed = wait_until(
        lambda: (
            {"healthcheck.beat", "healthcheck.pipeline.pulse"} <= {each["logger"] for each in read_complaints(engine)}
        ),
        seconds=WAIT_SECONDS,
    )
    assert is_noticed, engine.read_log("worker")
    engine.up("migrate")
    migrated_at = datetime.now(UTC)
    processes = [instance.process for instance in ours]
    wait_for_checks(engine)
    assert_that_nothing_was_lost(engine)
    assert [instance.process for instance in ours if instance.is_running] == processes
    # The results of the first release are there, and those of now beside them.
    assert engine.database.query("SELECT count(*) FROM healthcheck_checkresult WHERE latency_us = 9") == [(len(NAMES),)]
    assert count_results(engine) > len(NAMES)
    complaints = read_complaints(engine)
    assert [each for each in complaints if "ProgrammingError" not in json.dumps(each)] == []
    late = [each for each in complaints if datetime.fromisoformat(each["timestamp"]) > migrated_at + SETTLED]
    assert late == []
