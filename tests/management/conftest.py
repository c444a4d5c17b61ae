"""What the tests of the commands share: a terminal to write to, and commands as processes of their own."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from healthcheck.engine.loop import stop_engine_loop

ROOT = Path(__file__).resolve().parents[2]
# Far above what is needed: a shared machine may be slow, and this only ends a test that hangs.
PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


class Terminal(io.StringIO):
    """A stream that says that a person is looking at it."""

    def isatty(self) -> bool:
        return True


def run_command(name: str, *arguments: str, stream: io.StringIO | None = None, **options: Any) -> tuple[int, str]:
    """Run a command in this process; return its exit status and what it wrote."""
    stdout = stream or io.StringIO()
    try:
        call_command(name, *arguments, stdout=stdout, **options)
    except SystemExit as ended:
        return int(ended.code or 0), stdout.getvalue()
    return 0, stdout.getvalue()


def make_environment(**variables: str) -> dict[str, str]:
    """Return an environment of a deployment without a database that anything could reach."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "PYTHONPATH"}}
    defaults = {
        "SECRET_KEY": "only-for-the-tests",
        "DATABASE_URL": "postgres://nobody@/none?host=/nowhere",
        "HEALTHCHECK_ADDRESS_MODE": "everything",
        "TERM": "xterm-256color",
        "COLUMNS": "120",
    }
    return kept | defaults | variables


def start_manage(*arguments: str, program: Sequence[str] = ("manage.py",), **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *program, *arguments],
        cwd=ROOT,
        env=make_environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass(frozen=True)
class Ended:
    """A process that has ended: its exit status and what it wrote."""

    status: int
    stdout: str
    stderr: str


def run_manage(*arguments: str, **variables: str) -> Ended:
    process = start_manage(*arguments, **variables)
    stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    return Ended(process.returncode, stdout, stderr)


def run_at_terminal(*command: str, **variables: str) -> Ended:
    """Run a program whose standard output is a pseudo terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=ROOT, env=make_environment(**variables), stdout=theirs, stderr=theirs)
    os.close(theirs)
    pieces: list[bytes] = []
    while piece := _read(ours):
        pieces.append(piece)
    os.close(ours)
    return Ended(process.wait(PATIENCE_SECONDS), b"".join(pieces).decode(), "")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:
        # How a pseudo terminal says that its other end is closed.
        return b""
