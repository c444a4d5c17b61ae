"""The bytes of one connection, read by one task that waits, with a bound on all that a peer may say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from healthcheck.engine.faults import ProbeFailure, classify_os_error
from healthcheck.engine.types import ErrorKind, Phase

MAX_LINE_BYTES = 8 * 1024


class Stream(asyncio.Protocol):
    """What comes is kept until it is consumed. More than `limit` bytes in all is a failure (too large)."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._unread = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._failure: ProbeFailure | None = None
        self._is_writable = True
        # All that was received, for whoever judges it.
        self.received = bytearray()

    @property
    def has_unread(self) -> bool:
        return bool(self._unread)

    async def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write and wait until the peer has taken it, or is gone."""
        transport.write(data)
        while not self._is_writable and self._failure is None:
            await self._wait()

    async def read_until(self, find_end: Callable[[bytes], int | None]) -> bytes:
        """Consume and return the bytes up to the end that `find_end` names in what is unread.

        Raises ProbeFailure when the connection ends before.
        """
        while True:
            unread = bytes(self._unread)
            end = find_end(unread)
            if end is not None:
                del self._unread[:end]
                return unread[:end]
            if self._failure is not None:
                raise self._failure
            await self._wait()

    async def read_found(self, find_end: Callable[[bytes], Awaitable[int | None]]) -> bytes:
        """Do the same where finding the end takes its time, in which more may come."""
        while True:
            unread = bytes(self._unread)
            end = await find_end(unread)
            if end is not None:
                del self._unread[:end]
                return unread[:end]
            if len(self._unread) > len(unread):
                continue
            if self._failure is not None:
                raise self._failure
            await self._wait()

    async def read_line(self) -> bytes:
        """Consume a line and return it without its end."""
        line = await self.read_until(_find_line_end)
        return line.rstrip(b"\r\n")

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, failure: ProbeFailure) -> None:
        if self._failure is None:
            self._failure = failure
        self._wake()

    # What the loop calls.

    def data_received(self, data: bytes) -> None:
        if self._failure is not None:
            return
        if len(self.received) + len(data) > self._limit:
            self._fail(ProbeFailure(ErrorKind.TOO_LARGE, Phase.BODY, f"more than {self._limit} bytes"))
            return
        self.received += data
        self._unread += data
        self._wake()

    def eof_received(self) -> None:
        self._fail(ProbeFailure(ErrorKind.CONNECTION, Phase.BODY, "closed before the end of the dialogue"))

    def connection_lost(self, error: Exception | None) -> None:
        if isinstance(error, OSError):
            self._fail(classify_os_error(error, Phase.BODY))
        else:
            self.eof_received()

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        self._wake()


def _find_line_end(unread: bytes) -> int | None:
    end = unread.find(b"\n", 0, MAX_LINE_BYTES)
    if end < 0 and len(unread) >= MAX_LINE_BYTES:
        raise ProbeFailure(ErrorKind.TOO_LARGE, Phase.BODY, f"a line of more than {MAX_LINE_BYTES} bytes")
    return None if end < 0 else end + 1
