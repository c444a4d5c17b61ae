"""The ICMP probe: a few echo requests, and how many came back, how soon and how evenly.

Any reply means that it is up; how much loss or jitter is too much is for the assertions.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes.icmp_options import COOKIE_BYTES, IcmpOptions, parse_host, parse_icmp_options
from healthcheck.engine.probes.icmp_socket import EchoSocket, Refusal, Reply
from healthcheck.engine.probes.option_values import find_resolver
from healthcheck.engine.types import Echoes, ErrorKind, Observation, Phase, PhaseTimes, Target

# What is left of the check's time to judge what came back, so that one that answers some is not called silent.
MARGIN_SECONDS = 0.05


class IcmpProbe:
    """A volley of echo requests over one socket. Of a name's addresses the first is asked that our host can reach."""

    kind = "icmp"
    uses_credentials = False
    defaults: Mapping[str, Any] = IcmpOptions().to_dict()

    def parse(self, address: str, options: Mapping[str, Any]) -> IcmpOptions:
        """Return the typed options. Raises ConfigurationError with a sentence that names the cure."""
        parse_host(address)
        return parse_icmp_options(options)

    def locate(self, target: Target) -> Destination:
        """Return where the packets go."""
        options: IcmpOptions = target.options
        return Destination(parse_host(target.address), 0, options.family, resolver=find_resolver(options.resolver))

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        """Raises ProbeFailure; leaves nothing open."""
        options: IcmpOptions = target.options
        failure: ProbeFailure | None = None
        for address in await session.dialer.resolve(session, self.locate(target)):
            session.address = address
            try:
                return await _ask(session, options)
            except ProbeFailure as error:
                if error.kind is not ErrorKind.CAPACITY:
                    raise
                # What our host lacks for one address, such as IPv6, it may have for the next.
                failure = failure or error
        assert failure is not None
        raise failure


async def _ask(session: CheckSession, options: IcmpOptions) -> Observation:
    place, caps = (session.address, 0), session.dialer.caps
    await caps.acquire(place, session)
    try:
        with session.stopwatch.measure(Phase.CONNECT):
            echo = EchoSocket(session.address)
        try:
            with session.stopwatch.measure(Phase.REQUEST):
                volley = _Volley(echo, options)
                await volley.fly(_find_end(session))
            return _observe(session, volley.list_counted())
        finally:
            echo.close()
    finally:
        caps.release(place)


def _find_end(session: CheckSession) -> float:
    due = session.deadline.when()
    return min(session.hard_deadline, session.hard_deadline if due is None else due) - MARGIN_SECONDS


@dataclass(slots=True)
class _Packet:
    """An echo request that was sent. `cookie` begins its payload: who has not seen it cannot answer it.

    `sent` is monotonic time in seconds, `sent_ns` the same instant by the wall clock, which is what the kernel reads.
    """

    cookie: bytes
    sent: float = field(default_factory=time.monotonic)
    sent_ns: int = field(default_factory=time.time_ns)
    round_trip_us: int | None = None
    refusal: Refusal | None = None

    @property
    def is_settled(self) -> bool:
        return self.round_trip_us is not None or self.refusal is not None


class _Volley:
    """The packets of one check, and what came back for each."""

    def __init__(self, echo: EchoSocket, options: IcmpOptions) -> None:
        self._echo = echo
        self._options = options
        self._wait_seconds = options.packet_wait_ms / 1000
        self._loop = asyncio.get_running_loop()
        self._packets: list[_Packet] = []
        self._settled = self._loop.create_future()
        self._is_cut_short = False

    async def fly(self, end: float) -> None:
        """Send, and listen until all is settled, the last wait is over, or `end` (loop time) has come."""
        self._listen()
        try:
            for _ in range(self._options.packets - 1):
                self._send()
                due = self._loop.time() + self._options.packet_interval_ms / 1000
                if due >= end:
                    self._is_cut_short = True
                    break
                await asyncio.sleep(due - self._loop.time())
            else:
                self._send()
            await self._wait(end - self._loop.time())
            # A loop that was late may have missed the end of the wait, and not what the kernel has kept meanwhile.
            self._read()
        finally:
            self._loop.remove_reader(self._echo.fileno())

    async def _wait(self, left: float) -> None:
        self._is_cut_short |= left < self._wait_seconds
        if not self._is_settled:
            self._settled = self._loop.create_future()
            await asyncio.wait([self._settled], timeout=max(0.0, min(left, self._wait_seconds)))

    def list_counted(self) -> list[_Packet]:
        """Return the packets that had their chance. The last ones of a check whose time ended had none yet."""
        if not self._is_cut_short:
            return self._packets
        latest = time.monotonic() - self._wait_seconds
        counted = [each for each in self._packets if each.is_settled or each.sent <= latest]
        return counted or self._packets

    @property
    def _is_settled(self) -> bool:
        return all(each.is_settled for each in self._packets)

    def _listen(self) -> None:
        self._loop.add_reader(self._echo.fileno(), self._hear)

    def _send(self) -> None:
        payload = secrets.token_bytes(COOKIE_BYTES).ljust(self._options.packet_bytes, b"\0")
        self._packets.append(_Packet(payload[:COOKIE_BYTES]))
        self._echo.send(len(self._packets) - 1, payload)

    def _hear(self) -> None:
        # uvloop stops to watch a socket that has an error to tell, until it is told anew.
        self._loop.remove_reader(self._echo.fileno())
        self._listen()
        self._read()
        if self._is_settled and not self._settled.done():
            self._settled.set_result(None)

    def _read(self) -> None:
        now = time.monotonic()
        for heard in self._echo.read():
            packet = self._packets[heard.sequence] if heard.sequence < len(self._packets) else None
            # A duplicate says nothing new. Of a quoted packet there may be eight bytes and no more (RFC 792).
            if packet is None or packet.is_settled or not _is_about(heard, packet):
                continue
            if isinstance(heard, Refusal):
                packet.refusal = heard
            elif (round_trip := _measure(packet, heard, now)) <= self._wait_seconds:
                packet.round_trip_us = round(round_trip * 1e6)


def _is_about(heard: Reply | Refusal, packet: _Packet) -> bool:
    if isinstance(heard, Refusal):
        return packet.cookie.startswith(heard.payload[:COOKIE_BYTES])
    return heard.payload[:COOKIE_BYTES] == packet.cookie


def _measure(packet: _Packet, reply: Reply, now: float) -> float:
    """Return seconds. By the kernel's clock, because our loop may come late; not where the clock was set meanwhile."""
    most = now - packet.sent
    if reply.received_ns is None:
        return most
    round_trip = (reply.received_ns - packet.sent_ns) / 1e9
    return round_trip if 0 <= round_trip <= most else most


def _observe(session: CheckSession, counted: Sequence[_Packet]) -> Observation:
    times = [each.round_trip_us for each in counted if each.round_trip_us is not None]
    if not times:
        raise _name_silence(counted)
    average_us = round(sum(times) / len(times))
    steps = [abs(after - before) for before, after in pairwise(times)]
    echoes = Echoes(sent=len(counted), received=len(times), jitter_us=round(sum(steps) / len(steps)) if steps else None)
    return Observation(
        latency_us=average_us,
        phases=PhaseTimes(resolve_us=session.stopwatch.phases.resolve_us, headers_us=average_us),
        address=session.address,
        echoes=echoes,
    )


def _name_silence(counted: Sequence[_Packet]) -> ProbeFailure:
    refusals = [each.refusal for each in counted if each.refusal is not None]
    if refusals:
        return ProbeFailure(refusals[-1].kind, Phase.REQUEST, refusals[-1].words)
    requests = "echo request" if len(counted) == 1 else "echo requests"
    return ProbeFailure(ErrorKind.TIMEOUT, Phase.REQUEST, f"no reply to {len(counted)} {requests}")
