"""Keeps children running and ends them in order. Nothing of them outlives it, not even under kill -9.

Each child leads a session of its own, so that the terminal's Ctrl-C reaches only the supervisor, and has the reading
end of one pipe as its standard input: when the supervisor is gone, however it went, the pipe closes, `child.py` ends.
"""

from __future__ import annotations

import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from types import TracebackType
from typing import IO, Self

from project.embedded.children import HERE, ROOT, ChildCommand
from project.embedded.console import Console

POLL_SECONDS, STOP_POLL_SECONDS = 0.2, 0.02
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.5, 8.0
# A child that ends so often, each time within so long, will not get better by itself.
MAX_ENDS, STEADY_SECONDS = 5, 30.0
# Longer than any log line; a child that never ends its line must not fill our memory.
MAX_LINE_BYTES = 256 * 1024


class GaveUpError(Exception):
    """A child ends again and again. The text is a sentence for people."""


class Child:
    """One process, its output, and how often it has ended."""

    def __init__(self, command: ChildCommand) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.restart_at = 0.0
        self._ends = 0
        self._started_at = 0.0
        self._unfinished = b""

    def start(self, environment: Mapping[str, str], lifeline: int) -> IO[bytes]:
        """Start the process and return its output."""
        self.mark_started()
        self.process = subprocess.Popen(  # noqa: S603  # our own commands
            [sys.executable, "-P", str(HERE / "child.py"), *self.command.arguments],
            stdin=lifeline,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**environment, **self.command.environment},
            pass_fds=[inherited.fileno() for inherited in self.command.sockets],
            start_new_session=True,
        )
        os.set_blocking(self.output.fileno(), False)
        return self.output

    @property
    def output(self) -> IO[bytes]:
        assert self.process is not None
        assert self.process.stdout is not None
        return self.process.stdout

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def mark_started(self) -> None:
        self._started_at = time.monotonic()

    def read_lines(self) -> list[str] | None:
        """Return what was written since; None at the end of the output."""
        block = self.output.read()
        if block is None:
            return []
        if not block:
            # A last line without its end is one, too.
            last, self._unfinished = self._unfinished, b""
            return [last.decode(errors="replace")] if last else None
        *lines, unfinished = (self._unfinished + block).split(b"\n")
        self._unfinished = unfinished[:MAX_LINE_BYTES]
        return [line.decode(errors="replace") for line in lines]

    def terminate(self) -> None:
        """Ask the process to end."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End the process and whatever it has started, at once."""
        if self.process is not None:
            # Nobody may be left in the group; macOS says so in its own way.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def plan_restart(self) -> None:
        """Choose when to start again. Raises GaveUpError when that has stopped making sense."""
        now = time.monotonic()
        self._ends = 1 if now - self._started_at >= STEADY_SECONDS else self._ends + 1
        if self._ends >= MAX_ENDS:
            raise GaveUpError(f"{self.command.name} has ended {MAX_ENDS} times in a row; the lines above say why.")
        self.restart_at = now + min(LAST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (self._ends - 1))


class Supervisor:
    """Use as a context: leaving it stops the children, the last started helper last."""

    def __init__(self, console: Console, environment: Mapping[str, str]) -> None:
        self._console = console
        self._environment = environment
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._lifeline, self._own_end = os.pipe()
        self._is_stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_all()

    def start(self, command: ChildCommand) -> None:
        """Start a child. Children stop in the reverse order of their starts."""
        child = Child(command)
        self._children.append(child)
        self._start(child)

    def request_stop(self, *_: object) -> None:
        """Make `run` return; fit to be a signal's handler."""
        self._is_stopping = True

    def run(self, *, until: Callable[[], bool] | None = None, seconds: float = math.inf) -> bool:
        """Relay output and restart children until a stop is requested. Raises GaveUpError.

        With `until`, also return once that is true or `seconds` have passed. False when it is time to stop.
        """
        deadline = time.monotonic() + seconds
        while not self._is_stopping and time.monotonic() < deadline and not (until is not None and until()):
            self._relay(POLL_SECONDS)
            for child in self._children:
                self._look_after(child)
        return not self._is_stopping

    def _start(self, child: Child) -> None:
        output = child.start(self._environment, self._lifeline)
        self._selector.register(output, selectors.EVENT_READ, child)

    def _look_after(self, child: Child) -> None:
        if child.process is None:
            if time.monotonic() >= child.restart_at:
                self._start(child)
        elif child.has_ended:
            end = _describe_end(child.process.returncode)
            self._clear_away(child)
            self._console.write(f"{child.command.name} has ended ({end}); it is started again.")
            child.plan_restart()

    def _clear_away(self, child: Child) -> None:
        """Forget the ended process after its last words and its own children."""
        child.kill()
        while self._relay_from(child):
            pass
        self._stop_listening(child)
        child.output.close()
        child.process = None

    def _relay(self, seconds: float) -> None:
        # A pause even without children to listen to: some selectors return at once when there is nothing to select.
        if not self._selector.get_map():
            time.sleep(seconds)
        for key, _events in self._selector.select(seconds):
            self._relay_from(key.data)

    def _relay_from(self, child: Child) -> bool:
        """Relay what is there; False when there was nothing."""
        lines = child.read_lines()
        if lines is None:
            self._stop_listening(child)
        for line in lines or ():
            self._console.relay(child.command.name, line)
        return bool(lines)

    def _stop_listening(self, child: Child) -> None:
        with suppress(KeyError):
            self._selector.unregister(child.output)

    def _stop_all(self) -> None:
        started = [child for child in reversed(self._children) if child.process is not None]
        for _role, children in groupby(started, key=lambda child: child.command.role):
            self._stop(list(children))
        os.close(self._own_end)
        os.close(self._lifeline)
        self._selector.close()

    def _stop(self, children: Sequence[Child]) -> None:
        for child in children:
            child.terminate()
        deadline = time.monotonic() + max(child.command.seconds_to_stop for child in children)
        while time.monotonic() < deadline and not all(child.has_ended for child in children):
            self._relay(STOP_POLL_SECONDS)
        for child in children:
            self._clear_away(child)


def _describe_end(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"
