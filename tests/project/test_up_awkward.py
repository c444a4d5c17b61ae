"""`manage.py up` in a folder whose name means something in a URL, and without a standard output."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from project.embedded.data_directory import DataDirectory
from tests.project.running import ROOT, clean_environment, fetch, query, running, wait_until


def test_up_works_in_a_folder_of_any_name_and_leaves_nothing_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="hc", dir="/tmp") as short:
        monkeypatch.setenv("TMPDIR", short)
        with running(tmp_path / "a#b%41 c?d", "--no-demo") as server:
            assert fetch(f"{server.address}status.json")[0] == 200
            wait_until(lambda: query(server.data, "SELECT at FROM healthcheck_tick"), server)
            [broker] = Path(short).glob("healthcheck-*")
            assert (broker / "broker.sock").exists()
            assert server.stop(signal.SIGTERM) == 0
        assert list(Path(short).iterdir()) == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["a#b%41 c?d"]


def test_up_serves_without_a_standard_output(tmp_path: Path) -> None:
    command = f'exec "{sys.executable}" manage.py up --no-demo --port 0 --data "{tmp_path}" >&-'
    with subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=ROOT, env=clean_environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            address = wait_until(lambda: _read_address(tmp_path))
            assert wait_until(lambda: _answers(address))
        finally:
            process.terminate()
            _nothing, complaints = process.communicate()
    assert (process.returncode, complaints) == (0, "")


def _read_address(data: Path) -> str:
    lock = DataDirectory(data).lock
    return lock.read_text().strip() if lock.exists() else ""


def _answers(address: str) -> bool:
    try:
        return fetch(f"{address}healthz")[0] == 200
    except OSError:
        return False
