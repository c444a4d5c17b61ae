"""Lets a process do a piece of work once at a time, however often it is asked to."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Alone:
    """Whoever asks while it is being done is turned away: what is asked again every minute needs no queue."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def run(self, work: Callable[[], object]) -> bool:
        """Do it, and return whether it was done: False where another thread of this process is at it."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            work()
        finally:
            self._lock.release()
        return True
