"""A piece of work that never changes, measured beside the others: what this machine is worth at this moment.

CPU times of a shared machine vary by half with what its neighbours do to caches and clock. Two measurements may be
compared when their controls agree.
"""

from __future__ import annotations

import time

ROUNDS = 300_000


def measure_control() -> float:
    """Return the milliseconds of CPU that a fixed loop of Python takes, the best of three."""
    return min(_spend() for _ in range(3)) * 1000


def _spend() -> float:
    began = time.process_time()
    table: dict[int, str] = {}
    for number in range(ROUNDS):
        table[number & 1023] = f"{number}"
    return time.process_time() - began
