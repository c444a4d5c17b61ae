"""Who is judged next when the threads are busy: the least work first, so that dear documents hold up no cheap ones."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from heapq import heappop, heappush
from weakref import WeakKeyDictionary


class Turns:
    """Places of one event loop. A first-come queue would let 200 answers that take a second each starve the rest."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    @asynccontextmanager
    async def take(self, work: int) -> AsyncIterator[None]:
        """Hold a place inside the block; among those who wait the one with the least `work` gets the next."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(work)
        try:
            yield
        finally:
            self._hand_on()

    async def _wait(self, work: int) -> None:
        place = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (work, next(self._numbers), place))
        try:
            await place
        except asyncio.CancelledError:
            # Cancelled in the same step in which the place came: it must not be lost.
            if not place.cancelled():
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        while self._waiting:
            _, _, place = heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


# Per loop, because futures belong to one; weak, because tests and commands make loops and leave them.
_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


def get_turns(places: int) -> Turns:
    """Return the running loop's turns."""
    return _TURNS.setdefault(asyncio.get_running_loop(), Turns(places))
