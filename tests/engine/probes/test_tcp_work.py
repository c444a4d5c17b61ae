"""What a dialogue searches by expressions: bounded in all, and off the loop where it can take long."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from healthcheck.engine.assertions.patterns import compile_pattern
from healthcheck.engine.types import ErrorKind, Observation
from tests.engine.conftest import Attempt, Run
from tests.hostile import Behaviour, HostileServer

# RE2's slowest engine is needed for it: some seconds for the text below.
DEAR = "[01]*1[01]{150}x"
DIGITS = bytes(random.Random(4).choices(b"01", k=60_000))


def say(*pieces: bytes, pause: float = 0.0) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


def search_once() -> float:
    """Return the seconds of CPU that one search takes."""
    pattern, before = compile_pattern(DEAR), time.thread_time()
    assert pattern.find(DIGITS) is None
    return time.thread_time() - before


def ask(port: int, *lines: str) -> Attempt:
    return Attempt(f"127.0.0.1:{port}", {"dialogue": "\n".join(lines)}, kind="tcp", timeout=30.0)


@pytest.mark.parametrize(
    "lines",
    [
        (f'expect matches "end|{DEAR}"',),
        ('expect "end"', f'check not matches "{DEAR}"'),
        ('expect "end"', 'capture name "(end)"', f'check not matches "{DEAR}"'),
        ('expect "end"', f'capture name "{DEAR}|(end)"'),
    ],
)
def test_search_that_can_take_long_leaves_the_loop(lines: tuple[str, ...], hostile: HostileServer, run: Run) -> None:
    async def measure() -> float:
        before = time.thread_time()
        assert isinstance(await ask(port, *lines).observe(), Observation)
        return time.thread_time() - before

    port = hostile.listen(say(DIGITS + b"end"))
    one = search_once()
    assert run(measure()) < one / 2


def test_lines_are_searched_off_the_loop_as_well(hostile: HostileServer, run: Run) -> None:
    async def measure() -> float:
        before = time.thread_time()
        assert isinstance(await ask(port, f'until line matches "^end|{DEAR}"').observe(), Observation)
        return time.thread_time() - before

    lines = b"".join(DIGITS[start : start + 8000] + b"\n" for start in range(0, len(DIGITS), 8000))
    port = hostile.listen(say(lines + b"end\n"))
    one = search_once()
    assert run(measure()) < one / 2


def test_searches_of_a_dialogue_are_bounded_together(hostile: HostileServer, run: Run) -> None:
    # Large programs, of which the first letter is never found: what they could take is what counts.
    port = hostile.listen(say(DIGITS + b"end"))
    failure = run(ask(port, 'expect "end"', *['check not matches "x[01]{900}"'] * 40).fail())
    assert (failure.kind, failure.found) == (ErrorKind.ASSERTION, "a text too long for this regular expression")


def test_small_pieces_are_searched_together(hostile: HostileServer, run: Run) -> None:
    """Each of them by itself would be more than the whole dialogue may do."""
    pieces = [DIGITS[start : start + 100] for start in range(0, 100_000, 100)]
    port = hostile.listen(say(*pieces, b"end", pause=0.0001))
    seen = run(ask(port, 'expect matches "[01]*end"').observe())
    assert isinstance(seen, Observation)
