"""How late our own event loop was, so that a failure that we caused is not blamed on a target."""

from __future__ import annotations

import asyncio
import time
from collections import deque

# How often the loop is asked to be on time. A stall is measured from the beat that it delays, so up to this much of it
# is missed: short, because many stalls in a row starve a check as one long one does.
BEAT_SECONDS = 0.025
# Longer than any group's deadline, which is 600 s at most, as a window is asked for when a check ends.
KEPT_SECONDS = 660.0
# A beat that is later than this is kept; an idle loop is late by less than a millisecond.
NOTABLE_SECONDS = 0.005
# So many beats can be late in the time kept: some 3 MB in a process that is starved throughout, nothing in an idle one.
MAX_STALLS = round(KEPT_SECONDS / (BEAT_SECONDS + NOTABLE_SECONDS))


class LagMeter:
    """A heartbeat on one event loop. Instants are `time.monotonic()`, which counts on while the process is stopped."""

    def __init__(self) -> None:
        # When a beat was due and when it came, in order and without overlap.
        self._stalls: deque[tuple[float, float]] = deque(maxlen=MAX_STALLS)
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

    def total_between(self, start: float, end: float) -> float:
        """Return how long the loop was late inside the window in seconds, a stall that is not over yet included."""
        total = 0.0
        if self._task is not None:
            # Overdue right now: what asks may run in the same step of the loop, before the heartbeat does.
            total += max(0.0, min(time.monotonic(), end) - max(self._due, start))
        for due, came in reversed(self._stalls):
            if came <= start:
                break
            total += max(0.0, min(came, end) - max(due, start))
        return total

    def note(self, due: float, came: float) -> None:
        """Keep a beat that was late. Beats are noted in order."""
        if came - due > NOTABLE_SECONDS:
            self._stalls.append((due, came))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._due - time.monotonic())
            came = time.monotonic()
            self.note(self._due, came)
            self._due = came + BEAT_SECONDS
