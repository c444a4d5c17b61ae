"""The TCP probe: a connection, and where one is written a dialogue of sends and expectations over it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, TypeVar

from healthcheck.engine.assertions.aside import MAX_ON_LOOP_NS, work_aside
from healthcheck.engine.assertions.condition import Condition
from healthcheck.engine.assertions.model import describe_value
from healthcheck.engine.assertions.patterns import Pattern, TooMuchToSearchError
from healthcheck.engine.assertions.work import MAX_JUDGEMENT_NS
from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dialer import Connection
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes.observing import observe_stream
from healthcheck.engine.probes.option_values import has_surrogate
from healthcheck.engine.probes.stream_options import StreamOptions, parse_place, parse_stream_options
from healthcheck.engine.probes.tcp_steps import (
    READY_MADE,
    Capture,
    Check,
    Expect,
    ExpectLine,
    ExpectReply,
    Send,
    StartTls,
    Step,
    describe_step,
    parse_steps,
)
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.stream import Stream
from healthcheck.engine.types import ConfigurationError, ErrorKind, Observation, Phase, Target

SCHEME = "tcp"
Result = TypeVar("Result")
# A dialogue is a handful of lines; what is longer is a flood.
MAX_RECEIVED_BYTES = 256 * 1024
# What all searches of one dialogue may take together, as for the assertions of one judgement.
MAX_SEARCH_NS = MAX_JUDGEMENT_NS
# After a search that can take long: what comes in small pieces is searched in large ones.
SETTLE_SECONDS = 0.05
# Far more than is shown of what was found, and little enough to look for every secret in it.
MAX_TOLD_CHARS = 8 * 1024
# Lines of one reply, and lines that `until` passes over.
MAX_LINES = 200
MIN_SECRET_CHARS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpOptions(StreamOptions):
    """`dialogue` is text, one step per line; with `is_encrypted` TLS begins at once."""

    dialogue: str = field(default="", repr=False)
    is_encrypted: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is sent may hold a password: all of it, its words but for the command, and bytes as text."""
        sent = (step for step in _parse(self.dialogue) if isinstance(step, Send) and step not in _WELL_KNOWN)
        words = [word for step in sent for text in _list_texts(step) for word in (text, *text.split()[1:])]
        return tuple(dict.fromkeys(word for word in words if len(word) >= MIN_SECRET_CHARS))


class TcpProbe:
    """One connection per check, hung up at the end of the dialogue."""

    kind = "tcp"
    uses_credentials = False
    defaults: Mapping[str, Any] = TcpOptions().to_dict()

    def parse(self, address: str, options: Mapping[str, Any]) -> TcpOptions:
        """Return the typed options. Raises ConfigurationError with a sentence that names the cure."""
        parse_place(address, SCHEME)
        return parse_stream_options(
            options, TcpOptions, {"dialogue": _parse_dialogue, "is_encrypted": _parse_is_encrypted}, kind=self.kind
        )

    def locate(self, target: Target) -> Destination:
        """Return where it connects to."""
        options: TcpOptions = target.options
        return options.locate(parse_place(target.address, SCHEME), is_encrypted=options.is_encrypted)

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        """Raises ProbeFailure; leaves nothing open."""
        options: TcpOptions = target.options
        stream = Stream(MAX_RECEIVED_BYTES)
        connection = await session.dialer.dial(session, self.locate(target), stream)
        try:
            upgraded = options.locate(parse_place(target.address, SCHEME), is_encrypted=True)
            dialogue = _Dialogue(session, connection, stream=stream, upgraded=upgraded, secrets=options.secrets)
            for step in _parse(options.dialogue):
                await dialogue.take(step)
        finally:
            connection.close()
        return observe_stream(session, connection, received=bytes(stream.received))


class _Dialogue:
    """One run through the steps. What a step does not find is a failure of the answer, not of the connection."""

    def __init__(
        self,
        session: CheckSession,
        connection: Connection,
        *,
        stream: Stream,
        upgraded: Destination,
        secrets: Sequence[str],
    ) -> None:
        self._session = session
        self._connection = connection
        self._stream = stream
        self._upgraded = upgraded
        self._secrets = secrets
        self._last = ""
        self._captured: dict[str, str] = {}
        self._searched_ns = 0

    async def take(self, step: Step) -> None:
        """Raises ProbeFailure."""
        if isinstance(step, StartTls):
            await self._encrypt()
        elif isinstance(step, Send):
            with self._session.stopwatch.measure(Phase.REQUEST):
                await self._stream.write(self._connection.transport, step.encode(self._captured))
        else:
            with self._session.stopwatch.measure(Phase.HEADERS):
                try:
                    await self._wait_for(step)
                except TooMuchToSearchError:
                    raise self._miss(step, "a text too long for this regular expression") from None

    async def _encrypt(self) -> None:
        if self._stream.has_unread:
            # It would be taken for something said under encryption (CVE-2011-0411).
            raise ProbeFailure(ErrorKind.PROTOCOL, Phase.TLS, "it spoke between its consent and the handshake")
        await self._session.dialer.upgrade(self._session, self._upgraded, self._stream, connection=self._connection)

    async def _wait_for(self, step: Step) -> None:
        if isinstance(step, Expect):
            self._last = _decode(await self._read_expected(step))
        elif isinstance(step, ExpectLine):
            await self._read_line(step)
        elif isinstance(step, ExpectReply):
            await self._read_reply(step)
        elif isinstance(step, Check):
            await self._hold(step.condition, step)
        elif isinstance(step, Capture):
            await self._capture(step)

    async def _read_expected(self, step: Expect) -> bytes:
        pattern = step.pattern
        if pattern is None:
            return await self._stream.read_until(step.find_end)

        async def find_end(unread: bytes) -> int | None:
            before = self._searched_ns
            end = await self._search(pattern, len(unread), partial(step.find_end, unread))
            if end is None and self._searched_ns - before > MAX_ON_LOOP_NS:
                await asyncio.sleep(SETTLE_SECONDS)
            return end

        return await self._stream.read_found(find_end)

    async def _search(self, pattern: Pattern | None, size: int, act: Callable[[], Result]) -> Result:
        """Do what searches so many bytes: on the loop only as long as all searches together take no time.

        Raises TooMuchToSearchError when they take too much.
        """
        self._searched_ns += pattern.estimate_ns(size) if pattern is not None else 0
        if self._searched_ns > MAX_SEARCH_NS:
            raise TooMuchToSearchError
        if pattern is None or self._searched_ns <= MAX_ON_LOOP_NS:
            return act()
        # Our own work, and no part of the target's time.
        with self._session.waiting():
            return await work_aside(pattern.estimate_ns(size), act)

    async def _read_line(self, step: ExpectLine) -> None:
        for _ in range(MAX_LINES):
            self._last = _decode(await self._stream.read_line())
            if not step.skips:
                await self._hold(step.condition, step)
                return
            if await self._holds(step.condition):
                return
        raise ProbeFailure(ErrorKind.TOO_LARGE, Phase.BODY, f"more than {MAX_LINES} lines")

    async def _read_reply(self, step: ExpectReply) -> None:
        has_begun = False
        for _ in range(MAX_LINES):
            line = await self._stream.read_line()
            code, mark = line[:3], line[3:4]
            is_code = len(code) == 3 and code.isdigit()
            self._last = _decode(line)
            if not (has_begun or is_code):
                raise self._miss(step, self._describe_last())
            if is_code and mark != b"-":
                if not any(low <= int(code) <= high for low, high in step.ranges):
                    raise self._miss(step, self._describe_last())
                return
            # Between the first line and the last there may be free text, which begins with no code (RFC 959, 4.2).
            has_begun = True
        raise ProbeFailure(ErrorKind.TOO_LARGE, Phase.BODY, f"more than {MAX_LINES} lines")

    async def _hold(self, condition: Condition, step: Step) -> None:
        if not await self._holds(condition):
            raise self._miss(step, self._describe_last())

    async def _holds(self, condition: Condition) -> bool:
        # No condition of a dialogue asks for the time.
        act = partial(condition.holds_for_text, self._last, _NO_TIME)
        return await self._search(condition.pattern, len(self._last.encode()), act)

    async def _capture(self, step: Capture) -> None:
        text = self._last.encode()
        found = await self._search(step.pattern, len(text), partial(step.pattern.find_group, text))
        if found is None:
            raise self._miss(step, self._describe_last())
        self._captured[step.name] = _decode(found)

    def _describe_last(self) -> str:
        # Before it is cut to what is shown: half of a secret would not be recognised any more.
        return describe_value(Redactor(self._secrets).clean(self._last[:MAX_TOLD_CHARS]))

    def _miss(self, step: Step, found: str) -> ProbeFailure:
        return ProbeFailure(ErrorKind.ASSERTION, Phase.HEADERS, found, expected=describe_step(step))


# What everybody knows, hidden, would only make an answer hard to read.
_WELL_KNOWN = frozenset(step for lines in READY_MADE.values() for step in parse_steps("\n".join(lines)))


def _list_texts(step: Send) -> list[str]:
    """Return the texts of which something could be said back: what stands between captured parts, or the bytes."""
    if step.data:
        return [step.data.decode("utf-8", "replace").strip()]
    return [part.strip() for part in step.list_parts()]


_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "replace")


# Every run parses the dialogues of its targets again; the steps are frozen, so that they can be shared.
@lru_cache(maxsize=1024)
def _parse(dialogue: str) -> tuple[Step, ...]:
    return parse_steps(dialogue)


def _parse_dialogue(value: Any) -> str:
    if not isinstance(value, str) or has_surrogate(value):
        raise ConfigurationError("The dialogue must be text; correct it.", field="dialogue")
    try:
        _parse(value)
    except ConfigurationError as error:
        raise ConfigurationError(error.sentence, field="dialogue") from None
    return value


def _parse_is_encrypted(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError("is_encrypted must be true or false; choose one.", field="is_encrypted")
    return value
