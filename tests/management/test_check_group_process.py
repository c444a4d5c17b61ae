"""The command as a process of its own, on a database of its own."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from healthcheck.models import Reason, RunStatus
from tests.hostile import HostileServer
from tests.management.conftest import PATIENCE_SECONDS, run_manage, start_manage


def test_database_without_tables_is_refused_with_a_cure(tmp_path: Path) -> None:
    ended = run_manage("check_group", "shop", DATABASE_URL=f"sqlite:///{tmp_path}/empty.sqlite3")
    assert (ended.status, ended.stdout) == (2, "")
    assert "`manage.py migrate` has made the tables" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_logs_stay_out_of_the_answer(database: str, hostile: HostileServer) -> None:
    add = ADD_SILENT_GROUP.format(port=hostile.listen("good")) + BREAK_OPTIONS
    assert run_manage("shell", "-v0", "-c", add, DATABASE_URL=database).status == 0
    ended = run_manage("check_group", "slow", "--json", DATABASE_URL=database)
    assert json.loads(ended.stdout)["counts"]["unknown"] == 1
    assert "endpoint cannot be read" in ended.stderr


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A database of its own for a process of its own."""
    url = f"sqlite:///{tmp_path}/own.sqlite3"
    assert run_manage("migrate", "--verbosity", "0", DATABASE_URL=url).status == 0
    return url


ADD_SILENT_GROUP = """
from healthcheck.models import EndpointGroup
group = EndpointGroup.objects.create(slug="slow", name="Slow", interval_seconds=3600, deadline_seconds=300)
group.endpoints.create(name="silent", address="http://127.0.0.1:{port}/", timeout_seconds=300)
"""


BREAK_OPTIONS = "group.endpoints.update(options={'wings': 2})"


def test_ctrl_c_gives_the_run_back_and_leaves_without_a_traceback(database: str, hostile: HostileServer) -> None:
    port = hostile.listen("silent")
    added = run_manage("shell", "-v0", "-c", ADD_SILENT_GROUP.format(port=port), DATABASE_URL=database)
    assert added.status == 0, added.stderr
    process = start_manage("check_group", "slow", DATABASE_URL=database)
    while not hostile.accepted[port]:
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE_SECONDS) == ("", "")
    assert process.returncode == 130
    shown = "from healthcheck.models import CheckRun; print(CheckRun.objects.values_list('status', 'reason').get())"
    ended = run_manage("shell", "-v0", "-c", shown, DATABASE_URL=database)
    assert ended.stdout.strip() == str((RunStatus.QUEUED.value, Reason.SHUTDOWN.value))
