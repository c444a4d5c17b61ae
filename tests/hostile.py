"""A server on loopback that misbehaves by name: the faults that a check must survive and call by theirs."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

DRIP_SECONDS = 0.02


def answer(*lines: str, body: bytes = b"") -> bytes:
    """Return the bytes of an answer."""
    return "\r\n".join([*lines, "", ""]).encode() + body


def _ok(body: bytes, *headers: str) -> bytes:
    return answer("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, body=body)


def _chunked(body: bytes) -> bytes:
    return answer("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", body=body)


_BOMB = gzip.compress(bytes(20_000_000), compresslevel=9)

# Read the request, say this, close. What an answer lacks is what makes it hostile.
SCRIPTS: dict[str, bytes] = {
    "good": _ok(b"hello"),
    "empty": _ok(b""),
    "no_content": answer("HTTP/1.1 204 No Content"),
    "until_close": answer("HTTP/1.1 200 OK", body=b"until the end"),
    "http_1_0": answer("HTTP/1.0 200 OK", body=b"old"),
    "chunked": _chunked(b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: t\r\n\r\n"),
    "tiny_chunks": _chunked(b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n"),
    "early_hints": answer("HTTP/1.1 103 Early Hints", "Link: </a>") + _ok(b"hello"),
    "upgrade_offered": _ok(b"hello", "Upgrade: h2,h2c", "Connection: Upgrade, close"),
    "head_with_body": answer("HTTP/1.1 200 OK", "Content-Length: 5", body=b"hello"),
    "no_content_with_body": answer("HTTP/1.1 204 No Content", "Content-Length: 5", body=b"hello"),
    "more_than_length": answer("HTTP/1.1 200 OK", "Content-Length: 5", body=b"hello and more"),
    "not_utf8": _ok(b"\xff\xfe\x00abc", "Content-Type: text/plain"),
    "utf7": _ok(b"+2AA-", "Content-Type: text/plain; charset=utf-7"),
    "cut_header": b"HTTP/1.1 200 OK\r\nContent-Len",
    "cut_body": answer("HTTP/1.1 200 OK", "Content-Length: 500", body=b"hello"),
    "cut_chunk": _chunked(b"5\r\nhel"),
    "cut_between_chunks": _chunked(b"5\r\nhello\r\n"),
    "huge_header": answer("HTTP/1.1 200 OK", f"X-Huge: {'x' * 120_000}"),
    "many_headers": answer("HTTP/1.1 200 OK", *(f"X-{number}: y" for number in range(5_000))),
    "many_cookies": answer("HTTP/1.1 200 OK", *(f"Set-Cookie: c{number}=y" for number in range(2_000))),
    "length_negative": answer("HTTP/1.1 200 OK", "Content-Length: -5", body=b"hello"),
    "length_not_a_number": answer("HTTP/1.1 200 OK", "Content-Length: five", body=b"hello"),
    "lengths_conflict": answer("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6", body=b"hello!"),
    "length_and_chunked": answer(
        "HTTP/1.1 200 OK", "Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "chunk_size_garbage": _chunked(b"zz\r\nhello\r\n0\r\n\r\n"),
    "chunk_size_overflow": _chunked(b"1FFFFFFFFFFFFFFFF\r\nhello\r\n"),
    "chunk_size_huge": _chunked(b"FFFFFFFFFFFFFFFF\r\nhello\r\n"),
    "http_0_9": b"<html>hello</html>",
    "random": bytes((number * 73 + 11) % 256 for number in range(256)),
    "ssh_banner": b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
    "http2_preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "status_000": answer("HTTP/1.1 000 Nothing", "Content-Length: 0"),
    "status_999": answer("HTTP/1.1 999 Denied", "Content-Length: 0"),
    "status_1000": answer("HTTP/1.1 1000 Much", "Content-Length: 0"),
    "version_9_9": answer("HTTP/9.9 200 OK", "Content-Length: 0"),
    "version_2_0": answer("HTTP/2.0 200 OK", "Content-Length: 0"),
    "switching_protocols": answer("HTTP/1.1 101 Switching Protocols", "Upgrade: x", "Connection: Upgrade"),
    "nul_in_reason": b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
    "nul_in_header": b"HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 0\r\n\r\n",
    "bare_lf": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "folded_header": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "space_before_colon": b"HTTP/1.1 200 OK\r\nX-A : b\r\nContent-Length: 0\r\n\r\n",
    "gzip": _ok(gzip.compress(b"hello"), "Content-Encoding: gzip"),
    "gzip_members": _ok(gzip.compress(b"hel") + gzip.compress(b"lo"), "Content-Encoding: x-gzip"),
    "deflate": _ok(zlib.compress(b"hello"), "Content-Encoding: deflate"),
    "deflate_raw": _ok(zlib.compress(b"hello", wbits=-15), "Content-Encoding: deflate"),
    "gzip_bomb": _ok(_BOMB, "Content-Encoding: gzip"),
    "gzip_cut": _ok(gzip.compress(b"hello" * 100)[:-9], "Content-Encoding: gzip"),
    "gzip_not": _ok(b"hello, not packed", "Content-Encoding: gzip"),
    "gzip_nested": _ok(gzip.compress(gzip.compress(b"hello")), "Content-Encoding: gzip, gzip"),
    "encodings_500": _ok(b"hello", f"Content-Encoding: {', '.join(['gzip'] * 500)}"),
    "brotli": _ok(b"\x0b\x02\x80hello\x03", "Content-Encoding: br"),
    "zstd": _ok(b"\x28\xb5\x2f\xfd", "Content-Encoding: zstd"),
    "redirect_empty": answer("HTTP/1.1 302 Found", "Location: ", "Content-Length: 0"),
    "redirect_missing": answer("HTTP/1.1 302 Found", "Content-Length: 0"),
    "redirect_broken": answer("HTTP/1.1 302 Found", "Location: http://[::1", "Content-Length: 0"),
    "redirect_bad_port": answer("HTTP/1.1 302 Found", "Location: http://127.0.0.1:99999/", "Content-Length: 0"),
    "redirect_file": answer("HTTP/1.1 302 Found", "Location: file:///etc/passwd", "Content-Length: 0"),
    "redirect_javascript": answer("HTTP/1.1 302 Found", "Location: javascript:alert(1)", "Content-Length: 0"),
    "redirect_loop": answer("HTTP/1.1 302 Found", "Location: /", "Content-Length: 0"),
    "redirect_bad_name": answer("HTTP/1.1 302 Found", f"Location: http://{'a' * 64}.com/", "Content-Length: 0"),
}


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def play(script: bytes) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(script)
        await writer.drain()

    return behave


def _drip(head: bytes, pieces: Callable[[], Iterable[bytes]], *, pause: float = 0.0) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(head)
        for piece in pieces():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


def _cut_hard(writer: asyncio.StreamWriter) -> None:
    # Linger of zero turns the close into a reset.
    handle: socket.socket = writer.get_extra_info("socket")
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _reset_after(script: bytes) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _read_request(reader)
        writer.write(script)
        await writer.drain()
        # Long enough for the client to have read it: a reset throws away what lies unread.
        await asyncio.sleep(0.05)
        _cut_hard(writer)

    return behave


async def _stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(3600)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close before a byte has come."""
    writer.close()


async def _close_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _read_request(reader)


async def _answer_unasked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(SCRIPTS["good"])
    await _read_request(reader)


async def _greet_unasked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(SCRIPTS["ssh_banner"])
    await reader.read()


async def _answer_anything(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(answer("HTTP/1.1 400 Bad Request", "Content-Length: 0"))
    await writer.drain()


async def _drip_a_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    # The frame of a TLS record that announces 16 KiB, and then a byte of them now and then.
    writer.write(b"\x16\x03\x03\x40\x00\x02")
    while True:
        writer.write(b"\x00")
        await writer.drain()
        await asyncio.sleep(DRIP_SECONDS)


async def _answer_and_vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _read_request(reader)
    writer.write(SCRIPTS["good"])
    await writer.drain()
    # Under TLS this is a close without a goodbye.
    writer.transport.abort()


async def _echo_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await _read_request(reader)
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            head += await reader.readexactly(int(line.partition(b":")[2]))
    writer.write(_ok(head))
    await writer.drain()


_ENDLESS = answer("HTTP/1.1 200 OK", "Content-Length: 999999999999")

BEHAVIOURS: dict[str, Behaviour] = {
    **{name: play(script) for name, script in SCRIPTS.items()},
    "silent": _stay_silent,
    "never_read": _never_read,
    "close_at_once": _close_at_once,
    "answer_unasked": _answer_unasked,
    "greet_unasked": _greet_unasked,
    "answer_anything": _answer_anything,
    "answer_and_vanish": _answer_and_vanish,
    "handshake_drip": _drip_a_handshake,
    "echo": _echo_request,
    "header_drip": _drip(b"HTTP/1.1 200 OK\r\nX: ", lambda: itertools.repeat(b"x"), pause=DRIP_SECONDS),
    "body_drip": _drip(_ENDLESS, lambda: itertools.repeat(b"x"), pause=DRIP_SECONDS),
    "endless_continue": _drip(b"", lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "endless_headers": _drip(b"HTTP/1.1 200 OK\r\n", lambda: itertools.repeat(b"X-A: b\r\n")),
    "endless_body": _drip(_ENDLESS, lambda: itertools.repeat(bytes(65536))),
    "endless_redirect_body": _drip(
        answer("HTTP/1.1 302 Found", "Location: file:///", "Content-Length: 999999999999"),
        lambda: itertools.repeat(bytes(65536)),
    ),
    "endless_trailer": _drip(_chunked(b"1\r\nx\r\n0\r\nX: "), lambda: itertools.repeat(b"a" * 65536)),
    "endless_trailers": _drip(_chunked(b"1\r\nx\r\n0\r\n"), lambda: itertools.repeat(b"X: a\r\n" * 10_000)),
    "endless_chunk_extension": _drip(_chunked(b"1\r\nx\r\n1;x="), lambda: itertools.repeat(b"a" * 65536)),
    "body_over_2_mib": _drip(answer("HTTP/1.1 200 OK"), lambda: [bytes(65536)] * 40),
    "reset_before_headers": _reset_after(b""),
    "reset_in_header": _reset_after(b"HTTP/1.1 200 OK\r\nX: "),
    "reset_in_body": _reset_after(SCRIPTS["cut_body"]),
    "reset_in_endless_body": _reset_after(answer("HTTP/1.1 200 OK", body=b"hello")),
}


def redirect_to(location: str, status: int = 302) -> Behaviour:
    return play(answer(f"HTTP/1.1 {status} Elsewhere", f"Location: {location}", "Content-Length: 0"))


class Gate:
    """Keeps everybody waiting for a good answer until it is opened: a check that lasts as long as a test wants."""

    def __init__(self) -> None:
        # Released once for each request that has come.
        self.arrived = threading.Semaphore(0)
        self._opened = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._loop = asyncio.get_running_loop()
        await _read_request(reader)
        self.arrived.release()
        await self._opened.wait()
        writer.write(SCRIPTS["good"])
        await writer.drain()

    def open(self) -> None:
        """Let everybody through, from now on. Somebody must have arrived."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._opened.set)


class HostileServer:
    """One listening socket per behaviour, all on a thread with a loop of its own. Use it in a `with` block."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hostile", daemon=True)
        self._servers: list[asyncio.Server] = []
        # Connections accepted so far, by port.
        self.accepted: dict[int, int] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(timeout=5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=5)
        self._loop.close()

    def listen(
        self,
        behaviour: str | Behaviour,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> int:
        """Return the port of a new socket where every connection meets the behaviour; a free one unless it is given."""
        behave = BEHAVIOURS[behaviour] if isinstance(behaviour, str) else behaviour
        return asyncio.run_coroutine_threadsafe(self._listen(behave, tls, (host, port)), self._loop).result(timeout=5)

    def listen_together(
        self, behaviours: Mapping[str, str | Behaviour], *, tls: Mapping[str, ssl.SSLContext] | None = None
    ) -> int:
        """Return one port at which every one of these addresses meets a behaviour of its own."""
        (first, behaviour), *others = behaviours.items()
        contexts = tls or {}
        for _ in range(50):
            port = self.listen(behaviour, host=first, tls=contexts.get(first))
            # Another program may hold the port at another address.
            with suppress(OSError):
                for host, each in others:
                    self.listen(each, host=host, port=port, tls=contexts.get(host))
                return port
        raise OSError("no port is free on all addresses")

    async def _listen(self, behave: Behaviour, tls: ssl.SSLContext | None, place: tuple[str, int]) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.accepted[port] += 1
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await behave(reader, writer)
            writer.close()

        server = await asyncio.start_server(serve, *place, ssl=tls, backlog=512)
        if behave is _never_read:
            # Inherited by what is accepted: so little is taken by the kernel in the place of who never reads.
            server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        port: int = server.sockets[0].getsockname()[1]
        # A free port of one address may be an older one of another; one that is given is meant to be shared.
        self.accepted[port] = self.accepted.get(port, 0) if place[1] else 0
        self._servers.append(server)
        return port

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # The closed transports need a step of the loop to let go of their sockets.
        await asyncio.sleep(0)
