"""Fetches an access token (RFC 6749, 4.4) as a check asks its target: by the address policy, verified, bounded.

Whatever goes wrong here is not the target's outage: it ends as CREDENTIAL, in a sentence that names the cure and holds
nothing of what the token server said but the error codes of the standard.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any
from urllib.parse import quote_plus, urlencode

from healthcheck.engine.agent import USER_AGENT
from healthcheck.engine.check import CheckSession
from healthcheck.engine.credentials.model import OAuth2Credential, encode_basic
from healthcheck.engine.credentials.tokens import TOKENS, Token, get_fetches, name_token
from healthcheck.engine.decoding import read_body
from healthcheck.engine.dialer import Dialer
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.http_message import Request
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.transport import OneConnectionTransport
from healthcheck.engine.trust import TlsSettings
from healthcheck.engine.types import ErrorKind, Phase

# Checks wait for it no longer than their own timeout; this ends one that nobody's timeout ends.
FETCH_SECONDS = 60.0
# Tokens of a few KB exist; an answer of more than this is something else.
MAX_ANSWER_BYTES = 64 * 1024
MAX_TOKEN_CHARS = 16 * 1024

# RFC 6749, 5.2. Only these are repeated: what else stands in the answer may be our own secret.
_REFUSALS = {
    "invalid_client": "does not accept the client: it is unknown or expired, or its secret is wrong; renew it there "
    "and enter the new secret",
    "unauthorized_client": "does not allow the client to ask for tokens this way; allow the grant type "
    "client_credentials",
    "unsupported_grant_type": "does not know the grant type client_credentials; choose another kind of credential",
    "invalid_scope": "does not give the client this scope; correct the scope",
    "invalid_request": "could not read the request; try the other way of sending the secret",
    "invalid_grant": "does not accept the client: it is expired or revoked; renew it there and enter the new secret",
}


async def obtain_token(credential: OAuth2Credential, session: CheckSession) -> tuple[Token, bool]:
    """Return a token and whether it was kept from before. Raises ProbeFailure(CREDENTIAL) or, for us, (CAPACITY)."""
    key = name_token(credential)
    kept = TOKENS.find(key)
    if kept is None:
        with session.aside():
            token = await get_fetches().share(key, partial(_fetch, key, credential, session.dialer))
    else:
        token = kept
    session.secrets.append(token.text)
    return token, kept is not None


def forget_token(credential: OAuth2Credential, token: Token) -> None:
    """Drop a token that the target refused."""
    TOKENS.forget(name_token(credential), token)


async def _fetch(key: str, credential: OAuth2Credential, dialer: Dialer) -> Token:
    ends_at = asyncio.get_running_loop().time() + FETCH_SECONDS
    try:
        async with asyncio.timeout_at(ends_at) as deadline:
            token = await _ask(credential, CheckSession(dialer, deadline, ends_at))
    except TimeoutError:
        raise _refuse(f"did not answer within {FETCH_SECONDS:g} s; see to it, or correct the token URL") from None
    except ProbeFailure as failure:
        raise _translate(failure) from None
    TOKENS.keep(key, token)
    return token


async def _ask(credential: OAuth2Credential, session: CheckSession) -> Token:
    transport = OneConnectionTransport(session, tls=TlsSettings(alpn=("http/1.1",)))
    answer = await transport.ask(_build_request(credential))
    try:
        body = await read_body(answer, encoding=answer.encoding, limit=MAX_ANSWER_BYTES)
    finally:
        answer.close()
    return _read_token(answer.status, _read_object(body))


def _build_request(credential: OAuth2Credential) -> Request:
    url = parse_address(credential.token_url)
    form = {"grant_type": "client_credentials"} | ({"scope": credential.scope} if credential.scope else {})
    headers = [("Host", url.netloc.decode("ascii")), ("Accept", "application/json"), ("Accept-Encoding", "identity")]
    headers += [("User-Agent", USER_AGENT), ("Content-Type", "application/x-www-form-urlencoded")]
    if credential.sends_secret_in_body:
        form |= {"client_id": credential.client_id, "client_secret": credential.client_secret}
    else:
        # Both are form-encoded first (RFC 6749, 2.3.1).
        pair = encode_basic(quote_plus(credential.client_id), quote_plus(credential.client_secret))
        headers.append(("Authorization", f"Basic {pair}"))
    body = urlencode(form).encode("ascii")
    headers.append(("Content-Length", str(len(body))))
    return Request("POST", url, tuple(headers), body)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _read_token(status: int, answer: dict[str, Any]) -> Token:
    if status != 200:
        raise _refuse(_explain_refusal(status, answer.get("error")))
    text, token_type = answer.get("access_token"), answer.get("token_type", "bearer")
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TOKEN_CHARS or not _is_visible(text):
        raise _refuse("answered without a usable access token; check the token URL")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise _refuse("gave a token that is not of the type bearer; no other type can be used")
    return Token(text, _read_lifetime(answer.get("expires_in")))


def _explain_refusal(status: int, code: object) -> str:
    if isinstance(code, str) and code in _REFUSALS:
        return f"{_REFUSALS[code]} ({code})"
    if 300 <= status < 400:
        return f"redirected ({status}), and secrets do not follow; enter the URL that it leads to"
    if status in {401, 403}:
        return f"does not accept the client ({status}); renew the client there and enter its secret again"
    return f"answered with status {status}; check the token URL and the server behind it"


def _is_visible(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _read_lifetime(value: object) -> float | None:
    """Return seconds. What is no number is as good as nothing said; servers that write it as a text exist."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(min(max(value, 0), 10**9)) if value == value else None  # noqa: PLR0124 - NaN is JSON to Python


def _translate(failure: ProbeFailure) -> ProbeFailure:
    if failure.kind in {ErrorKind.CAPACITY, ErrorKind.CREDENTIAL}:
        return failure
    if failure.kind is ErrorKind.BLOCKED:
        return _refuse(f"may not be asked by the address policy ({failure.found}); allow its address")
    if failure.kind is ErrorKind.CERTIFICATE:
        return _refuse(f"shows a certificate that is not accepted ({failure.found}); renew it there")
    where = f"{failure.kind.word.replace('_', ' ')} in phase {failure.phase.word}"
    return _refuse(f"could not be asked ({where}); see to it, or correct the token URL")


def _refuse(what: str) -> ProbeFailure:
    return ProbeFailure(ErrorKind.CREDENTIAL, Phase.REQUEST, f"The token server {what}.")
