"""A listener on loopback that says what an example wants, and a check of it as the runner makes it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import uvloop

from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import load_probe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressMode, AddressRules, Limits, Outcome, Target

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
LIMITS = Limits(60.0, address_rules=AddressRules(AddressMode.EVERYTHING), control_name="")
# Of a check that a busy machine must not end: no example waits for anything.
TIMEOUT_SECONDS = 20.0
# Steps of the loop between two pieces: the checker, which runs on the same one, has read the first by then.
STEPS_BETWEEN = 3
Result = TypeVar("Result")


@dataclass
class Wire:
    """One loop for the listener and the checker, so that pieces arrive as they were cut."""

    runner: asyncio.Runner
    port: int = 0
    pieces: Sequence[bytes] = ()
    waits_for: bytes = b"\r\n\r\n"
    # What the loop or a protocol of ours had to complain about.
    complaints: list[str] = field(default_factory=list)
    _server: asyncio.Server | None = None

    def check(
        self,
        pieces: Sequence[bytes],
        *,
        kind: str = "http",
        assertions: str = "",
        options: Mapping[str, Any] | None = None,
        credential: Any = None,
    ) -> Outcome:
        """Return what a check made of the pieces. Raises what nobody caught."""
        self.pieces, self.waits_for = pieces, b"\r\n\r\n" if kind == "http" else b""
        address = f"{kind}://127.0.0.1:{self.port}"
        parsed = load_probe(kind).parse(address, options or {})
        target = Target(1, kind, address, parsed, parse_assertions(assertions), TIMEOUT_SECONDS, credential)
        return self.run(self._check(target))

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        result = self.runner.run(coroutine)
        assert self.complaints == []
        return result

    async def _check(self, target: Target) -> Outcome:
        [outcome] = await probe_all([target], LIMITS, now=NOW, lag=LagMeter(), details=True)
        return outcome

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: self.complaints.append(repr(context)))
        self._server = await asyncio.start_server(self._speak, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.waits_for:
                await reader.readuntil(self.waits_for)
            for piece in self.pieces:
                writer.write(piece)
                for _ in range(STEPS_BETWEEN):
                    await asyncio.sleep(0)
                if writer.is_closing():
                    return
            writer.write_eof()
            # What is left unread would turn the close into a reset, which may overtake the answer.
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@contextmanager
def open_wire() -> Iterator[Wire]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        wire = Wire(runner)
        runner.run(wire.open())
        try:
            yield wire
        finally:
            runner.run(wire.close())


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Return the data in pieces, cut at the places that lie inside it."""
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges) if start < end]
