"""Ports for servers that must be told theirs."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, suppress

# Below what systems hand out by themselves.
_LONELY = range(20_000, 32_000)


def find_lonely_port(host: str) -> int:
    """Return a free port that nobody else's connection ends at by chance.

    Tests beside this one, in other processes, connect to ports of theirs on addresses where nobody is to listen.
    """
    start = os.getpid() % 10_000
    for port in (*_LONELY[start:], *_LONELY[:start]):
        with suppress(OSError), socket.create_server((host, port)):
            return int(port)
    raise OSError(f"no port of {host} is free")


def find_free_ports(count: int) -> list[int]:
    """Return so many ports of loopback, free a moment ago and all different."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in taken]
