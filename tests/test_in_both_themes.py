"""The admin is complete without its theme: a browser drives the stock one as well.

The other tests of the admin see it when they run again on PostgreSQL.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.apps import apps

# Many times what it takes, also on a busy machine: this only ends a run that hangs.
RERUN_SECONDS = 3600


@pytest.mark.skipif(not apps.is_installed("unfold"), reason="this is that run")
def test_browser_tests_pass_without_the_theme() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        "-m",
        "browser",
        "tests/admin",
    ]
    environment = os.environ | {"ADMIN_THEME": "false"}
    rerun = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=RERUN_SECONDS, check=False)
    assert rerun.returncode == 0, rerun.stdout[-8000:] + rerun.stderr[-2000:]
    assert " skipped" not in rerun.stdout.splitlines()[-1]
