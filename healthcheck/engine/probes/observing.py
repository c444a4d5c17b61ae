"""What was seen of a target over a bare stream, as the assertions take it."""

from __future__ import annotations

from functools import partial

from healthcheck.engine.check import CheckSession
from healthcheck.engine.dialer import Connection
from healthcheck.engine.trust import read_chain
from healthcheck.engine.types import Observation


def observe_stream(session: CheckSession, connection: Connection, *, received: bytes = b"") -> Observation:
    """Return the observation; `received` is all that the peer said."""
    return Observation(
        latency_us=session.stopwatch.latency_us,
        phases=session.stopwatch.phases,
        body=received,
        body_size=len(received),
        address=connection.address,
        certificate=connection.certificate,
        protocol=(connection.ssl_object.version() or "") if connection.ssl_object is not None else "",
        read_chain=partial(read_chain, connection.ssl_object) if connection.ssl_object is not None else None,
    )
