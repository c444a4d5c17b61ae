"""The HTTP probe: one request over one fresh connection, redirects by hand, the body only when somebody wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from healthcheck.engine.check import CheckSession
from healthcheck.engine.decoding import choose_charset, count_body, read_body
from healthcheck.engine.destination import Destination
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.masking import list_url_secrets
from healthcheck.engine.probes.http_auth import send_with_credential
from healthcheck.engine.probes.http_cookies import CookieJar
from healthcheck.engine.probes.http_options import (
    MAX_ADDRESS_LENGTH,
    SAME_HOST,
    HttpOptions,
    parse_address,
    parse_options,
)
from healthcheck.engine.probes.http_placeholders import Fresh
from healthcheck.engine.probes.http_redirects import REDIRECT_STATUSES, Hop, follow
from healthcheck.engine.probes.http_request import build_request, build_url, open_transport
from healthcheck.engine.probes.http_secrets import MIN_SECRET_CHARS
from healthcheck.engine.probes.option_values import find_resolver
from healthcheck.engine.transport import Answer
from healthcheck.engine.trust import read_chain
from healthcheck.engine.types import ErrorKind, Observation, Phase, Target


class HttpProbe:
    """Asks a URL over HTTP/1.1. Keeps cookies over one chain of redirects, and ignores the environment."""

    kind = "http"
    uses_credentials = True
    defaults: Mapping[str, Any] = HttpOptions().to_dict()

    def parse(self, address: str, options: Mapping[str, Any]) -> HttpOptions:
        """Return the typed options. Raises ConfigurationError with a sentence that names the cure."""
        return parse_options(address, options)

    def locate(self, target: Target) -> Destination:
        """Return whose addresses a check is about."""
        url, options = parse_address(target.address), target.options
        resolver = find_resolver(options.resolver)
        return Destination(url.raw_host.decode("ascii"), url.port or 0, options.family, resolver=resolver)

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        """Ask once, follow redirects, and return the last answer. Raises ProbeFailure; leaves nothing open."""
        options: HttpOptions = target.options
        address = target.address
        if options.has_placeholder(address):
            address, options = _fill(address, options, session)
        transport = open_transport(options, session)
        url = build_url(address, options.query)
        names = {"host": options.host, "server_name": options.server_name}
        hop = Hop(options.method, url, options.sent_headers, options.content, target.credential, **names)
        # Most chains never need it.
        jar: CookieJar | None = None
        needs_body = any(assertion.needs_body for assertion in target.assertions)
        while True:
            if hop.credential is None:
                answer = await transport.ask(build_request(hop))
            else:
                answer = await send_with_credential(hop, hop.credential, session=session, options=options)
            try:
                location = _find_location(answer) if options.max_redirects else None
                if location is None:
                    return await _observe_answer(answer, session, options=options, needs_body=needs_body)
            finally:
                answer.close()
            if len(session.redirects) >= options.max_redirects:
                raise ProbeFailure(ErrorKind.REDIRECT, Phase.HEADERS, f"more than {options.max_redirects} redirects")
            lines = answer.list_values(b"set-cookie")
            if lines:
                jar = jar or CookieJar()
                session.secrets += [value for value in jar.keep(hop.url, lines) if len(value) >= MIN_SECRET_CHARS]
            hop = follow(hop, answer.status, location, stays=options.redirect_scope == SAME_HOST)
            if jar is not None:
                hop = replace(hop, cookies=jar.write(hop.url))
            session.redirects.append(str(hop.url)[:MAX_ADDRESS_LENGTH])


def _fill(address: str, options: HttpOptions, session: CheckSession) -> tuple[str, HttpOptions]:
    fresh = Fresh()
    address, options = fresh.fill(address), options.fill(fresh)
    said = (*options.secrets, *list_url_secrets(address, known=fresh.values))
    session.secrets += [secret for secret in said if secret not in fresh.values]
    if session.trace is not None:
        session.trace.known = fresh.values
    return address, options


def _find_location(answer: Answer) -> bytes | None:
    if answer.status not in REDIRECT_STATUSES:
        return None
    return next(iter(answer.list_values(b"location")), None)


async def _observe_answer(
    answer: Answer, session: CheckSession, *, options: HttpOptions, needs_body: bool
) -> Observation:
    headers = tuple([(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answer.headers])
    content_type = next((value for name, value in headers if name == "content-type"), "")
    body: bytes | None = None
    with session.stopwatch.measure(Phase.BODY):
        if needs_body:
            body = await read_body(answer, encoding=answer.encoding, limit=options.max_body_bytes)
            size = len(body)
        elif session.trace is not None:
            # As it came, so that asking for details never changes the verdict; an encoded one stays unread.
            body = await read_body(answer, encoding="", limit=options.max_body_bytes)
            size = len(body)
            body = await _decode_aside(body, encoding=answer.encoding, limit=options.max_body_bytes)
        else:
            size = await count_body(answer, options.max_body_bytes)
    connection = answer.connection
    return Observation(
        latency_us=session.stopwatch.latency_us,
        phases=session.stopwatch.phases,
        status=answer.status,
        headers=headers,
        body=body,
        body_size=size,
        charset=choose_charset(content_type),
        address=connection.address,
        certificate=connection.certificate,
        redirects=tuple(session.redirects),
        protocol=answer.protocol,
        read_chain=partial(read_chain, connection.ssl_object) if connection.ssl_object is not None else None,
    )


async def _decode_aside(body: bytes, *, encoding: str, limit: int) -> bytes | None:
    """Return the body without its encoding; None where a check that needs it would fail."""

    async def replay() -> AsyncIterator[bytes]:
        yield body

    try:
        return await read_body(replay(), encoding=encoding, limit=limit)
    except ProbeFailure:
        return None
