"""One question to a name server that a person chose, or to the system's own, and whose fault it is when that fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dns.by_datagram import ask_by_udp
from healthcheck.engine.dns.by_stream import ask_by_stream
from healthcheck.engine.dns.message import Question
from healthcheck.engine.dns.servers import SYSTEM_SERVERS, DnsProtocol, NameServer
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import DnsAnswer, ErrorKind, Phase

if TYPE_CHECKING:
    from healthcheck.engine.dialer import Connection

# How a server that is not there fails. One of the system's that fails so is no fault of what is checked.
_UNREACHABLE = frozenset({ErrorKind.REFUSED, ErrorKind.CONNECTION, ErrorKind.TIMEOUT})
# What a resolver says of a broken zone, and of everything when it has lost the network itself.
_FAILED = frozenset({"SERVFAIL", "REFUSED"})


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, and what it came over. The connection is closed already."""

    answer: DnsAnswer
    protocol: DnsProtocol
    connection: Connection | None = field(default=None, repr=False)


async def ask_server(
    session: CheckSession, question: Question, destination: Destination, *, protocol: DnsProtocol
) -> Heard:
    """Ask the server at a destination, which has TLS settings where the protocol is TLS. Raises ProbeFailure."""
    if protocol is not DnsProtocol.UDP:
        answer, connection = await ask_by_stream(session, destination, question)
        return Heard(answer, protocol, connection)
    addresses = await session.dialer.resolve(session, destination)
    heard = await ask_by_udp(session, [(address, destination.port) for address in addresses], [question])
    return await _complete(session, question, heard[question], port=destination.port)


def read_system_servers() -> Sequence[NameServer]:
    """Return the servers of this system. Raises ProbeFailure(CAPACITY)."""
    try:
        return SYSTEM_SERVERS.read()
    except OSError:
        raise ProbeFailure(ErrorKind.CAPACITY, Phase.RESOLVE, "our list of name servers cannot be read") from None


async def ask_system(session: CheckSession, question: Question, servers: Sequence[NameServer]) -> Heard:
    """Ask the servers of this system, all in phase RESOLVE: the runner judges a silence there by the control name.

    Raises ProbeFailure: CAPACITY where they fail by our own fault.
    """
    places = [(server.host, server.port) for server in servers]
    with session.stopwatch.measure(Phase.RESOLVE), session.stopwatch.cover():
        try:
            answers = await ask_by_udp(session, places, [question], are_alike=True)
            port = next((port for address, port in places if address == session.address), places[0][1])
            heard = await _complete(session, question, answers[question], port=port, is_ours=True)
        except ProbeFailure as failure:
            kind = ErrorKind.CAPACITY if failure.kind in _UNREACHABLE else failure.kind
            raise ProbeFailure(kind, Phase.RESOLVE, f"our resolver: {failure.found}") from failure
        if heard.answer.rcode in _FAILED and await session.dialer.resolver.is_silent():
            raise ProbeFailure(ErrorKind.CAPACITY, Phase.RESOLVE, "our resolver does not answer for any name")
    return heard


async def _complete(
    session: CheckSession, question: Question, answer: DnsAnswer | None, *, port: int, is_ours: bool = False
) -> Heard:
    """Return what was heard by UDP, or ask the same server by TCP where it had no room for it."""
    if answer is not None:
        return Heard(answer, DnsProtocol.UDP)
    # The address that answered, whatever the server's name has become since.
    destination = Destination(session.address, port, is_ours=is_ours)
    answer, _ = await ask_by_stream(session, destination, question)
    return Heard(answer, DnsProtocol.TCP)
