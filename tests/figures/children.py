"""Child processes of a measurement: bounded in life, ended by their own id, their CPU read from the kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
LEASH = Path(__file__).with_name("leash.py")
# Above the longest measurement; only a forgotten process ever meets it.
LIFE_SECONDS = 500
# A worker closes its runs before it ends.
END_SECONDS = 15


def leashed(*command: str, seconds: int = LIFE_SECONDS) -> list[str]:
    """Return the command, on a leash. The first word is an absolute path."""
    return [sys.executable, "-I", "-S", str(LEASH), str(seconds), *command]


class Child:
    """A process that appends what it prints to `log`."""

    def __init__(
        self,
        *command: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
        folder: Path = ROOT,
        seconds: int = LIFE_SECONDS,
    ) -> None:
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                leashed(*command, seconds=seconds), cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def read_cpu_seconds(self) -> float:
        """Return what the process has used until now, user and system, all its threads."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        # The name in parentheses may hold spaces; the fields after it may not.
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """kill -9, and wait for the kernel to have done it."""
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Ask it to end; a process that does not is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
