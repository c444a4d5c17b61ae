"""What answers echo requests in a namespace where the kernel does not: late, twice, forged, or with an error."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

_HEADER = struct.Struct("!BBHHH")


@dataclass(frozen=True, slots=True)
class Request:
    """An echo request as it arrived; `packet` begins with the header of IP, as far as the kernel hands that over."""

    version: int
    identifier: int
    sequence: int
    payload: bytes
    asker: str
    packet: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One packet to send, so many seconds later, from another address where there is one."""

    message: bytes
    delay: float = 0.0
    source: str = ""


Behaviour = Callable[[Request], list[Answer]]


def echo(request: Request, *, payload: bytes | None = None, sequence: int | None = None) -> bytes:
    """Return the reply, of another payload or sequence if wanted."""
    body = request.payload if payload is None else payload
    number = request.sequence if sequence is None else sequence
    return _write(request.version, 0 if request.version == 4 else 129, 0, (request.identifier, number), body)


def refuse(request: Request, kind: int, code: int) -> bytes:
    """Return an ICMP error about the request, quoting all of it."""
    return _write(request.version, kind, code, (0, 0), request.packet)


@contextmanager
def answer_echoes(behave: Behaviour) -> Iterator[list[Request]]:
    """Answer on the running loop as `behave` says; yields the requests, in the order in which they came."""
    loop, seen = asyncio.get_running_loop(), list[Request]()
    sockets = [
        socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
        socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
    ]
    # Requests alone: a flood of its own answers must not push them out. Option 1 is ICMP_FILTER of either version.
    sockets[0].setsockopt(255, 1, struct.pack("=I", ~(1 << 8) & 0xFFFFFFFF))
    sockets[1].setsockopt(58, 1, struct.pack("=8I", *(0xFFFFFFFF,) * 4, 0xFFFFFFFE, *(0xFFFFFFFF,) * 3))
    for each in sockets:
        each.setblocking(False)
        loop.add_reader(each, partial(_take, each, behave, seen))
    try:
        yield seen
    finally:
        for each in sockets:
            loop.remove_reader(each)
            each.close()


def _take(heard_on: socket.socket, behave: Behaviour, seen: list[Request]) -> None:
    packet, sender = heard_on.recvfrom(4096)
    version = 4 if heard_on.family == socket.AF_INET else 6
    begin = (packet[0] & 0x0F) * 4 if version == 4 else 0
    kind, _code, _sum, identifier, sequence = _HEADER.unpack_from(packet, begin)
    if kind != (8 if version == 4 else 128):
        return
    if version == 6:
        packet = _write_ipv6_header(sender[0], len(packet)) + packet
        begin = 40
    request = Request(version, identifier, sequence, packet[begin + _HEADER.size :], sender[0], packet)
    seen.append(request)
    for answer in behave(request):
        asyncio.get_running_loop().call_later(answer.delay, _send, request, answer)


def _send(request: Request, answer: Answer) -> None:
    family = socket.AF_INET if request.version == 4 else socket.AF_INET6
    protocol = 1 if request.version == 4 else socket.IPPROTO_ICMPV6
    with socket.socket(family, socket.SOCK_RAW, protocol) as sending:
        if answer.source:
            sending.bind((answer.source, 0))
        sending.sendto(answer.message, (request.asker, 0))


def _write(version: int, kind: int, code: int, words: tuple[int, int], body: bytes) -> bytes:
    # The kernel writes the sum of ICMPv6.
    total = _sum(_HEADER.pack(kind, code, 0, *words) + body) if version == 4 else 0
    return _HEADER.pack(kind, code, total, *words) + body


def _write_ipv6_header(sender: str, length: int) -> bytes:
    # On a loopback device both ends are the same.
    address = socket.inet_pton(socket.AF_INET6, sender)
    return struct.pack("!IHBB", 6 << 28, length, socket.IPPROTO_ICMPV6, 64) + address + address


def _sum(data: bytes) -> int:
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0")) for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return ~total & 0xFFFF
