"""The TLS probe: a handshake and nothing else. What was presented is for the assertions on the certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.probes.observing import observe_stream
from healthcheck.engine.probes.stream_options import StreamOptions, parse_place, parse_stream_options
from healthcheck.engine.stream import Stream
from healthcheck.engine.types import Observation, Target

SCHEME, DEFAULT_PORT = "tls", 443
# Servers may speak first; whatever they say is not asked for.
MAX_GREETING_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsOptions(StreamOptions):
    """Nothing more than any stream has."""


class TlsProbe:
    """Connects, shakes hands, hangs up."""

    kind = "tls"
    uses_credentials = False
    defaults: Mapping[str, Any] = TlsOptions().to_dict()

    def parse(self, address: str, options: Mapping[str, Any]) -> TlsOptions:
        """Return the typed options. Raises ConfigurationError with a sentence that names the cure."""
        parse_place(address, SCHEME, DEFAULT_PORT)
        return parse_stream_options(options, TlsOptions, {}, kind=self.kind)

    def locate(self, target: Target) -> Destination:
        """Return where it connects to."""
        options: TlsOptions = target.options
        return options.locate(parse_place(target.address, SCHEME, DEFAULT_PORT), is_encrypted=True)

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        """Raises ProbeFailure; leaves nothing open."""
        connection = await session.dialer.dial(session, self.locate(target), Stream(MAX_GREETING_BYTES))
        connection.close()
        return observe_stream(session, connection)
