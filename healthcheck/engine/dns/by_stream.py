"""One question over a connection of its own: TCP (RFC 7766), and TLS (RFC 7858)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dns.by_datagram import read_anywhere
from healthcheck.engine.dns.message import NotOurAnswerError, Question, choose_number, read_number
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.stream import Stream
from healthcheck.engine.types import DnsAnswer, ErrorKind, Phase

if TYPE_CHECKING:
    from healthcheck.engine.dialer import Connection

# What the two bytes in front of a message can say.
MAX_MESSAGE_BYTES = 65535
_LENGTH = struct.Struct("!H")


async def ask_by_stream(
    session: CheckSession, destination: Destination, question: Question
) -> tuple[DnsAnswer, Connection]:
    """Return the answer and the connection, which is closed. Raises ProbeFailure; leaves nothing open."""
    stream = Stream(_LENGTH.size + MAX_MESSAGE_BYTES)
    connection = await session.dialer.dial(session, destination, stream)
    try:
        with session.stopwatch.measure(Phase.HEADERS):
            number = choose_number()
            # EDNS is about the size of datagrams.
            query = question.write(number, is_edns=False)
            await stream.write(connection.transport, _LENGTH.pack(len(query)) + query)
            wire = (await stream.read_until(_find_end))[_LENGTH.size :]
            return await _read(wire, question, number), connection
    finally:
        connection.close()


def _find_end(unread: bytes) -> int | None:
    if len(unread) < _LENGTH.size:
        return None
    end = _LENGTH.size + int(_LENGTH.unpack_from(unread)[0])
    return end if len(unread) >= end else None


async def _read(wire: bytes, question: Question, number: int) -> DnsAnswer:
    if read_number(wire) != number:
        raise ProbeFailure(ErrorKind.PROTOCOL, Phase.HEADERS, "an answer to another question")
    try:
        return await read_anywhere(wire, question)
    except NotOurAnswerError:
        raise ProbeFailure(ErrorKind.PROTOCOL, Phase.HEADERS, "an answer to another question") from None
