"""The deployment of `docker-compose.yml` runs, loses each of its parts in turn, and goes on.

Real processes, a real Redis and a real PostgreSQL: see `engine.py` for the one table of what differs from containers.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from healthcheck.engine.types import State
from healthcheck.models import RunStatus
from tests.deployment.engine import PATH, WAIT_SECONDS, Engine, Ports, run_engine
from tests.deployment.image import build_image
from tests.deployment.test_compose import SECRETS, SERVICES
from tests.figures.deployment import wait_until
from tests.free_ports import find_free_ports
from tests.hostile import HostileServer

INTERVAL_SECONDS = 2
INSTANCES = ["db", "redis", "web", "worker", "scheduler-1", "scheduler-2"]
# As the proxy in front of it asks.
HEADERS = {"Host": "status.example.org", "X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    folder = Path(tempfile.mkdtemp(prefix="hcde", dir="/tmp"))
    folder.chmod(0o755)
    variables = SECRETS | {"ALLOWED_HOSTS": HEADERS["Host"], "HEALTHCHECK_ADDRESS_MODE": "everything"}
    # What pip installs is what this process runs on; test_image.py has that line.
    image = build_image(folder / "image", path=PATH, wants=lambda command: not command.startswith("pip "))
    with HostileServer() as server:
        try:
            with run_engine(Engine(folder, image, variables, Ports(*find_free_ports(3)))) as started:
                started.manage("loaddata", "--format=json", "-", text=define_group(server.listen("good")))
                yield started
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def define_group(port: int) -> str:
    group = {"name": "Shop", "slug": "shop", "interval_seconds": INTERVAL_SECONDS, "deadline_seconds": 1.9}
    endpoint = {"group": 1, "address": f"http://127.0.0.1:{port}/", "timeout_seconds": 1.8}
    rows = [{"model": "healthcheck.endpointgroup", "pk": 1, "fields": group}]
    for number, name in enumerate(("Basket", "Search"), start=1):
        rows.append({"model": "healthcheck.endpoint", "pk": number, "fields": endpoint | {"name": name}})
    return json.dumps(rows)


def ask(engine: Engine, path: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{engine.ports.web}{path}", headers=HEADERS)
    with urllib.request.urlopen(request, timeout=10) as response:
        text: str = response.read().decode()
    return text


def are_shown_up(engine: Engine, *, since: datetime) -> bool:
    """Whether the page shows every endpoint as up, from checks made since then."""
    board: dict[str, Any] = {}
    # The pages answer 503 while the database is away, or nothing while nobody listens.
    with suppress(OSError):
        board = json.loads(ask(engine, "/status.json"))
    endpoints = [endpoint for group in board.get("groups", []) for endpoint in group["endpoints"]]
    seen = [endpoint["observed_at"] for endpoint in endpoints if endpoint["state"] == "up"]
    return len(seen) == 2 and all(at and datetime.fromisoformat(at) > since for at in seen)


def wait_for_checks(engine: Engine) -> None:
    since = datetime.now(UTC)
    assert wait_until(lambda: are_shown_up(engine, since=since), seconds=WAIT_SECONDS), engine.read_log("worker")


def count_open_slots(engine: Engine) -> int:
    unfinished = [RunStatus.QUEUED.value, RunStatus.RUNNING.value]
    statement = "SELECT count(*) FROM healthcheck_checkrun WHERE status = ANY(%s) AND open_until < now()"
    return int(engine.database.query(statement, unfinished)[0][0])


def assert_that_nothing_was_lost(engine: Engine) -> None:
    """No slot is without an end or without a row, and no healthy endpoint was ever called down."""
    assert wait_until(lambda: count_open_slots(engine) == 0, seconds=WAIT_SECONDS)
    holes = (
        "SELECT count(*) FROM (SELECT scheduled_for + slot_count * interval '1 second' * %s AS due, "
        "lead(scheduled_for) OVER (ORDER BY scheduled_for) AS next FROM healthcheck_checkrun "
        "WHERE scheduled_for > (SELECT min(scheduled_for) FROM healthcheck_checkrun)) AS slots WHERE due <> next"
    )
    assert engine.database.query(holes, INTERVAL_SECONDS) == [(0,)]
    down = "SELECT count(*) FROM healthcheck_checkresult WHERE judgement & 3 = %s"
    assert engine.database.query(down, State.DOWN.value) == [(0,)]


def test_instances_are_those_of_the_file(engine: Engine) -> None:
    lasting = [instance for instance in engine.instances.values() if instance.service.name != "migrate"]
    assert [instance.name for instance in lasting] == INSTANCES
    assert {instance.service.name for instance in lasting} == {*SERVICES} - {"migrate"}


def test_group_is_checked_and_shown(engine: Engine) -> None:
    wait_for_checks(engine)
    page = ask(engine, "/")
    assert "Basket" in page
    assert "Search" in page
    assert json.loads(ask(engine, "/readyz"))["is_ready"]


@pytest.mark.parametrize("name", INSTANCES)
def test_killed_part_is_seen_missing_and_comes_back(engine: Engine, name: str) -> None:
    wait_for_checks(engine)
    instance = engine.instances[name]
    assert instance.is_healthy()
    instance.kill()
    assert wait_until(lambda: not instance.is_healthy(), seconds=WAIT_SECONDS)
    assert wait_until(instance.come_back, seconds=WAIT_SECONDS), engine.read_log(name)
    wait_for_checks(engine)
    assert_that_nothing_was_lost(engine)


def test_everything_stops_within_its_grace_with_exit_status_0_and_starts_again(engine: Engine) -> None:
    wait_for_checks(engine)
    assert engine.stop() == dict.fromkeys(reversed(INSTANCES), 0)
    engine.up()
    wait_for_checks(engine)
    assert_that_nothing_was_lost(engine)


def test_nothing_was_logged_as_an_error_of_ours(engine: Engine) -> None:
    wait_for_checks(engine)
    for name in ("web", "worker", "scheduler-1", "scheduler-2", "migrate"):
        assert "Traceback" not in engine.read_log(name), engine.read_log(name)
