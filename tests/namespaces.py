"""A network of a test's own: a thread in a namespace that has a loopback device and nothing else. Needs root."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

_CLONE_NEWNET, _SIOCSIFFLAGS, _IFF_UP = 0x40000000, 0x8914, 0x1
ANY_GROUP, NO_GROUP = "0 2147483647", "1 0"


def run_in_namespace(act: Callable[[], Result], *, ping_group_range: str = NO_GROUP, echoes: bool = True) -> Result:
    """Run `act` on a thread whose network is its own; it and what it starts see that one alone.

    Without `echoes` the kernel answers no echo request, so that a test can.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            _enter(ping_group_range, echoes=echoes)
            results.append(act())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _enter(ping_group_range: str, *, echoes: bool) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    # Of this thread alone, as `unshare(2)` says.
    if library.unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    settings = Path("/proc/sys/net")
    (settings / "ipv4/ping_group_range").write_text(ping_group_range)
    for name in ("ipv4/icmp_echo_ignore_all", "ipv6/icmp/echo_ignore_all"):
        (settings / name).write_text("0" if echoes else "1")
