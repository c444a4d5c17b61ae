"""Everything that touches the database passes on PostgreSQL as well: the same tests, run once more.

That run has the stock admin and the other one its theme, so that the admin's tests see both.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.servers import PostgreSQL

COMMANDS = ["tests/management/test_check_group.py", "tests/management/test_overview.py"]
FOLDERS = ["tests/models", "tests/definitions", "tests/pipeline", "tests/web", "tests/admin"]
PATHS = [*FOLDERS, *COMMANDS, "tests/test_canaries.py"]
# Many times what it takes, also on a busy machine: this only ends a run that hangs.
RERUN_SECONDS = 3600


@pytest.mark.skipif("TEST_DATABASE_URL" in os.environ, reason="this is that run")
def test_database_tests_pass_on_postgresql(postgres: PostgreSQL) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not browser", *PATHS]
    environment = os.environ | {"TEST_DATABASE_URL": postgres.url(), "ADMIN_THEME": "false"}
    rerun = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RERUN_SECONDS, check=False)
    assert rerun.returncode == 0, rerun.stdout[-8000:] + rerun.stderr[-2000:]
    assert " skipped" not in rerun.stdout.splitlines()[-1]
