"""Work in small batches with rests between them, until it is done or its time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """So many rows a batch at most; after each it rests for `rest_share` times as long as that batch took.

    `clock` returns seconds that never go back, `sleep` waits for some.
    """

    def __init__(
        self,
        budget_seconds: float,
        *,
        batch: int,
        rest_share: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.batch = batch
        self._rest_share = rest_share
        self._clock = clock
        self._sleep = sleep
        self._until = clock() + budget_seconds

    @property
    def is_over(self) -> bool:
        return self._clock() >= self._until

    def repeat(self, remove: Callable[[int], int]) -> int:
        """Repeat `remove` until it removes less than a batch or the time is over; return the rows removed."""
        total = 0
        removed = self.batch
        while removed >= self.batch and not self.is_over:
            with self.rested():
                removed = remove(self.batch)
            total += removed
        return total

    @contextmanager
    def rested(self) -> Iterator[None]:
        """Rest after what is done inside."""
        started = self._clock()
        yield
        self._sleep(self._rest_share * (self._clock() - started))
