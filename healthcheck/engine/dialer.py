"""The one way to the network: resolve once, filter by the address policy, pin, connect, encrypt."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.capacity import AddressCaps
from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dns.lookup import look_up_at
from healthcheck.engine.faults import ProbeFailure, classify_os_error
from healthcheck.engine.resolver import Resolver
from healthcheck.engine.trust import build_context_aside, find_context, read_certificate, read_presented
from healthcheck.engine.types import AddressRules, Certificate, ErrorKind, Limits, Phase

# Enough to pass a dead address family and a dead host; a name with hundreds of dead ones must not become a scan.
MAX_TRIES = 4


class PlainGuard(asyncio.Protocol):
    """Notices a peer that speaks before TLS began: its bytes would be lost and the handshake would stall instead."""

    has_spoken = False

    def data_received(self, data: bytes) -> None:
        self.has_spoken = True


@dataclass(slots=True, eq=False)
class Connection:
    """One open connection and its place under the caps. `close` is due on every way out; it is idempotent."""

    transport: asyncio.Transport
    address: str
    release: Callable[[], None]
    certificate: Certificate | None = None
    # What TLS agreed on; None while it is plain.
    ssl_object: ssl.SSLObject | None = None
    is_closed: bool = False

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            # Not `close`, which would wait for the peer: to take what is left, or to answer TLS's goodbye.
            self.transport.abort()
            self.release()


class Dialer:
    """Dials for every check of one event loop that runs under the same limits."""

    def __init__(self, *, policy: AddressPolicy, resolver: Resolver, caps: AddressCaps) -> None:
        self.policy = policy
        self.resolver = resolver
        self.caps = caps

    async def dial(self, session: CheckSession, destination: Destination, protocol: asyncio.Protocol) -> Connection:
        """Return an open connection that speaks to `protocol`, whose `connection_made` was called when it is plain.

        The addresses are tried in the resolver's order, the one that a first attempt failed on last. Raises
        ProbeFailure, with nothing left open; also when it is cancelled.
        """
        addresses = await self.resolve(session, destination)
        failure: ProbeFailure | None = None
        for index, address in enumerate(addresses):
            # A stalled address gets its share of the time that is left; the last one all of it.
            share = None if index == len(addresses) - 1 else self._share_time(session, len(addresses) - index)
            session.address = address
            try:
                return await self._try_address(session, destination, protocol=protocol, share=share)
            except ProbeFailure as error:
                if error.phase is not Phase.CONNECT:
                    raise
                # What one address said of the target tells more than what our host lacks for another, such as IPv6.
                if failure is None or error.kind is not ErrorKind.CAPACITY:
                    failure = error
        assert failure is not None
        raise failure

    @staticmethod
    async def upgrade(
        session: CheckSession, destination: Destination, protocol: asyncio.Protocol, *, connection: Connection
    ) -> None:
        """Encrypt an open connection that was plain until now. Raises ProbeFailure; it stays to be closed."""
        transport = await _encrypt(connection.transport, protocol, session=session, destination=destination)
        connection.transport = transport
        connection.ssl_object = transport.get_extra_info("ssl_object")
        connection.certificate = _read_leaf(connection.ssl_object)

    async def find_addresses(self, session: CheckSession, destination: Destination) -> list[tuple[str, str]]:
        """Return every address in the resolver's order, each with why the policy refuses it; empty when it does not.

        Raises ProbeFailure, also when it refuses all of them.
        """
        with session.stopwatch.measure(Phase.RESOLVE):
            found = await self._look_up(session, destination)
            judged = [(address, self.policy.find_refusal(address) or "") for address in found]
            if all(refusal for _, refusal in judged):
                raise ProbeFailure(ErrorKind.BLOCKED, Phase.RESOLVE, judged[0][1])
        return judged

    async def resolve(self, session: CheckSession, destination: Destination) -> list[str]:
        """Return at most MAX_TRIES addresses that may be connected to, the one that a first attempt failed on last.

        Raises ProbeFailure when there is none.
        """
        if session.pin is not None and session.pin.host == destination.host:
            # The policy permitted it when the name was looked up.
            return [session.pin.address]
        with session.stopwatch.measure(Phase.RESOLVE):
            found = await self._look_up(session, destination)
            permitted = [address for address in found if destination.is_ours or self.policy.permits(address)]
            if not permitted:
                raise ProbeFailure(ErrorKind.BLOCKED, Phase.RESOLVE, self.policy.find_refusal(found[0]) or "")
        if len(permitted) > 1 and session.avoid_address in permitted:
            permitted.remove(session.avoid_address)
            permitted.append(session.avoid_address)
        return permitted[:MAX_TRIES]

    async def _look_up(self, session: CheckSession, destination: Destination) -> tuple[str, ...]:
        if destination.resolver is None:
            return await self.resolver.lookup(destination.host, destination.family, session)
        with session.stopwatch.cover():
            return await look_up_at(session, destination.resolver, destination.host, family=destination.family)

    @staticmethod
    def _share_time(session: CheckSession, parts: int) -> float:
        due = session.deadline.when()
        left = (session.hard_deadline if due is None else due) - asyncio.get_running_loop().time()
        return max(0.0, left) / parts

    async def _try_address(
        self, session: CheckSession, destination: Destination, *, protocol: asyncio.Protocol, share: float | None
    ) -> Connection:
        address = session.address
        await self.caps.acquire((address, destination.port), session)
        release = partial(self.caps.release, (address, destination.port))
        try:
            if destination.tls is None:
                transport = await self._connect(session, destination.port, protocol=protocol, share=share)
                return Connection(transport, address, release)
            guard = PlainGuard()
            raw = await self._connect(session, destination.port, protocol=guard, share=share)
            try:
                transport = await _encrypt(raw, protocol, session=session, destination=destination, guard=guard)
            except BaseException:
                raw.abort()
                raise
            ssl_object: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
            return Connection(transport, address, release, _read_leaf(ssl_object), ssl_object)
        except BaseException:
            release()
            raise

    @staticmethod
    async def _connect(
        session: CheckSession, port: int, *, protocol: asyncio.Protocol, share: float | None
    ) -> asyncio.Transport:
        loop = asyncio.get_running_loop()
        with session.stopwatch.measure(Phase.CONNECT):
            try:
                if share is None:
                    transport, _ = await loop.create_connection(lambda: protocol, session.address, port)
                else:
                    async with asyncio.timeout(share):
                        transport, _ = await loop.create_connection(lambda: protocol, session.address, port)
            except OSError as error:
                if share is not None and isinstance(error, TimeoutError) and error.errno is None:
                    raise ProbeFailure(ErrorKind.TIMEOUT, Phase.CONNECT, "no answer") from None
                raise classify_os_error(error, Phase.CONNECT) from error
        return transport


async def _encrypt(
    raw: asyncio.Transport,
    protocol: asyncio.Protocol,
    *,
    session: CheckSession,
    destination: Destination,
    guard: PlainGuard | None = None,
) -> asyncio.Transport:
    assert destination.tls is not None
    loop = asyncio.get_running_loop()
    with session.stopwatch.measure(Phase.TLS):
        context = find_context(destination.tls)
        if context is None:
            with session.waiting():
                context = await build_context_aside(destination.tls)
        if raw.is_closing():
            # uvloop would fail in a callback of its own, and the handshake would seem to time out.
            raise ProbeFailure(ErrorKind.CONNECTION, Phase.TLS, "closed before the handshake")
        if guard is not None and guard.has_spoken:
            raise ProbeFailure(ErrorKind.TLS, Phase.TLS, "it spoke before the handshake, so it does not speak TLS here")
        try:
            transport = await loop.start_tls(
                raw,
                protocol,
                context,
                server_hostname=(destination.server_name or destination.host).removesuffix("."),
                # Never the one that fires: the check's own deadline is earlier.
                ssl_handshake_timeout=max(1.0, session.hard_deadline - loop.time() + 1.0),
            )
        except ssl.SSLCertVerificationError as error:
            failure = classify_os_error(error, Phase.TLS)
            presented = read_presented(error)
            failure.certificate = presented[0] if presented else None
            failure.chain = tuple(each for each in presented if each is not None)
            raise failure from error
        except OSError as error:
            raise classify_os_error(error, Phase.TLS) from error
        except ValueError as error:
            # The ssl module runs the server's name through a codec and OpenSSL of its own taste.
            raise ProbeFailure(ErrorKind.TLS, Phase.TLS, "the name cannot be asked for in TLS") from error
    if transport is None:
        raise ProbeFailure(ErrorKind.CONNECTION, Phase.TLS, "closed during the handshake")
    return transport


def _read_leaf(ssl_object: ssl.SSLObject | None) -> Certificate | None:
    der = ssl_object.getpeercert(binary_form=True) if ssl_object is not None else None
    return read_certificate(der) if der else None


_Limits = tuple[AddressRules, int, str]
# Per loop, because futures belong to one; weak, because tests and commands make loops and leave them.
_DIALERS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[_Limits, Dialer]] = WeakKeyDictionary()


def get_dialer(limits: Limits) -> Dialer:
    """Return the running loop's dialer for these limits: caps and lookups hold across all runs of the process.

    Raises ConfigurationError when the address rules cannot be read.
    """
    dialers = _DIALERS.setdefault(asyncio.get_running_loop(), {})
    key = (limits.address_rules, limits.per_address, limits.control_name)
    if key not in dialers:
        dialers[key] = Dialer(
            policy=AddressPolicy(limits.address_rules),
            resolver=Resolver(control_name=limits.control_name),
            caps=AddressCaps(limits.per_address),
        )
    return dialers[key]
