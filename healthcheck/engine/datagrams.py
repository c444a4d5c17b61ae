"""One connected UDP socket of one check: only its peer is heard, and a refusal of the peer is told."""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Any, Self

from healthcheck.engine.check import CheckSession
from healthcheck.engine.faults import classify_os_error
from healthcheck.engine.types import Phase

# The largest that there is.
MAX_DATAGRAM_BYTES = 65535
# Read in one step of the loop. A socket that always has more to read never waits, and no deadline would end its check.
MAX_READS = 32


class Datagrams:
    """A socket and its place under the caps, for an `async with`. The port is the kernel's random choice.

    `address` is what the address policy has permitted, or what is this system's own.
    """

    def __init__(self, session: CheckSession, address: str, port: int) -> None:
        self._session = session
        self._key = (address, port)
        self._socket: socket.socket | None = None
        self._reads = 0

    async def __aenter__(self) -> Self:
        """Raises ProbeFailure."""
        self._session.address = self._key[0]
        await self._session.dialer.caps.acquire(self._key, self._session)
        try:
            self._socket = _connect(*self._key)
        except OSError as error:
            self._session.dialer.caps.release(self._key)
            raise classify_os_error(error, Phase.CONNECT) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._socket is not None
        self._socket.close()
        self._session.dialer.caps.release(self._key)

    def send(self, data: bytes) -> None:
        """Send one datagram, or lose it where there is no room. Raises ProbeFailure."""
        assert self._socket is not None
        self._session.address = self._key[0]
        try:
            self._socket.send(data)
        except BlockingIOError:
            # It is sent again in any case.
            return
        except OSError as error:
            raise classify_os_error(error, Phase.HEADERS) from error

    async def receive(self) -> bytes:
        """Wait for one datagram. Raises ProbeFailure."""
        assert self._socket is not None
        self._reads += 1
        if self._reads % MAX_READS == 0:
            await asyncio.sleep(0)
        try:
            return await asyncio.get_running_loop().sock_recv(self._socket, MAX_DATAGRAM_BYTES)
        except OSError as error:
            if isinstance(error, TimeoutError) and error.errno is None:
                raise
            raise classify_os_error(error, Phase.HEADERS) from error


def _connect(address: str, port: int) -> socket.socket:
    family, place = _read_place(address, port)
    made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        made.connect(place)
    except BaseException:
        made.close()
        raise
    return made


def _read_place(address: str, port: int) -> tuple[int, Any]:
    if "%" not in address:
        return socket.AF_INET6 if ":" in address else socket.AF_INET, (address, port)
    # The zone of a link-local address has a number. Nothing is looked up; bytes, because text would cost a codec.
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    [(family, _, _, _, place), *_] = socket.getaddrinfo(address.encode(), port, type=socket.SOCK_DGRAM, flags=flags)
    return family, place
