"""OAuth 2.0 access tokens of this process: kept until shortly before they expire, one fetch at a time for each."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from healthcheck.engine.credentials.model import OAuth2Credential

# Credentials whose tokens one process keeps; the one that was used longest ago goes first.
MAX_TOKENS = 1024
# When the token server names no expiry. A target that refuses the token earlier has it fetched anew.
DEFAULT_LIFETIME_SECONDS = 300.0
# A token is not used up to the instant of its expiry: clocks differ, and requests take time.
MARGIN_SECONDS = 30.0
MAX_LIFETIME_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. `lifetime` is what the token server promised, in seconds; None when it said nothing."""

    text: str = field(repr=False)
    lifetime: float | None = None


class Tokens:
    """A bounded cache by the digest of everything that makes a token: a changed secret is another credential."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept: OrderedDict[str, tuple[Token, float]] = OrderedDict()
        self._clock = clock

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: str) -> Token | None:
        """Return the token that is still good."""
        token, ends_at = self._kept.get(key, (None, 0.0))
        if token is None or self._clock() >= ends_at:
            return None
        self._kept.move_to_end(key)
        return token

    def keep(self, key: str, token: Token) -> None:
        lifetime = DEFAULT_LIFETIME_SECONDS if token.lifetime is None else min(token.lifetime, MAX_LIFETIME_SECONDS)
        # A short life keeps nine tenths of itself, so that such a token is used more than once, too.
        self._kept[key] = token, self._clock() + lifetime - min(MARGIN_SECONDS, lifetime / 10)
        self._kept.move_to_end(key)
        while len(self._kept) > MAX_TOKENS:
            self._kept.popitem(last=False)

    def forget(self, key: str, token: Token) -> None:
        """Drop a token that was refused, unless another one has taken its place."""
        if self._kept.get(key, (None, 0.0))[0] is token:
            del self._kept[key]


@dataclass(slots=True)
class _Fetch:
    task: asyncio.Task[Token]
    waiters: int = 0


class Fetches:
    """The fetches under way on one event loop. Whoever comes while one is, waits for it and shares its end."""

    def __init__(self) -> None:
        self._under_way: dict[str, _Fetch] = {}

    async def share(self, key: str, fetch: Callable[[], Awaitable[Token]]) -> Token:
        """Return what the fetch for this key returns, or raise what it raises. The last waiter's end is its end."""
        shared = self._under_way.get(key)
        if shared is None:
            shared = self._under_way[key] = _Fetch(asyncio.ensure_future(fetch()))
            shared.task.add_done_callback(lambda task: self._take_out(key, task))
        shared.waiters += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiters -= 1
            if not shared.waiters and not shared.task.done():
                await self._end(key, shared)

    async def _end(self, key: str, shared: _Fetch) -> None:
        # Nobody may join what is being cancelled.
        self._take_out(key, shared.task)
        shared.task.cancel()
        await asyncio.wait([shared.task])

    def _take_out(self, key: str, task: asyncio.Task[Token]) -> None:
        if key in self._under_way and self._under_way[key].task is task:
            del self._under_way[key]
        if task.done() and not task.cancelled():
            # Read, so that a failure that came when nobody waited any more is not reported as unheard.
            task.exception()


TOKENS = Tokens()
_FETCHES: WeakKeyDictionary[asyncio.AbstractEventLoop, Fetches] = WeakKeyDictionary()


def get_fetches() -> Fetches:
    """Return the running loop's fetches."""
    return _FETCHES.setdefault(asyncio.get_running_loop(), Fetches())


def name_token(credential: OAuth2Credential) -> str:
    """Return the digest under which the credential's token is kept."""
    parts = (credential.token_url, credential.client_id, credential.client_secret, credential.scope)
    text = "\0".join((*parts, str(credential.sends_secret_in_body)))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
