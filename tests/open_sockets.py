"""How many sockets this process holds, by what the kernel says."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

PATIENCE_SECONDS = 5.0


def count_sockets() -> int:
    """Return the number of open sockets, of every kind."""
    count = 0
    for handle in Path("/proc/self/fd").iterdir():
        # The handle of this very listing is gone by the time it is read.
        with suppress(FileNotFoundError):
            count += str(handle.readlink()).startswith("socket:")
    return count


def settle_sockets(count: int) -> int:
    """Return the number once it is `count` or lower, or has had time to be: ends close a step of some loop later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while count_sockets() > count and time.monotonic() < deadline:
        time.sleep(0.01)
    return count_sockets()
