"""The way to a target over an HTTP proxy: one fresh connection, a tunnel for TLS, and whose fault it is when it fails.

What the proxy connects to is its own business. So where the address policy forbids anything at all, every address of
the target has to be found and permitted here, too. Between that look and the proxy's own the name may change: a proxy
reaches whatever its own rules let it reach.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dialer import Connection, Dialer
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.stream import Stream
from healthcheck.engine.types import AddressFamily, ErrorKind, Phase

# An answer to CONNECT is a few lines; error pages behind it are not read.
MAX_ANSWER_BYTES = 16 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})[ \r]")
# What 503 and others of the kind leave open, Squid says in a header of its own, others in that of RFC 9209.
_NOT_REACHED = re.compile(
    rb"\r\n(?:x-squid-error:[ \t]*ERR_CONNECT_FAIL\b"
    rb"|proxy-status:[^\r\n]*;[ \t]*error=connection_(?:refused|timeout|terminated)\b)",
    re.IGNORECASE,
)
LOGIN_WANTED = (
    "The proxy wants a login (407), and checks send it none; let it accept this checker, or choose another proxy."
)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that is spoken to in plain HTTP."""

    host: str
    port: int


async def dial_by_proxy(
    session: CheckSession, destination: Destination, protocol: asyncio.Protocol, *, proxy: Proxy
) -> Connection:
    """Return an open connection to the proxy; with TLS in the destination, one through it. Raises ProbeFailure.

    The family and the resolver of the destination are those for the proxy's own name.
    """
    await _permit(session, destination)
    place = replace(destination, host=proxy.host, port=proxy.port, tls=None, server_name="")
    if destination.tls is None:
        return await _reach(session, place, protocol)
    stream = Stream(MAX_ANSWER_BYTES)
    connection = await _reach(session, place, stream)
    try:
        # Until it answers nobody knows whether it waits for the target or is stuck itself.
        session.awaited = "the proxy did not answer in time whether it could connect"
        with session.stopwatch.measure(Phase.CONNECT):
            await _open_tunnel(stream, connection.transport, destination)
        session.awaited = ""
        await Dialer.upgrade(session, destination, protocol, connection=connection)
    except BaseException:
        connection.close()
        raise
    return connection


def refuse_login() -> ProbeFailure:
    """Return the failure of a proxy that wants to know who asks."""
    return ProbeFailure(ErrorKind.CREDENTIAL, Phase.REQUEST, LOGIN_WANTED)


async def _permit(session: CheckSession, destination: Destination) -> None:
    if session.dialer.policy.permits_everything:
        return
    try:
        # Which family the proxy takes nobody knows.
        found = await session.dialer.find_addresses(session, replace(destination, family=AddressFamily.ANY))
    except ProbeFailure as failure:
        if failure.kind is not ErrorKind.DNS:
            raise
        # The proxy might know the name, but nobody could say what the policy thinks of it.
        why = "its name is not known here, so that the address policy cannot judge what the proxy would connect to"
        raise ProbeFailure(ErrorKind.BLOCKED, Phase.RESOLVE, why) from None
    refusal = next((refusal for _, refusal in found if refusal), "")
    if refusal:
        raise ProbeFailure(
            ErrorKind.BLOCKED, Phase.RESOLVE, f"one of its addresses, for the proxy to choose: {refusal}"
        )


async def _reach(session: CheckSession, place: Destination, protocol: asyncio.Protocol) -> Connection:
    session.awaited = "the proxy could not be reached in time"
    try:
        connection = await session.dialer.dial(session, place, protocol)
    except ProbeFailure as failure:
        session.awaited = ""
        if failure.kind is ErrorKind.BLOCKED:
            raise ProbeFailure(failure.kind, failure.phase, f"the proxy: {failure.found}") from None
        raise _lack(f"could not be reached ({failure.found or failure.kind.word})", failure.phase) from None
    session.awaited = ""
    return connection


async def _open_tunnel(stream: Stream, transport: asyncio.Transport, destination: Destination) -> None:
    host = f"[{destination.host}]" if ":" in destination.host else destination.host
    place = f"{host}:{destination.port}"
    try:
        await stream.write(transport, f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode("ascii"))
        head = await stream.read_until(_find_head_end)
    except ProbeFailure as failure:
        raise _lack(f"broke off ({failure.found})", Phase.CONNECT) from None
    status = _STATUS.match(head)
    if status is None:
        raise _lack("does not answer as a proxy does", Phase.CONNECT)
    _judge_answer(int(status[1]), head)
    if stream.has_unread:
        raise ProbeFailure(ErrorKind.TLS, Phase.TLS, "it spoke before the handshake, so it does not speak TLS here")


def _find_head_end(unread: bytes) -> int | None:
    end = unread.find(b"\r\n\r\n")
    return None if end < 0 else end + 4


def _judge_answer(status: int, head: bytes) -> None:
    """Raise what the proxy says: of the target, which it could not reach, or else of itself."""
    if 200 <= status < 300:
        return
    if status == 407:
        raise refuse_login()
    if status == 504:
        raise ProbeFailure(ErrorKind.TIMEOUT, Phase.CONNECT, "the proxy waited for it in vain (504)")
    if status == 502 or _NOT_REACHED.search(head):
        raise ProbeFailure(ErrorKind.CONNECTION, Phase.CONNECT, f"the proxy could not reach it ({status})")
    if status >= 500:
        raise _lack(f"could not do it, and does not say that the target is the reason ({status})", Phase.CONNECT)
    raise _lack(f"refuses to connect there ({status})", Phase.CONNECT)


def _lack(what: str, phase: Phase) -> ProbeFailure:
    """Return the failure of what is ours to keep going: the way to the target."""
    return ProbeFailure(ErrorKind.CAPACITY, phase, f"the proxy {what}")
