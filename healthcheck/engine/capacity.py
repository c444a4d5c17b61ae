"""How many checks may hold a connection to one address and port at once, so that no target is flooded by us."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from healthcheck.engine.check import CheckSession

AddressPort = tuple[str, int]


@dataclass(slots=True)
class _Place:
    taken: int = 0
    waiters: deque[asyncio.Future[None]] = field(default_factory=deque)


class AddressCaps:
    """A first-come-first-served cap per address and port, for one event loop. What nobody uses costs nothing."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._places: dict[AddressPort, _Place] = {}

    def __len__(self) -> int:
        """The number of addresses in use."""
        return len(self._places)

    async def acquire(self, key: AddressPort, session: CheckSession) -> None:
        """Take a place, waiting outside the check's latency and deadline. Every call needs one `release`."""
        place = self._places.setdefault(key, _Place())
        if place.taken < self._limit:
            place.taken += 1
            return
        waiter = asyncio.get_running_loop().create_future()
        place.waiters.append(waiter)
        try:
            with session.waiting():
                await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():
                # The place was handed over in the same step of the loop that cancelled us: pass it on.
                self.release(key)
            elif waiter in place.waiters:
                place.waiters.remove(waiter)
            raise

    def release(self, key: AddressPort) -> None:
        """Hand the place to the longest waiter, or free it."""
        place = self._places[key]
        while place.waiters:
            waiter = place.waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        place.taken -= 1
        if place.taken == 0:
            del self._places[key]
