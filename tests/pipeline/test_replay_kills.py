"""Real processes that replay one spool, killed in the middle of it or side by side: everything is stored, once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, EndpointState, RunStatus, Transition
from healthcheck.pipeline.record import pair_findings
from healthcheck.pipeline.replay import replay
from healthcheck.pipeline.spool import Spool
from healthcheck.pipeline.spool_files import SUFFIX, list_files
from healthcheck.pipeline.spool_format import SpooledRun
from tests.factories import NOW, make_endpoint, make_group
from tests.figures.children import ROOT
from tests.pipeline.conftest import outcome, take_one
from tests.test_processes import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

RUNS, PATIENCE_SECONDS = 60, 120
_REPLAYING = """
import os, sys, time
from itertools import count
from pathlib import Path
import django
django.setup()
from healthcheck.pipeline.replay import replay
from healthcheck.pipeline.spool import Spool

looks = count(1)

def tell():
    os.write(1, b".")
    if next(looks) == int(sys.argv[2]):
        # Whoever kills this one may come late, on a busy machine.
        time.sleep(600)
    return False

ends = replay(Spool(Path(sys.argv[1])), is_stopping=tell)
os.write(1, b" %d" % ends["stored"])
"""


def start_replay(folder: Path, *, until: int = 0) -> subprocess.Popen[bytes]:
    """Replay in a process of its own, which does not go on at the look of this number for whether it is to stop."""
    environment = os.environ | {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "project.settings"}
    command = [sys.executable, "-c", _REPLAYING, str(folder), str(until)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)


def fill(folder: Path, *, files: int) -> None:
    """Spool the results of so many runs, one endpoint each, as a process did that is gone."""
    spool = Spool(folder, owner="gone")
    for number in range(RUNS):
        if number % (RUNS // files) == 0:
            spool.close()
        taken = take_one(make_endpoint(make_group(f"group-{number}")).group)
        assert spool.keep(SpooledRun(taken, pair_findings(taken, [outcome()], NOW), 1))
    spool.close()
    assert len(list_files(folder, SUFFIX)) == files


def assert_that_all_is_stored_once(folder: Path) -> None:
    assert list_files(folder, SUFFIX) == []
    assert CheckRun.objects.filter(status=RunStatus.FINISHED).count() == RUNS
    assert CheckResult.objects.count() == RUNS
    assert set(EndpointState.objects.values_list("state", "strip")) == {(State.UP, "1")}
    assert Transition.objects.count() == RUNS


def test_replay_killed_in_the_middle_is_done_again_and_stores_once(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    fill(folder, files=1)
    with start_replay(folder, until=2 * RUNS // 3) as replaying:
        assert replaying.stdout is not None
        replaying.stdout.read(RUNS // 3)
        replaying.kill()
    stored = CheckResult.objects.count()
    assert 0 < stored < RUNS
    # One that was killed at its commit counts as either.
    ends = replay(Spool(folder))
    assert (ends["already_stored"], ends["stored"], ends["dropped"]) == (stored, RUNS - stored, 0)
    assert_that_all_is_stored_once(folder)


def test_two_processes_share_what_a_dead_one_left(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    fill(folder, files=RUNS // 5)
    with start_replay(folder) as first, start_replay(folder) as second:
        outputs = [process.communicate(timeout=PATIENCE_SECONDS)[0] for process in (first, second)]
    assert sum(int(output.rpartition(b" ")[2]) for output in outputs) == RUNS
    assert_that_all_is_stored_once(folder)
