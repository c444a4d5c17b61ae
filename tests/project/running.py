"""A real `manage.py up` on a throwaway folder, and what it left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.message import Message
from pathlib import Path
from typing import Any, TypeVar

Found = TypeVar("Found")
ROOT = Path(__file__).resolve().parents[2]
PROCESSES = Path("/proc")
# Far above what is promised: a shared machine may be slow, and this only ends a test that hangs.
PATIENCE_SECONDS = 60.0
# What the test run itself is configured with must not leak into the command.
OWN_VARIABLES = frozenset(
    {"DJANGO_SETTINGS_MODULE", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "ALLOWED_HOSTS"}
)


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}


def run_manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with more variables in its environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean_environment() | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


class RunningUp:
    """A started `up`, everything it prints, and questions about it."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--data", str(data), "--port", "0", *arguments],
            cwd=ROOT,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    @property
    def output(self) -> str:
        return "".join(self.lines)

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        """Return the first match in the output, once it is there."""
        return wait_until(lambda: re.search(pattern, self.output, re.MULTILINE), self)

    @property
    def address(self) -> str:
        return self.wait_for_line(r"^Status page +(\S+)$")[1]

    @property
    def login_link(self) -> str:
        return self.wait_for_line(r"^Admin +(\S+)")[1]

    def read_board(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.address}status.json", timeout=30) as response:
            board: dict[str, Any] = json.load(response)
        return board

    def wait_for_results(self) -> dict[str, Any]:
        """Return the page's JSON once every endpoint has a state."""
        return wait_until(lambda: _find_complete(self.read_board()), self)

    def stop(self, number: signal.Signals) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


def _find_complete(board: dict[str, Any]) -> dict[str, Any] | None:
    endpoints = [endpoint for group in board["groups"] for endpoint in group["endpoints"]]
    return board if endpoints and all(endpoint["observed_at"] for endpoint in endpoints) else None


@contextmanager
def running(data: Path, *arguments: str) -> Iterator[RunningUp]:
    """Start `up` and see that it is gone at the end, whatever the test did."""
    server = RunningUp(data, *arguments)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop(signal.SIGTERM)


def wait_until(find: Callable[[], Found | None], server: RunningUp | None = None) -> Found:
    """Ask until the answer is true, or fail."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = find()
        if found:
            return found
        if server is not None and server.process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"waited in vain; the output was:\n{server.output if server else ''}")


def find_processes(data: Path) -> list[int]:
    """Return the processes that were started for this folder: their environment names it."""
    mark = f"HEALTHCHECK_DATA={data}\0".encode()
    return [int(entry.name) for entry in PROCESSES.iterdir() if entry.name.isdecimal() and _has_mark(entry, mark)]


def _has_mark(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes() + b"\0"
    except OSError:
        return False


def find_process(data: Path, word: str) -> int:
    """Return the one process of this folder whose command holds `word`."""
    found = [pid for pid in find_processes(data) if word.encode() in (PROCESSES / str(pid) / "cmdline").read_bytes()]
    return found[0]


def query(data: Path, statement: str) -> list[tuple[Any, ...]]:
    """Ask the database of a folder."""
    with closing(sqlite3.connect(data / "healthcheck.sqlite3", timeout=20)) as connection:
        return connection.execute(statement).fetchall()


def fetch(address: str) -> tuple[int, Message]:
    """Return status and headers, without following redirects."""
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(address, timeout=30) as response:
            return response.status, response.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
