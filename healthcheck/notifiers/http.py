"""The one door to receivers over HTTP: pinned addresses by the address policy, one deadline, all that is read bounded.

It speaks on the engine's loop over the engine's transport, so that a receiver is held to what a target is held to.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import httpx

from healthcheck.engine.agent import USER_AGENT
from healthcheck.engine.check import CheckSession
from healthcheck.engine.decoding import choose_charset, decode_text
from healthcheck.engine.dialer import Dialer, get_dialer
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.http_message import Request
from healthcheck.engine.loop import get_engine_loop
from healthcheck.engine.probes.http_options import parse_address
from healthcheck.engine.probes.http_values import Pairs
from healthcheck.engine.transport import Answer as Response
from healthcheck.engine.transport import OneConnectionTransport
from healthcheck.engine.trust import TlsSettings
from healthcheck.engine.types import ConfigurationError, ErrorKind, Limits, Phase
from healthcheck.notifiers.contract import Reach

MAX_ANSWER_BYTES = 64 * 1024
# Only to the same origin, by a status that keeps method and body: one that adds a slash, or two that take turns.
MAX_REDIRECTS = 2
_KEEPS_METHOD = frozenset({307, 308})
# How long a body is waited for whose header is there, and by how much before the deadline it is given up: what was
# taken must not be sent again because its answer has no end.
BODY_SECONDS, MARGIN_SECONDS = 2.0, 0.05
# What fails or lasts too long here has sent nothing yet.
_BEFORE_SENDING = frozenset({Phase.RESOLVE, Phase.CONNECT, Phase.TLS})
# At one address of receivers at once, from one process.
MAX_AT_ONCE = 8
# How long the caller waits for the loop beyond the deadline, which the loop keeps itself.
GRACE_SECONDS = 1.0

JSON = "application/json"
_HEADERS = (
    ("User-Agent", USER_AGENT),
    ("Accept", f"{JSON}, text/plain, */*"),
    ("Accept-Encoding", "identity"),
    ("Content-Type", JSON),
)
TLS = TlsSettings(alpn=("http/1.1",))
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a receiver. What it is made of may be secret."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Pairs = field(default=(), repr=False)
    tls: TlsSettings = TLS


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered, read up to a limit. `retry_after` is as the header says it."""

    status: int
    text: str = ""
    retry_after: str = ""
    is_markup: bool = False

    def read_document(self) -> dict[str, Any]:
        """Return the object that a JSON text holds; empty for anything else."""
        try:
            document = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}


class NoReply(Exception):  # noqa: N818 - the receiver's trouble, not an error of the program
    """Nothing was answered. `is_final`: nor will it be as the channel is set up. `is_untaken`: nothing was sent."""

    def __init__(self, sentence: str, *, is_final: bool = False, is_untaken: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.is_final = is_final
        self.is_untaken = is_untaken


def write_json(document: Any) -> bytes:
    """Return the document in as few bytes as JSON takes."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def ask_all(calls: Sequence[Call], reach: Reach) -> list[Reply | NoReply]:
    """Make the calls, a few at once and all within the timeout, and return what came of each. Raises nothing else."""
    try:
        return run_on_loop(_ask_all(calls, reach), reach.timeout_seconds)
    except NoReply as trouble:
        return [trouble] * len(calls)


def run_on_loop(coroutine: Coroutine[Any, Any, Result], timeout_seconds: float) -> Result:
    """Return what a coroutine that keeps its own deadline returns on the engine's loop. Raises NoReply for ours."""
    try:
        future = get_engine_loop().submit(coroutine)
    except RuntimeError:
        raise NoReply("We were stopping when it was to be sent.", is_untaken=True) from None
    try:
        return future.result(timeout_seconds + GRACE_SECONDS)
    except concurrent.futures.CancelledError:
        raise NoReply("We were stopping while it was being sent.") from None
    except TimeoutError:
        future.cancel()
        raise NoReply("We were too busy to send it in time.") from None


def open_session(reach: Reach, deadline: asyncio.Timeout) -> CheckSession:
    """Return a session on the running loop. Raises ConfigurationError when the address rules cannot be read."""
    due = deadline.when()
    assert due is not None
    # Places of our own may not push the deadline back: it is the same as the hard one.
    return CheckSession(find_dialer(reach), deadline, due)


def find_dialer(reach: Reach) -> Dialer:
    """Return the running loop's dialer for messages. Raises ConfigurationError when the rules cannot be read."""
    # Not the one of the checks: they must not wait for places that messages hold, nor messages for theirs.
    limits = Limits(reach.timeout_seconds, per_address=MAX_AT_ONCE, address_rules=reach.rules, control_name="")
    return get_dialer(limits)


async def _ask_all(calls: Sequence[Call], reach: Reach) -> list[Reply | NoReply]:
    ends_at = asyncio.get_running_loop().time() + reach.timeout_seconds
    return list(await asyncio.gather(*(_ask(call, reach, ends_at) for call in calls)))


async def _ask(call: Call, reach: Reach, ends_at: float) -> Reply | NoReply:
    session: CheckSession | None = None
    try:
        async with asyncio.timeout_at(ends_at) as deadline:
            session = open_session(reach, deadline)
            return await _follow(call, session)
    except TimeoutError:
        if session is not None and session.is_waiting:
            sentence = "Too many messages were on their way to its address; it waited for its turn in vain."
            return NoReply(sentence, is_untaken=True)
        is_untaken = session is None or session.stopwatch.phase in _BEFORE_SENDING
        return NoReply(f"It did not answer within {reach.timeout_seconds:g} s.", is_untaken=is_untaken)
    except ProbeFailure as failure:
        return explain_failure(failure)
    except ConfigurationError as error:
        return NoReply(error.sentence, is_final=True)


async def _follow(call: Call, session: CheckSession) -> Reply:
    for _ in range(MAX_REDIRECTS):
        reply, location = await _ask_once(call, session)
        target = _find_same_origin(call.url, location) if location and reply.status in _KEEPS_METHOD else ""
        if not target:
            return reply
        call = replace(call, url=target)
    return (await _ask_once(call, session))[0]


def _find_same_origin(url: str, location: str) -> str:
    """Return where a redirect leads when it stays where it was, else nothing."""
    before = parse_address(url)
    try:
        after = parse_address(str(before.join(location)))
    except (ConfigurationError, httpx.InvalidURL, ValueError):
        return ""
    is_same = (before.scheme, before.raw_host, before.port) == (after.scheme, after.raw_host, after.port)
    return str(after) if is_same else ""


async def _ask_once(call: Call, session: CheckSession) -> tuple[Reply, str]:
    response = await OneConnectionTransport(session, tls=call.tls).ask(_build_request(call))
    try:
        return await _read(response, session), _find_header(response, b"location")
    finally:
        response.close()


def _build_request(call: Call) -> Request:
    url = parse_address(call.url)
    given = {name.lower() for name, _ in call.headers}
    ours = [pair for pair in _HEADERS if pair[0].lower() not in given]
    ends = (("Host", url.netloc.decode("ascii")), ("Content-Length", str(len(call.body))))
    return Request("POST", url, (*ends, *ours, *call.headers), call.body)


async def _read(response: Response, session: CheckSession) -> Reply:
    content_type = _find_header(response, b"content-type")
    loop = asyncio.get_running_loop()
    ends_at = min(loop.time() + BODY_SECONDS, session.hard_deadline - MARGIN_SECONDS)
    body = await _read_beginning(response, ends_at)
    return Reply(
        response.status,
        "" if response.encoding else decode_text(body, choose_charset(content_type)),
        _find_header(response, b"retry-after"),
        is_markup=not content_type.lower().startswith((JSON, "text/plain")),
    )


async def _read_beginning(response: Response, ends_at: float) -> bytes:
    """Return what comes of a body, up to the limit and in time. The status said already what became of the message."""
    body = bytearray()
    with suppress(ProbeFailure, TimeoutError):
        async with asyncio.timeout_at(ends_at):
            async for chunk in response:
                body += chunk
                if len(body) >= MAX_ANSWER_BYTES:
                    break
    return bytes(body[:MAX_ANSWER_BYTES])


def _find_header(response: Response, name: bytes) -> str:
    return next((value.decode("latin-1").strip() for value in response.list_values(name)), "")


_SENTENCES = {
    ErrorKind.TIMEOUT: "It did not answer in time",
    ErrorKind.DNS: "Its name could not be resolved",
    ErrorKind.REFUSED: "It refused the connection",
    ErrorKind.TLS: "The encrypted connection could not be set up",
    ErrorKind.CERTIFICATE: "Its certificate was not accepted; renew it there, or enter the authority that issued it",
    ErrorKind.PROTOCOL: "Its answer broke the rules of HTTP",
    ErrorKind.TOO_LARGE: "The header of its answer was larger than the limit",
    ErrorKind.CAPACITY: "We had no capacity left to send it",
}


def explain_failure(failure: ProbeFailure) -> NoReply:
    """Return what a failure to reach a receiver means, in a sentence."""
    if failure.kind is ErrorKind.BLOCKED:
        return NoReply(
            f"The address policy does not allow sending to its address ({failure.found}); allow the address, or enter "
            "another.",
            is_final=True,
        )
    sentence = _SENTENCES.get(failure.kind, "The connection failed or was cut")
    is_untaken = failure.phase in _BEFORE_SENDING
    return NoReply(f"{sentence} ({failure.found})." if failure.found else f"{sentence}.", is_untaken=is_untaken)
