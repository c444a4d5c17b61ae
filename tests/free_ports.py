"""Ports for servers that must be told theirs."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def find_free_ports(count: int) -> list[int]:
    """Return so many ports of loopback, free a moment ago and all different."""
    with ExitStack() as stack:
        taken = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in taken]
