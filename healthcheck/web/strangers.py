"""How often an address may try tokens that nobody has: so many times a minute, counted by each process for itself.

What is kept is bounded, whoever comes. An address over the limit is answered from memory alone, and jobs behind the
same address with tokens that exist are heard all the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

MAX_TRIES = 30
WINDOW_SECONDS = 60
# A few megabytes; the addresses that have been silent for the longest are forgotten first.
MAX_ADDRESSES = 10_000
# Tokens that are known to exist, read again after so many seconds while somebody guesses.
MAX_KNOWN, KNOWN_SECONDS = 100_000, 5.0


class Strangers:
    """Tries by address, and the tokens that are no strangers. Instants are monotonic; safe to share between threads."""

    def __init__(self, max_addresses: int = MAX_ADDRESSES) -> None:
        self._max_addresses = max_addresses
        self._tries: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()
        self._known: frozenset[str] = frozenset()
        self._known_at = float("-inf")
        self._lock = Lock()

    def count(self, address: str, *, at: float) -> None:
        """Note that a token was unknown."""
        with self._lock:
            since, tries = self._tries.pop(address, (at, 0))
            self._tries[address] = (since, tries + 1) if at < since + WINDOW_SECONDS else (at, 1)
            while len(self._tries) > self._max_addresses:
                self._tries.popitem(last=False)

    def find_wait(self, address: str, *, at: float) -> int:
        """Return for how many seconds the address may try no more; 0 where it may."""
        with self._lock:
            since, tries = self._tries.get(address, (at, 0))
        remaining = since + WINDOW_SECONDS - at
        return max(1, round(remaining)) if tries >= MAX_TRIES and remaining > 0 else 0

    def is_known(self, digest: str, load: Callable[[int], frozenset[str]], *, at: float) -> bool:
        """Whether the token was valid a few seconds ago; `load` reads the hashes of those that are, up to a number."""
        with self._lock:
            is_stale = at - self._known_at >= KNOWN_SECONDS
            if is_stale:
                # Set first, so that only one of many threads asks the database.
                self._known_at = at
        if is_stale:
            self._known = load(MAX_KNOWN)
        return digest in self._known

    def forget(self) -> None:
        """Begin anew, as a process that was just started."""
        with self._lock:
            self._tries.clear()
            self._known, self._known_at = frozenset(), float("-inf")


STRANGERS = Strangers()
