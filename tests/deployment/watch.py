"""What a running deployment shows and stores, as its visitors and its database see it."""

from __future__ import annotations

import json
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from healthcheck.engine.types import State
from healthcheck.models import RunStatus, Trigger
from tests.deployment.engine import WAIT_SECONDS, Engine
from tests.figures.deployment import wait_until

INTERVAL_SECONDS = 2
NAMES = ("Basket", "Search")
HOST = "status.example.org"
# As the proxy in front of it asks.
HEADERS = {"Host": HOST, "X-Forwarded-Proto": "https"}


def define_group(port: int) -> str:
    """Return a group with two endpoints on that port of loopback, as `loaddata` reads it."""
    group = {"name": "Shop", "slug": "shop", "interval_seconds": INTERVAL_SECONDS, "deadline_seconds": 1.9}
    endpoint = {"group": 1, "address": f"http://127.0.0.1:{port}/", "timeout_seconds": 1.8}
    rows: list[dict[str, Any]] = [{"model": "healthcheck.endpointgroup", "pk": 1, "fields": group}]
    for number, name in enumerate(NAMES, start=1):
        rows.append({"model": "healthcheck.endpoint", "pk": number, "fields": endpoint | {"name": name}})
    return json.dumps(rows)


def ask(engine: Engine, path: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{engine.ports.web}{path}", headers=HEADERS)
    with urllib.request.urlopen(request, timeout=10) as response:
        text: str = response.read().decode()
    return text


def wait_for_checks(engine: Engine) -> None:
    """Wait until the page shows every endpoint as up, from checks that are made from now on."""
    since = datetime.now(UTC)
    is_shown = wait_until(lambda: _are_shown_up(engine, since), seconds=WAIT_SECONDS, pause=0.1)
    assert is_shown, engine.read_log("worker")


def _are_shown_up(engine: Engine, since: datetime) -> bool:
    board: dict[str, Any] = {}
    # The pages answer 503 while the database is away, or nothing while nobody listens.
    with suppress(OSError):
        board = json.loads(ask(engine, "/status.json"))
    endpoints = [endpoint for group in board.get("groups", []) for endpoint in group["endpoints"]]
    seen = [endpoint["observed_at"] for endpoint in endpoints if endpoint["state"] == "up"]
    return len(seen) == len(NAMES) and all(at and datetime.fromisoformat(at) > since for at in seen)


def count_results(engine: Engine) -> int:
    return int(engine.database.query("SELECT count(*) FROM healthcheck_checkresult")[0][0])


def assert_that_nothing_was_lost(engine: Engine) -> None:
    """No slot is without an end or without a row, and no healthy endpoint was ever called down."""
    assert wait_until(lambda: _count_open_slots(engine) == 0, seconds=WAIT_SECONDS)
    # A group's very first slot is at once, the second on its phase.
    holes = (
        "WITH slots AS (SELECT scheduled_for AS slot, scheduled_for + slot_count * interval '1 second' * %s AS due, "
        "lead(scheduled_for) OVER (ORDER BY scheduled_for) AS next FROM healthcheck_checkrun WHERE trigger = %s) "
        "SELECT count(*) FROM slots WHERE due <> next AND slot > (SELECT min(slot) FROM slots)"
    )
    assert engine.database.query(holes, INTERVAL_SECONDS, Trigger.SCHEDULED.value) == [(0,)]
    down = "SELECT count(*) FROM healthcheck_checkresult WHERE judgement & 3 = %s"
    assert engine.database.query(down, State.DOWN.value) == [(0,)]


def _count_open_slots(engine: Engine) -> int:
    unfinished = [RunStatus.QUEUED.value, RunStatus.RUNNING.value]
    statement = "SELECT count(*) FROM healthcheck_checkrun WHERE status = ANY(%s) AND open_until < now()"
    return int(engine.database.query(statement, unfinished)[0][0])
