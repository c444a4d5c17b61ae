"""One fresh connection per request, HTTP/1.1, everything bounded: httpx's own pool is quadratic in concurrency."""

from __future__ import annotations

import asyncio
import re
from typing import Self

import httptools

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.details import Exchange, read_tls
from healthcheck.engine.dialer import Connection
from healthcheck.engine.dns.servers import NameServer
from healthcheck.engine.faults import ProbeFailure, classify_os_error
from healthcheck.engine.http_message import Request, spell_url
from healthcheck.engine.proxy import Proxy, dial_by_proxy, refuse_login
from healthcheck.engine.trust import TlsSettings
from healthcheck.engine.types import AddressFamily, ErrorKind, Phase

# Servers themselves refuse 8 to 32 KiB of request header; twice that is generous for an answer.
MAX_HEADER_BYTES = 64 * 1024
MAX_HEADER_LINES = 200
# `100 Continue`, `103 Early Hints`: a handful is legal, an endless row of them is an attack.
MAX_INTERIM_RESPONSES = 16
# What may follow the header without being body, in one run: chunk sizes, their extensions, trailers. httptools joins a
# trailer anew with every feed, so that an endless one would cost the square of its length.
MAX_FRAMING_BYTES = 64 * 1024
# The smallest legal chunk, one byte of body, takes six on the wire; the rest is room for leading zeros.
WIRE_BYTES_PER_BODY_BYTE = 9
# What the parser is fed at once after the header: a bound that is looked at after each piece.
PIECE_BYTES = 64 * 1024
# What may lie unread in memory before the peer is told to stop sending.
HIGH_WATER_BYTES = 256 * 1024

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class _Exchange(asyncio.Protocol):
    """One response on one connection: fed by the loop, parsed by httptools, read by one waiting task."""

    def __init__(self, *, is_head: bool) -> None:
        self._is_head = is_head
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._failure: ProbeFailure | None = None
        self._header_bytes = 0
        self._framing_bytes = 0
        self._interim = 0
        self._ends_with_connection = True
        self._has_headers = False
        self._is_complete = False
        self._is_paused = False
        self._is_writable = True
        self._chunks: list[bytes] = []
        self._buffered = 0
        self.status = 0
        self.version = ""
        self.headers: list[tuple[bytes, bytes]] = []

    async def send(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write the request and wait until the peer has taken it, answers without it, or is gone."""
        self._transport = transport
        if len(data) > HIGH_WATER_BYTES // 4:
            # So that a peer that never reads is seen in this phase and not in the next.
            transport.set_write_buffer_limits(0)
        transport.write(data)
        while not (self._is_writable or self._has_headers or self._failure):
            await self._wait()

    async def receive_headers(self) -> None:
        while not (self._has_headers or self._failure):
            await self._wait()
        if self._failure is not None and not self._has_headers:
            raise self._failure

    async def receive_body(self) -> bytes:
        """Return the bytes that have come since the last call, empty at the end."""
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self._is_complete:
                return b""
            await self._wait()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._buffered = 0
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        return data

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, kind: ErrorKind, found: str) -> None:
        if self._failure is None:
            self._failure = ProbeFailure(kind, Phase.BODY if self._has_headers else Phase.HEADERS, found)

    # What the loop calls.

    def data_received(self, data: bytes) -> None:
        if self._is_complete or self._failure is not None:
            return
        try:
            self._feed(data)
        except httptools.HttpParserUpgrade:
            self._fail(ErrorKind.PROTOCOL, "it switched protocols unasked")
        except httptools.HttpParserError as error:
            # After the message's end it is no longer ours: garbage behind a HEAD or a 204 is common and harmless.
            if not self._is_complete:
                self._fail(ErrorKind.PROTOCOL, str(error))
        self._wake()

    def _feed(self, data: bytes) -> None:
        while data and not self._has_headers:
            room = MAX_HEADER_BYTES - self._header_bytes
            if room <= 0:
                self._fail(ErrorKind.TOO_LARGE, f"a header of more than {MAX_HEADER_BYTES} bytes")
                return
            self._header_bytes += len(data)
            self._parser.feed_data(data if len(data) <= room else data[:room])
            data = data[room:]
        for start in range(0, len(data), PIECE_BYTES):
            self._feed_piece(data[start : start + PIECE_BYTES])
            if self._is_complete or self._failure is not None:
                return

    def _feed_piece(self, piece: bytes) -> None:
        # Paid off by `on_body`: what stays is what the peer says without saying anything.
        self._framing_bytes += len(piece)
        self._parser.feed_data(piece)
        if self._framing_bytes > MAX_FRAMING_BYTES and not self._is_complete:
            self._fail(ErrorKind.TOO_LARGE, f"more than {MAX_FRAMING_BYTES} bytes around the body")

    def eof_received(self) -> None:
        self._finish(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._finish(error)

    def _finish(self, error: Exception | None) -> None:
        if self._is_complete or self._failure is not None:
            return
        if isinstance(error, OSError):
            self._failure = classify_os_error(error, Phase.BODY if self._has_headers else Phase.HEADERS)
        elif self._has_headers and self._ends_with_connection and error is None:
            self._is_complete = True
        elif self._has_headers:
            self._fail(ErrorKind.CONNECTION, "closed in the middle of the body")
        else:
            self._fail(
                ErrorKind.CONNECTION,
                "closed in the middle of the header" if self._header_bytes else "closed without an answer",
            )
        self._wake()

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        self._wake()

    # What the parser calls.

    def on_status(self, reason: bytes) -> None:
        # RFC 9112, 4; the parser looks for line ends alone.
        if _CONTROL.search(reason):
            self._refuse("a control character in the reason")

    def on_header(self, name: bytes, value: bytes) -> None:
        # Trailers of a chunked body come here too; nobody reads them.
        if self._has_headers:
            return
        if len(self.headers) >= MAX_HEADER_LINES:
            self._fail(ErrorKind.TOO_LARGE, f"more than {MAX_HEADER_LINES} header lines")
            raise OverflowError
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._has_headers:
            return
        self.status = self._parser.get_status_code()
        self.version = self._parser.get_http_version()
        if self.version not in {"1.1", "1.0"}:
            self._refuse("an HTTP version nobody offered")
        if not 100 <= self.status <= 599:
            self._refuse(f"status {self.status:03d}")
        if self.status < 200:
            self._skip_interim()
            return
        self._has_headers = True
        self._is_complete = self._is_head
        for name, value in self.headers:
            lowered = name.lower()
            if lowered == b"content-length" or (
                lowered == b"transfer-encoding" and value.lower().rstrip().endswith(b"chunked")
            ):
                self._ends_with_connection = False

    def _skip_interim(self) -> None:
        self._interim += 1
        if self._interim > MAX_INTERIM_RESPONSES:
            self._refuse(f"more than {MAX_INTERIM_RESPONSES} interim responses")
        self.headers = []

    def _refuse(self, found: str) -> None:
        self._fail(ErrorKind.PROTOCOL, found)
        raise ValueError

    def on_body(self, body: bytes) -> None:
        if self._is_complete:
            return
        self._framing_bytes = max(0, self._framing_bytes - len(body) * WIRE_BYTES_PER_BODY_BYTE)
        self._chunks.append(body)
        self._buffered += len(body)
        if self._buffered > HIGH_WATER_BYTES and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._has_headers:
            self._is_complete = True


class Answer:
    """An answer whose header is there; iterating reads the body as it comes. It must be closed by who asked for it."""

    __slots__ = ("_exchange", "connection", "headers", "status")

    def __init__(self, exchange: _Exchange, connection: Connection) -> None:
        self._exchange = exchange
        self.connection = connection
        self.status = exchange.status
        self.headers = exchange.headers

    @property
    def protocol(self) -> str:
        return f"HTTP/{self._exchange.version}"

    def list_values(self, name: bytes) -> list[bytes]:
        """Return the values of the headers of a name in lower case, in their order."""
        return [value for each, value in self.headers if each.lower() == name]

    @property
    def encoding(self) -> str:
        return ",".join(value.decode("latin-1") for value in self.list_values(b"content-encoding"))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        data = await self._exchange.receive_body()
        if not data:
            raise StopAsyncIteration
        return data

    def close(self) -> None:
        self.connection.close()


class OneConnectionTransport:
    """Each request dials anew and says `Connection: close`."""

    def __init__(
        self,
        session: CheckSession,
        *,
        tls: TlsSettings | None = None,
        family: AddressFamily = AddressFamily.ANY,
        resolver: NameServer | None = None,
        proxy: Proxy | None = None,
    ) -> None:
        self._session = session
        self._tls = tls or TlsSettings()
        self._family = family
        self._resolver = resolver
        self._proxy = proxy

    async def ask(self, request: Request) -> Answer:
        """Return the answer once its header is there. Raises ProbeFailure; nothing stays open when it does."""
        measure = self._session.stopwatch.measure
        exchange = _Exchange(is_head=request.method == "HEAD")
        trace = self._session.trace
        if trace is not None:
            trace.note_request(_describe_request(request))
        connection = await self._dial(request, exchange)
        is_absolute = self._proxy is not None and not request.is_encrypted
        try:
            with measure(Phase.REQUEST):
                await exchange.send(connection.transport, request.encode(is_absolute=is_absolute))
            with measure(Phase.HEADERS):
                await exchange.receive_headers()
            if is_absolute and exchange.status == 407:
                raise refuse_login()
        except BaseException:
            connection.close()
            raise
        answer = Answer(exchange, connection)
        if trace is not None:
            trace.note_address(connection.address)
            tls = read_tls(connection.ssl_object)
            trace.note_answer(answer.status, answer.headers, protocol=answer.protocol, tls=tls)
        return answer

    async def _dial(self, request: Request, exchange: _Exchange) -> Connection:
        destination = self._locate(request)
        if self._proxy is not None:
            return await dial_by_proxy(self._session, destination, exchange, proxy=self._proxy)
        return await self._session.dialer.dial(self._session, destination, exchange)

    def _locate(self, request: Request) -> Destination:
        return Destination(
            request.host,
            request.port,
            self._family,
            self._tls if request.is_encrypted else None,
            server_name=request.server_name,
            resolver=self._resolver,
        )


def _describe_request(request: Request) -> Exchange:
    return Exchange(
        method=request.method,
        url=spell_url(request.url),
        request_headers=(*request.headers, ("Connection", "close")),
        request_body_size=len(request.body),
        host=request.host,
        port=request.port,
    )
