from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from project.embedded.children import ChildCommand
from project.embedded.console import Console
from project.embedded.supervisor import MAX_ENDS, Child, GaveUpError, Supervisor

OBEDIENT = """
import signal, sys, time
def leave(*_):
    print(sys.argv[1], "left", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print(sys.argv[1], "here", flush=True)
while True:
    time.sleep(0.05)
"""
STUBBORN = OBEDIENT.replace("signal.signal(signal.SIGTERM, leave)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
Write = Callable[[str], str]


@pytest.fixture
def write_script(tmp_path: Path) -> Write:
    def write(source: str) -> str:
        script = tmp_path / f"{len(list(tmp_path.iterdir()))}.py"
        script.write_text(source)
        return str(script)

    return write


class Watched(io.StringIO):
    """Calls back as soon as every wanted text was written."""

    then: Callable[[], None]

    def __init__(self, wanted: Sequence[str]) -> None:
        super().__init__()
        self._wanted = wanted

    def flush(self) -> None:
        if all(text in self.getvalue() for text in self._wanted):
            self.then()


def _supervise(wanted: Sequence[str], *commands: ChildCommand) -> str:
    """Run until every wanted text is written, stop, and return everything that was written."""
    stream = Watched(wanted)
    supervisor = Supervisor(Console(stream), dict(os.environ))
    stream.then = supervisor.request_stop
    patience = threading.Timer(30, supervisor.request_stop)
    patience.start()
    with supervisor:
        for command in commands:
            supervisor.start(command)
        supervisor.run()
    patience.cancel()
    return stream.getvalue()


def test_supervisor_stops_the_last_first(write_script: Write) -> None:
    script = write_script(OBEDIENT)
    children = [ChildCommand(name, (script, name)) for name in ("one", "two")]
    written = _supervise(["one: one here", "two: two here"], *children)
    assert written.splitlines()[-2:] == ["two: two left", "one: one left"]


def test_supervisor_kills_what_does_not_stop(write_script: Write) -> None:
    command = ChildCommand("stubborn", (write_script(STUBBORN), "it"), seconds_to_stop=0.2)
    assert _supervise(["it here"], command) == "stubborn: it here\n"


def test_supervisor_starts_an_ended_child_again(write_script: Write) -> None:
    command = ChildCommand("brief", (write_script("print('one day', flush=True); raise SystemExit(3)"),))
    written = _supervise(["one day\nbrief has ended (exit status 3); it is started again.\nbrief: one day"], command)
    assert written.splitlines()[:3] == [
        "brief: one day",
        "brief has ended (exit status 3); it is started again.",
        "brief: one day",
    ]


def test_supervisor_returns_when_what_it_waits_for_is_there_or_time_is_up(tmp_path: Path, write_script: Write) -> None:
    written = tmp_path / "written"
    script = write_script(f"open({str(written)!r}, 'w').close()\nwhile True: __import__('time').sleep(0.05)")
    with Supervisor(Console(io.StringIO()), dict(os.environ)) as supervisor:
        supervisor.start(ChildCommand("writer", (script,)))
        assert supervisor.run(until=written.exists, seconds=30)
        assert written.exists()
        assert supervisor.run(until=lambda: False, seconds=0)
        supervisor.request_stop()
        assert not supervisor.run(until=lambda: False)


def test_supervisor_relays_last_words_without_a_line_end(write_script: Write) -> None:
    command = ChildCommand("brief", (write_script("print('farewell', end='', flush=True)"),))
    assert _supervise(["it is started again"], command).splitlines()[:2] == [
        "brief: farewell",
        "brief has ended (exit status 0); it is started again.",
    ]


def test_child_that_ends_again_and_again_is_given_up() -> None:
    child = Child(ChildCommand("brief", ("any.py",)))
    child.mark_started()
    for _ in range(MAX_ENDS - 1):
        child.plan_restart()
    with pytest.raises(GaveUpError, match=r"^brief has ended 5 times in a row; the lines above say why\.$"):
        child.plan_restart()


def test_child_ends_when_its_supervisor_is_gone(write_script: Write) -> None:
    child = Child(ChildCommand("it", (write_script(OBEDIENT), "it")))
    lifeline, own_end = os.pipe()
    child.start(os.environ, lifeline)
    os.close(lifeline)
    try:
        assert child.process is not None
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), True)
        assert child.process.stdout.readline() == b"it here\n"
        os.close(own_end)
        assert child.process.stdout.readline() == b"it left\n"
        assert child.process.wait(30) == 0
        child.process.stdout.close()
    finally:
        child.kill()


def test_child_takes_its_own_children_along(write_script: Write) -> None:
    source = "import subprocess, sys; print(subprocess.Popen(['sleep', '300']).pid, flush=True); sys.stdin.read()"
    child = Child(ChildCommand("parent", (write_script(source),)))
    lifeline, own_end = os.pipe()
    child.start(os.environ, lifeline)
    assert child.process is not None
    assert child.process.stdout is not None
    os.set_blocking(child.process.stdout.fileno(), True)
    group = os.getpgid(int(child.process.stdout.readline()))
    child.kill()
    # The pipe ends once nobody holds its other end any more.
    assert (group, child.process.stdout.read()) == (child.process.pid, b"")
    child.process.stdout.close()
    os.close(lifeline)
    os.close(own_end)
