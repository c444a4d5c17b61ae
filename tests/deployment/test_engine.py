"""The deployment of `docker-compose.yml` runs, loses each of its parts in turn, and goes on.

Real processes, a real Redis and a real PostgreSQL: see `engine.py` for the one table of what differs from containers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deployment.documented import read_commands
from tests.deployment.engine import Engine, prepare_engine, wait_for_health
from tests.deployment.test_compose import SECRETS, SERVICES
from tests.deployment.watch import (
    HOST,
    NAMES,
    ask,
    assert_that_nothing_was_lost,
    count_results,
    define_group,
    wait_for_checks,
)
from tests.hostile import HostileServer
from tests.project.running import run_manage

INSTANCES = ["db", "redis", "web", "worker", "scheduler-1", "scheduler-2"]
VARIABLES = SECRETS | {"ALLOWED_HOSTS": HOST, "HEALTHCHECK_ADDRESS_MODE": "everything"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    laptop = tmp_path_factory.mktemp("laptop")
    with HostileServer() as server, prepare_engine(VARIABLES) as prepared:
        prepared.up()
        assert run_manage("migrate", HEALTHCHECK_DATA=str(laptop)).returncode == 0
        (laptop / "group.json").write_text(define_group(server.listen("good")))
        assert run_manage("loaddata", str(laptop / "group.json"), HEALTHCHECK_DATA=str(laptop)).returncode == 0
        for command in read_commands("production.md", "### Definitions from a laptop"):
            command.play(prepared, laptop)
        yield prepared


def test_instances_are_those_of_the_file(engine: Engine) -> None:
    lasting = [instance for instance in engine.instances.values() if instance.service.name != "migrate"]
    assert [instance.name for instance in lasting] == INSTANCES
    assert {instance.service.name for instance in lasting} == {*SERVICES} - {"migrate"}


def test_group_is_checked_and_shown(engine: Engine) -> None:
    wait_for_checks(engine)
    page = ask(engine, "/")
    assert [name for name in NAMES if name not in page] == []
    assert json.loads(ask(engine, "/readyz"))["is_ready"]


@pytest.mark.parametrize("name", INSTANCES)
def test_killed_part_is_seen_missing_and_comes_back(engine: Engine, name: str) -> None:
    wait_for_checks(engine)
    instance = engine.instances[name]
    assert instance.is_healthy()
    instance.kill()
    assert wait_for_health(lambda: not instance.is_healthy())
    assert wait_for_health(instance.come_back), engine.read_log(name)
    wait_for_checks(engine)
    assert_that_nothing_was_lost(engine)


def test_everything_stops_within_its_grace_with_exit_status_0_and_starts_again(engine: Engine) -> None:
    wait_for_checks(engine)
    assert engine.stop() == dict.fromkeys(reversed(INSTANCES), 0)
    engine.up()
    wait_for_checks(engine)
    assert_that_nothing_was_lost(engine)


def test_documented_backup_is_restored_into_an_empty_database(engine: Engine, tmp_path: Path) -> None:
    wait_for_checks(engine)
    for command in read_commands("production.md", "### Backup"):
        command.play(engine, tmp_path)
    results = count_results(engine)
    for command in read_commands("production.md", "### Restore"):
        command.play(engine, tmp_path)
    wait_for_checks(engine)
    # All but what came between the copy and this count.
    assert count_results(engine) >= results - 2 * len(NAMES)
    assert_that_nothing_was_lost(engine)


def test_nothing_was_logged_as_an_error_of_ours(engine: Engine) -> None:
    wait_for_checks(engine)
    for name in ("web", "worker", "scheduler-1", "scheduler-2", "migrate"):
        assert "Traceback" not in engine.read_log(name), engine.read_log(name)
