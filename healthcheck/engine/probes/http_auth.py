"""Sends a request with its credential. Where that takes a second request, it goes over a fresh connection, too."""

from __future__ import annotations

import re
from dataclasses import replace

from healthcheck.engine.check import CheckSession
from healthcheck.engine.credentials import (
    CertificateCredential,
    DigestCredential,
    EngineCredential,
    HeaderCredential,
    OAuth2Credential,
    UnusableCredential,
)
from healthcheck.engine.credentials.digest import answer_challenge, choose_challenge
from healthcheck.engine.credentials.fit import refuse_misfit
from healthcheck.engine.credentials.oauth2 import forget_token, obtain_token
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes.http_options import HttpOptions
from healthcheck.engine.probes.http_redirects import Hop
from healthcheck.engine.probes.http_request import build_request, open_transport
from healthcheck.engine.transport import Answer, OneConnectionTransport
from healthcheck.engine.types import ConfigurationError, ErrorKind, Phase

# A server may call a fresh nonce stale once, as when its key has just changed; more is a quarrel.
MAX_DIGEST_ANSWERS = 2
_USERNAME = re.compile(r'username\*?=(?:"(?:\\.|[^"\\])*"|[^,\s"]+)')


async def send_with_credential(
    hop: Hop, credential: EngineCredential | UnusableCredential, *, session: CheckSession, options: HttpOptions
) -> Answer:
    """Return the answer to the request with its credential, which must be closed. Raises ProbeFailure."""
    if isinstance(credential, UnusableCredential):
        raise ProbeFailure(ErrorKind.CREDENTIAL, Phase.REQUEST, credential.sentence)
    try:
        refuse_misfit(credential, hop.url, hop.headers)
    except ConfigurationError as error:
        raise ProbeFailure(ErrorKind.CREDENTIAL, Phase.REQUEST, error.sentence) from None
    session.secrets.extend(credential.secrets)
    client = credential.client if isinstance(credential, CertificateCredential) else None
    transport = open_transport(options, session, client=client)
    if isinstance(credential, HeaderCredential):
        return await transport.ask(build_request(_add(hop, *credential.headers)))
    if isinstance(credential, DigestCredential):
        return await _answer_challenges(hop, credential, session=session, transport=transport)
    if isinstance(credential, OAuth2Credential):
        return await _send_with_token(hop, credential, session=session, transport=transport)
    return await transport.ask(build_request(hop))


async def _answer_challenges(
    hop: Hop, credential: DigestCredential, *, session: CheckSession, transport: OneConnectionTransport
) -> Answer:
    answer = await transport.ask(build_request(hop))
    for answers in range(MAX_DIGEST_ANSWERS):
        try:
            challenge = choose_challenge(_find_challenges(answer)) if answer.status == 401 else None
        except ProbeFailure:
            answer.close()
            raise
        if challenge is None or (answers and not challenge.is_stale):
            return answer
        answer.close()
        proof = answer_challenge(credential, challenge, method=hop.method, target=hop.url.raw_path.decode("ascii"))
        session.secrets.append(proof.split('response="', 1)[1].split('"', 1)[0])
        # Only in this form: the bare name is a word such as `admin`, and evidence would be full of holes.
        session.secrets.extend(_USERNAME.findall(proof))
        answer = await transport.ask(build_request(_add(hop, ("Authorization", proof))))
    return answer


async def _send_with_token(
    hop: Hop, credential: OAuth2Credential, *, session: CheckSession, transport: OneConnectionTransport
) -> Answer:
    token, was_kept = await obtain_token(credential, session)
    answer = await transport.ask(build_request(_add(hop, _bear(token.text))))
    if answer.status != 401 or not was_kept:
        return answer
    # It may have been revoked, or its server restarted: once more with a fresh one, whose refusal counts.
    answer.close()
    forget_token(credential, token)
    token, _ = await obtain_token(credential, session)
    return await transport.ask(build_request(_add(hop, _bear(token.text))))


def _bear(token: str) -> tuple[str, str]:
    return "Authorization", f"Bearer {token}"


def _add(hop: Hop, *headers: tuple[str, str]) -> Hop:
    return replace(hop, headers=(*hop.headers, *headers))


def _find_challenges(answer: Answer) -> list[str]:
    return [_decode(value) for value in answer.list_values(b"www-authenticate")]


def _decode(value: bytes) -> str:
    # A realm beyond ASCII is UTF-8 (RFC 7616, 4), and what is hashed must be what the server hashes.
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
