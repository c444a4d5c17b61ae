"""A network or a disk of a test's own: a thread in a namespace that nobody else sees. Needs root.

The network has a loopback device and nothing else, the disk as many bytes as the test says.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

_CLONE_NEWNET, _SIOCSIFFLAGS, _IFF_UP = 0x40000000, 0x8914, 0x1
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x00020000, 0x4000, 1 << 18
ANY_GROUP, NO_GROUP = "0 2147483647", "1 0"


def run_in_namespace(act: Callable[[], Result], *, ping_group_range: str = NO_GROUP, echoes: bool = True) -> Result:
    """Run `act` on a thread whose network is its own; it and what it starts see that one alone.

    Without `echoes` the kernel answers no echo request, so that a test can.
    """
    return _run_apart(act, enter=partial(_enter, ping_group_range, echoes=echoes))


def run_on_small_disk(act: Callable[[], Result], *, folder: Path, size_bytes: int) -> Result:
    """Run `act` on a thread that finds a disk of this size in the place of `folder`, with what was in it.

    So do the threads and the processes that it starts, and nobody else. What was written there is gone afterwards.
    """
    return _run_apart(act, enter=partial(_mount_disk, folder, size_bytes))


def _run_apart(act: Callable[[], Result], *, enter: Callable[[], None]) -> Result:
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            enter()
            results.append(act())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _call(function: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _mount_disk(folder: Path, size_bytes: int) -> None:
    # Of this thread alone, as `unshare(2)` says; private, so that no mount of ours gets out.
    _call("unshare", _CLONE_NEWNS)
    _call("mount", None, b"/", None, _MS_REC | _MS_PRIVATE, None)
    found = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={size_bytes},mode=700".encode())
    for name, held in found.items():
        (folder / name).write_bytes(held)


def _enter(ping_group_range: str, *, echoes: bool) -> None:
    # Of this thread alone, as `unshare(2)` says.
    _call("unshare", _CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    settings = Path("/proc/sys/net")
    (settings / "ipv4/ping_group_range").write_text(ping_group_range)
    for name in ("ipv4/icmp_echo_ignore_all", "ipv6/icmp/echo_ignore_all"):
        (settings / name).write_text("0" if echoes else "1")
