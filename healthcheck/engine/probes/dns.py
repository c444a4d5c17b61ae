"""The DNS probe: one question to a name server. What it answers is for the assertions on rcode, answers and ttl."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from healthcheck.engine.check import CheckSession
from healthcheck.engine.dns.client import Heard, ask_server, ask_system, read_system_servers
from healthcheck.engine.probes.dns_options import DnsOptions, parse_dns_options, parse_question
from healthcheck.engine.trust import read_chain
from healthcheck.engine.types import Observation, Target


class DnsProbe:
    """Asks once, by UDP with TCP where there is no room, by TCP or by TLS."""

    kind = "dns"
    uses_credentials = False
    defaults: Mapping[str, Any] = DnsOptions().to_dict()

    def parse(self, address: str, options: Mapping[str, Any]) -> DnsOptions:
        """Return the typed options. Raises ConfigurationError with a sentence that names the cure."""
        parsed = parse_dns_options(options)
        parse_question(address, parsed.record_type, parsed.is_iterative)
        return parsed

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        """Raises ProbeFailure; leaves nothing open."""
        options: DnsOptions = target.options
        question = parse_question(target.address, options.record_type, options.is_iterative)
        server = options.find_server()
        if server is None:
            heard = await ask_system(session, question, read_system_servers())
        else:
            heard = await ask_server(session, question, options.locate(server), protocol=server.protocol)
        return _observe(heard, session)


def _observe(heard: Heard, session: CheckSession) -> Observation:
    connection = heard.connection
    ssl_object = connection.ssl_object if connection is not None else None
    body = "\n".join(map(str, heard.answer.records)).encode()
    return Observation(
        latency_us=session.stopwatch.latency_us,
        phases=session.stopwatch.phases,
        body=body,
        body_size=len(body),
        address=session.address,
        certificate=connection.certificate if connection is not None else None,
        protocol=heard.protocol.value,
        dns=heard.answer,
        read_chain=partial(read_chain, ssl_object) if ssl_object is not None else None,
    )
