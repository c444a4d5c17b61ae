"""A DNS server on loopback that answers, and misbehaves, by name: UDP and TCP on one port, TLS on another.

    with DnsServer() as server:
        server.add("a.example", "A 192.0.2.1", "A 192.0.2.2", ttl=30)
        server.add("www.example", "CNAME a.example.", "a.example. 60 IN A 192.0.2.1")
        server.play("slow.example", Reply(("A 192.0.2.1",), delay=0.5))
        server.play("rebinding.example", Reply(("A 192.0.2.1",)), Reply(("A 127.0.0.1",)))
        server.play("lossy.example", Reply(("A 192.0.2.1",), drops=1))

`server.address` is what an option that names a server takes. A record is written `TYPE DATA`, then it belongs to the
name that is asked; or in full as in a zone file, `OWNER TTL IN TYPE DATA`. It is answered to questions for its type,
an alias to all. A name that nobody added does not exist (NXDOMAIN). An answer that is too large for UDP is truncated
as it should be, unless a reply says otherwise. `server.questions` are all that were asked, in order.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

CLASSIC_UDP_BYTES = 512
FORGED_RECORD = "A 203.0.113.66"


@dataclass(frozen=True)
class Reply:
    """How one question is answered. Without anything it is an empty answer of a name that exists."""

    records: tuple[str, ...] = ()
    rcode: str = "NOERROR"
    ttl: int = 60
    # Seconds before the answer.
    delay: float = 0.0
    # So many questions by UDP of each name and type go unanswered first.
    drops: int = 0
    is_silent: bool = False
    # Over UDP: without records, and with the flag that asks for TCP; also by a server that has no TCP.
    is_truncated: bool = False
    # Over UDP: all of it, however large.
    is_oversized: bool = False
    # Sent before the true answer, with FORGED_RECORD in it: "id", "question", or "source" for another port.
    forgeries: tuple[str, ...] = ()
    # In the place of all that stands behind the message's id: these bytes.
    raw: bytes | None = None
    # Over TCP and TLS: the connection ends in the middle of the answer.
    is_cut: bool = False
    # Records of the authority section.
    authority: tuple[str, ...] = ()


class Question(NamedTuple):
    """What was asked, in lower case and without the last dot, and over what: udp, tcp or tls."""

    name: str
    type: str
    protocol: str


class DnsServer:
    """Serves from a thread of its own until the block ends."""

    def __init__(self, host: str = "127.0.0.1", *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.host, self.port, self.tls_port = host, port, 0
        self.questions: list[Question] = []
        self._tls = tls
        self._replies: dict[str, list[Reply]] = {}
        self._dropped: dict[tuple[str, str], int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._udp: asyncio.DatagramTransport | None = None
        self._other: asyncio.DatagramTransport | None = None
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return self._write_address(self.port)

    @property
    def tls_address(self) -> str:
        return f"tls://{self._write_address(self.tls_port)}"

    def _write_address(self, port: int) -> str:
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"

    def add(self, name: str, *records: str, ttl: int = 60) -> None:
        """Answer for the name with these records."""
        self.play(name, Reply(records, ttl=ttl))

    def play(self, name: str, *replies: Reply) -> None:
        """Answer for the name with one reply after the other; the last one stays."""
        self._replies[_spell(name)] = list(replies)

    def forget(self) -> None:
        """Know no name and no question any more."""
        self._replies.clear()
        self._dropped.clear()
        self.questions.clear()

    def count(self, name: str, protocol: str | None = None) -> int:
        """Return how often the name was asked for, over this protocol or over any."""
        return sum(each.name == _spell(name) and protocol in (None, each.protocol) for each in self.questions)

    # What happens on the loop.

    def answer_datagram(self, data: bytes, sender: Any) -> None:
        task = self._loop.create_task(self._answer_udp(data, sender))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_udp(self, data: bytes, sender: Any) -> None:
        asked = self._read(data, "udp")
        if asked is None or self._udp is None or self._other is None:
            return
        query, question = asked
        reply = self._choose(question, query)
        if reply.is_silent or self._is_dropped(question, reply):
            return
        await asyncio.sleep(reply.delay)
        for forgery in reply.forgeries:
            (self._other if forgery == "source" else self._udp).sendto(_forge(query, forgery), sender)
        self._udp.sendto(_write_datagram(query, reply), sender)

    def _is_dropped(self, question: Question, reply: Reply) -> bool:
        key = (question.name, question.type)
        self._dropped[key] = self._dropped.get(key, 0) + 1
        return self._dropped[key] <= reply.drops

    async def _serve_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = "tls" if writer.get_extra_info("ssl_object") is not None else "tcp"
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, asyncio.CancelledError):
            while await self._answer_stream(reader, writer, protocol):
                pass
        writer.close()

    async def _answer_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, protocol: str) -> bool:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        asked = self._read(await reader.readexactly(size), protocol)
        if asked is None:
            return False
        query, question = asked
        reply = self._choose(question, query)
        if reply.is_silent:
            await reader.read()
            return False
        await asyncio.sleep(reply.delay)
        wire = _write(query, reply)
        writer.write(struct.pack("!H", len(wire)) + (wire[: len(wire) // 2] if reply.is_cut else wire))
        await writer.drain()
        return not reply.is_cut

    def _read(self, data: bytes, protocol: str) -> tuple[dns.message.Message, Question] | None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return None
        asked = query.question[0]
        question = Question(_spell(str(asked.name)), dns.rdatatype.to_text(asked.rdtype), protocol)
        self.questions.append(question)
        return query, question

    def _choose(self, question: Question, query: dns.message.Message) -> Reply:
        replies = self._replies.get(question.name, [Reply(rcode="NXDOMAIN")])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    async def _open(self) -> None:
        # A port that is free for TCP may be taken for UDP.
        while self._udp is None:
            server = await asyncio.start_server(self._serve_stream, self.host, self.port)
            port = server.sockets[0].getsockname()[1]
            try:
                self._udp, _ = await self._loop.create_datagram_endpoint(
                    lambda: _Datagrams(self), local_addr=(self.host, port)
                )
            except OSError:
                server.close()
                if self.port:
                    raise
            else:
                self.port = port
                self._servers.append(server)
        self._other, _ = await self._loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(self.host, 0))
        if self._tls is not None:
            encrypted = await asyncio.start_server(self._serve_stream, self.host, 0, ssl=self._tls)
            self.tls_port = encrypted.sockets[0].getsockname()[1]
            self._servers.append(encrypted)

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for transport in (self._udp, self._other):
            if transport is not None:
                transport.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, sender: Any) -> None:
        self._server.answer_datagram(data, sender)


def _spell(name: str) -> str:
    return name.lower().removesuffix(".")


def _write_datagram(query: dns.message.Message, reply: Reply) -> bytes:
    wire = _write(query, reply)
    room = max(query.payload, CLASSIC_UDP_BYTES)
    is_cut = reply.is_truncated or (len(wire) > room and not reply.is_oversized)
    if reply.raw is not None or not is_cut:
        return wire
    # Without the flag, the C library takes a reply without records for that of a server that does not know.
    message = dns.message.make_response(query, recursion_available=True)
    message.flags |= dns.flags.TC
    return message.to_wire()


def _write(query: dns.message.Message, reply: Reply) -> bytes:
    if reply.raw is not None:
        return struct.pack("!H", query.id) + reply.raw
    message = dns.message.make_response(query, recursion_available=True)
    message.set_rcode(dns.rcode.from_text(reply.rcode))
    asked = query.question[0]
    for rrset in _read_records(reply.records, str(asked.name), reply.ttl):
        if rrset.rdtype in (asked.rdtype, dns.rdatatype.CNAME) or asked.rdtype == dns.rdatatype.ANY:
            message.answer.append(rrset)
    message.authority += _read_records(reply.authority, str(asked.name), reply.ttl)
    return message.to_wire(max_size=65535)


def _read_records(records: Sequence[str], name: str, ttl: int) -> list[dns.rrset.RRset]:
    """Return each record as a set of its own: within a set, they would go out in any order."""
    found = []
    for record in records:
        first = record.split(None, 4)
        is_full = len(first) == 5 and first[1].isdigit() and first[2] == "IN"
        owner, seconds, _, kind, data = first if is_full else (name, str(ttl), "IN", *record.split(None, 1))
        found.append(dns.rrset.from_text(owner, int(seconds), "IN", kind, data))
    return found


def _forge(query: dns.message.Message, how: str) -> bytes:
    wire = bytearray(_write(query, Reply((FORGED_RECORD,))))
    if how == "id":
        wire[1] ^= 0xFF
    if how == "question":
        # The first letter of the name that is asked for.
        wire[13] ^= 0x01
    return bytes(wire)
