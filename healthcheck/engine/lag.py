"""How late our own event loop was, so that a timeout that we caused is not blamed on a target."""

from __future__ import annotations

import asyncio
import time
from collections import deque

# How often the loop is asked to be on time. Shorter stalls than this are noise beside any deadline.
BEAT_SECONDS = 0.05
# Longer than any group's deadline, as a window is asked for when a check ends.
KEPT_SECONDS = 120.0
# A beat that is later than this is kept; an idle loop is late by less than a millisecond.
NOTABLE_SECONDS = 0.005


class LagMeter:
    """A heartbeat on one event loop. Instants are `time.monotonic()`, which counts on while the process is stopped."""

    def __init__(self) -> None:
        # When a beat was due and when it came. At most every beat of the time kept.
        self._stalls: deque[tuple[float, float]] = deque(maxlen=round(KEPT_SECONDS / BEAT_SECONDS))
        self._due = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to measure the running loop."""
        self._due = time.monotonic() + BEAT_SECONDS
        self._task = asyncio.get_running_loop().create_task(self._beat(), name="lag-meter")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    def worst_between(self, start: float, end: float) -> float:
        """Return the longest stall inside the window in seconds, a stall that is not over yet included."""
        stalls = list(self._stalls)
        if self._task is not None:
            # Overdue right now: what asks may run in the same step of the loop, before the heartbeat does.
            stalls.append((self._due, time.monotonic()))
        return max([0.0, *(min(came, end) - max(due, start) for due, came in stalls)])

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._due - time.monotonic())
            came = time.monotonic()
            if came - self._due > NOTABLE_SECONDS:
                self._stalls.append((self._due, came))
            self._due = came + BEAT_SECONDS
