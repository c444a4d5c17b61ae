"""A small pool of daemon threads for calls that block and cannot be cancelled. It never delays an exit."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable

# A name server that is silent holds a thread for up to 30 s; 64 such names at once still cost only 64 small stacks.
MAX_THREADS = 64
IDLE_SECONDS = 30.0


class LookupThreads:
    """Threads start when work waits and end when idle. `concurrent.futures` would join them at exit."""

    def __init__(self, size: int = MAX_THREADS) -> None:
        self._size = size
        self.forget()

    def forget(self) -> None:
        """Start over without threads: after a fork the child has none of its parent's."""
        self._condition = threading.Condition()
        self._lookups: deque[Callable[[], None]] = deque()
        self._idle = 0
        self._threads = 0

    @property
    def is_busy(self) -> bool:
        """Whether work waits that no thread has taken."""
        return len(self._lookups) > self._idle and self._threads >= self._size

    @property
    def is_full(self) -> bool:
        """Whether more than half of the threads are taken: what can be done without them must be."""
        return 2 * (self._threads - self._idle) > self._size

    def submit(self, lookup: Callable[[], None]) -> None:
        """Run `lookup`, which must not raise, on a thread. Raises RuntimeError when the system grants not even one."""
        with self._condition:
            self._lookups.append(lookup)
            if self._idle >= len(self._lookups):
                self._condition.notify()
            elif self._threads < self._size:
                self._start_thread(lookup)

    def _start_thread(self, lookup: Callable[[], None]) -> None:
        self._threads += 1
        try:
            threading.Thread(target=self._work, name="healthcheck-lookup", daemon=True).start()
        except RuntimeError:
            self._threads -= 1
            if not self._threads:
                self._lookups.remove(lookup)
                raise

    def _work(self) -> None:
        while (lookup := self._take()) is not None:
            lookup()

    def _take(self) -> Callable[[], None] | None:
        with self._condition:
            while not self._lookups:
                self._idle += 1
                is_notified = self._condition.wait(IDLE_SECONDS)
                self._idle -= 1
                if not is_notified and not self._lookups:
                    self._threads -= 1
                    return None
            return self._lookups.popleft()


LOOKUP_THREADS = LookupThreads()
os.register_at_fork(after_in_child=LOOKUP_THREADS.forget)
