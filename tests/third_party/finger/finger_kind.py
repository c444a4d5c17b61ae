"""Asks a finger server about somebody (RFC 1288): a kind of checks of a third party, as docs/kinds.md describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes.observing import observe_stream
from healthcheck.engine.probes.stream_options import parse_place
from healthcheck.engine.stream import Stream
from healthcheck.engine.types import ConfigurationError, ErrorKind, Observation, Phase, Target

MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class FingerOptions:
    person: str = ""
    is_long: bool = False
    max_lines: int = 10
    tolerance: float = 0.5

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class FingerProbe:
    kind = "finger"
    uses_credentials = False
    # All that it connects goes through the session's dialer.
    uses_dialer = True
    defaults: Mapping[str, Any] = FingerOptions().to_dict()

    def parse(self, address: str, options: Mapping[str, Any]) -> FingerOptions:
        parse_place(address, self.kind, 79)
        for name, value in options.items():
            if name not in self.defaults:
                raise ConfigurationError(f"The kind finger has no option “{name[:50]}”; remove it.", field=name[:50])
            if type(value) is not type(self.defaults[name]):
                raise ConfigurationError(f"The option {name} has another type; correct it.", field=name)
        parsed = FingerOptions(**options)
        if not parsed.person.isprintable():
            raise ConfigurationError("The person must be one line of text; correct it.", field="person")
        return parsed

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        options: FingerOptions = target.options
        place = parse_place(target.address, self.kind, 79)
        stream = Stream(MAX_ANSWER_BYTES)
        connection = await session.dialer.dial(session, Destination(place.host, place.port), stream)
        try:
            with session.stopwatch.measure(Phase.REQUEST):
                question = f"{'/W ' if options.is_long else ''}{options.person}\r\n"
                await stream.write(connection.transport, question.encode())
            with session.stopwatch.measure(Phase.BODY):
                answer = await stream.read_line()
            if not answer:
                raise ProbeFailure(ErrorKind.PROTOCOL, Phase.BODY, "an empty answer")
        finally:
            connection.close()
        return observe_stream(session, connection, received=answer)


class WildProbe(FingerProbe):
    """Does not say that it connects through the dialer, and fails in every way that it can."""

    kind = "wild"
    uses_dialer = False

    def parse(self, address: str, options: Mapping[str, Any]) -> FingerOptions:
        if address == "wild://raise":
            raise KeyError(address)
        return FingerOptions()

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        if target.address == "wild://nothing":
            return None  # type: ignore[return-value]  # on purpose
        raise RuntimeError("secret-of-the-wild")
