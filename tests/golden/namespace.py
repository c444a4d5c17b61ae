"""A network of the table's own, in which every address is this machine and one file says who answers for names.

Linux lets a route declare all addresses local, so that a connection to any of them, forbidden or not, arrives at a
listening socket here and can be counted. Nothing leaves it: there is no interface but the loopback device.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from tests.figures.children import ROOT

# Debian keeps them where only root's path looks.
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_ROUTES = (
    ("link", "set", "lo", "up"),
    ("route", "add", "local", "0.0.0.0/0", "dev", "lo"),
    ("-6", "route", "add", "local", "::/0", "dev", "lo"),
)
_FILES = {
    "resolv.conf": "nameserver 127.0.0.1\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "hosts: files dns\n",
}


def enter_command(*command: str) -> list[str]:
    """Return the command that runs another one in a network and a file system of its own."""
    # Who is not root becomes so inside, where the system lets people do that.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [_find("unshare") or "unshare", *user, "--net", "--mount", "--", *command]


@cache
def find_obstacle() -> str:
    """Return why there can be no such network here; empty where there can."""
    if sys.platform != "linux":
        return "only Linux has networks of a process's own"
    if _find("ip") is None or _find("unshare") is None:
        return "iproute2 or util-linux is not installed"
    done = subprocess.run(enter_command("true"), capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


PRIORITY = -15
# Otherwise the kernel takes megabytes for a peer that reads nothing.
_SEND_BUFFERS = ("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 131072")


def settle(folder: Path) -> None:
    """Make all addresses local and ourselves the resolver. To be called inside, by the process that will use it."""
    _go_first()
    for arguments in _ROUTES:
        call("ip", *arguments)
    Path(_SEND_BUFFERS[0]).write_text(_SEND_BUFFERS[1])
    put_files(folder, _FILES)


def put_files(folder: Path, files: Mapping[str, str]) -> None:
    """Put texts of ours in the place of files in /etc, for this file system only. To be called inside."""
    for name, text in files.items():
        (folder / name).write_text(text)
        call("mount", "--bind", str(folder / name), f"/etc/{name}")


def call(program: str, *arguments: str) -> None:
    """Run a program that only root's path may know."""
    found = _find(program)
    assert found is not None
    subprocess.run([found, *arguments], check=True)


def _go_first() -> None:
    """Run before the other tests of a busy machine, where we may: what is judged here includes how late we are."""
    with suppress(OSError):
        # A session of its own, because Linux weighs sessions first and the processes of each among themselves.
        os.setsid()
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
        Path("/proc/self/autogroup").write_text(str(PRIORITY))


def run_inside(module: str, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a module of ours inside; what it prints is to be read."""
    return subprocess.Popen(
        enter_command(sys.executable, "-m", module, *arguments),
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _find(program: str) -> str | None:
    return shutil.which(program, path=_PATH)
