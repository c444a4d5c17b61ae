"""Names through the system's resolver: bounded, shared, and never an exception of a codec."""

from __future__ import annotations

import asyncio
import math
import os
import platform
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from healthcheck.engine.check import CheckSession
from healthcheck.engine.dialer import get_dialer
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.lookup_threads import LookupThreads
from healthcheck.engine.resolver import Resolver, is_name
from healthcheck.engine.types import AddressFamily, ErrorKind, Limits, Phase
from tests.engine.conftest import Run

ANY, IPV4, IPV6 = AddressFamily.ANY, AddressFamily.IPV4, AddressFamily.IPV6


class BusyThreads(LookupThreads):
    """One thread, kept busy until it is let go; counts what it was given."""

    def __init__(self) -> None:
        super().__init__(size=1)
        self.gate = threading.Event()
        self.submitted = -1
        self.submit(lambda: void(self.gate.wait(10)))

    def submit(self, lookup: Callable[[], None]) -> None:
        self.submitted += 1
        super().submit(lookup)


def void(_: object) -> None:
    """Forget a result."""


async def look_up(
    resolver: Resolver, name: str, family: AddressFamily = ANY, *, seconds: float = 5.0
) -> tuple[str, ...]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout_at(loop.time() + seconds) as deadline:
        session = CheckSession(dialer=get_dialer(Limits(5)), deadline=deadline, hard_deadline=loop.time() + seconds)
        try:
            return await resolver.lookup(name, family, session)
        except asyncio.CancelledError:
            assert session.is_waiting
            raise


@pytest.mark.parametrize(
    ("name", "family", "addresses"),
    [
        ("localhost", IPV4, ("127.0.0.1",)),
        ("127.0.0.1", ANY, ("127.0.0.1",)),
        ("127.0.0.1", IPV4, ("127.0.0.1",)),
        ("::1", IPV6, ("::1",)),
        ("2001:0db8::0001", ANY, ("2001:db8::1",)),
    ],
)
def test_resolver_answers(name: str, family: AddressFamily, addresses: tuple[str, ...], run: Run) -> None:
    assert run(look_up(Resolver(), name, family)) == addresses


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("127.0.0.1", IPV6),
        ("::1", IPV4),
        ("", ANY),
        (".", ANY),
        ("a..b", ANY),
        (f"{'a' * 64}.test", ANY),
        (".".join(["a" * 60] * 5), ANY),
        ("xn--\x80", ANY),
        ("xn--999999999", ANY),
        ("a b.test", ANY),
        ("a\x00b.test", ANY),
        ("a\r\nb.test", ANY),
        ("-a.test", ANY),
        ("a%20b", ANY),
        ("bücher.test", ANY),
        ("１２７.0.0.1", ANY),
        ("\ud800.test", ANY),
    ],
)
def test_resolver_names_what_is_no_name(name: str, family: AddressFamily, run: Run) -> None:
    with pytest.raises(ProbeFailure) as caught:
        run(look_up(Resolver(), name, family))
    assert (caught.value.kind, caught.value.phase) == (ErrorKind.DNS, Phase.RESOLVE)


@pytest.mark.parametrize("name", ["localhost", "a.test.", "_dmarc.test", "xn--bcher-kva.test", "1and1.test", "a" * 63])
def test_resolver_knows_a_name(name: str) -> None:
    assert is_name(name)


def test_resolver_shares_one_lookup_and_survives_a_cancelled_waiter(run: Run) -> None:
    threads = BusyThreads()

    async def look_up_thrice() -> list[tuple[str, ...]]:
        resolver = Resolver(threads=threads)
        tasks = [asyncio.ensure_future(look_up(resolver, "localhost", IPV4)) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.sleep(0)
        threads.gate.set()
        answers = await asyncio.gather(*tasks[1:])
        assert threads.submitted == 1
        assert await look_up(resolver, "localhost", IPV4) == ("127.0.0.1",)
        assert threads.submitted == 2
        return answers

    assert run(look_up_thrice()) == [("127.0.0.1",), ("127.0.0.1",)]


def test_resolver_waits_for_a_thread_outside_the_latency(run: Run) -> None:
    threads = BusyThreads()
    with pytest.raises(TimeoutError):
        run(look_up(Resolver(threads=threads), "localhost", seconds=0.1))
    threads.gate.set()


@pytest.mark.parametrize(("name", "is_silent"), [("localhost", False), ("", False)])
def test_resolver_that_answers_is_not_silent(name: str, is_silent: bool, run: Run) -> None:
    assert run(Resolver(control_name=name).is_silent()) is is_silent


def test_resolver_without_an_answer_is_silent(run: Run) -> None:
    threads = BusyThreads()
    assert run(Resolver(control_name="localhost", threads=threads).is_silent()) is True
    threads.gate.set()


def test_lookup_that_is_older_than_a_silence_says_nothing_about_its_name(run: Run) -> None:
    threads = BusyThreads()
    resolver = Resolver(control_name="localhost", threads=threads)

    async def recover() -> tuple[bool, bool]:
        began = asyncio.get_running_loop().time()
        assert await resolver.is_silent()
        threads.gate.set()
        return await resolver.is_silent(since=began), await resolver.is_silent(since=math.inf)

    assert run(recover()) == (True, False)


def test_lookup_threads_grow_only_to_their_size() -> None:
    threads, gate, reached = LookupThreads(size=3), threading.Event(), threading.Semaphore(0)

    def work() -> None:
        reached.release()
        gate.wait(10)

    for _ in range(5):
        threads.submit(work)
    assert all(reached.acquire(timeout=5) for _ in range(3))
    assert threads.is_busy
    assert not reached.acquire(timeout=0.05)
    gate.set()
    assert all(reached.acquire(timeout=5) for _ in range(2))


STARVED = """
import os, resource, threading
from healthcheck.engine.lookup_threads import LookupThreads
from healthcheck.engine.resolver import Resolver, warm_up
from tests.engine.test_resolver import look_up_once

threads, is_warm = LookupThreads(size=1), threading.Event()
warm_up(threads)
threads.submit(is_warm.set)
assert is_warm.wait(10)
print(look_up_once("localhost", descriptors=40))
"""


def look_up_once(name: str, *, descriptors: int) -> str:
    """Return the kind of failure of a lookup in a process that has no file descriptor left."""

    async def look_up_starved() -> str:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        with suppress(OSError):
            while True:
                os.open("/dev/null", os.O_RDONLY)
        try:
            return str(await look_up(Resolver(), name))
        except ProbeFailure as failure:
            return failure.kind.name

    return asyncio.run(look_up_starved())


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about what glibc loads late")
def test_resolver_that_is_warm_names_our_lack_of_descriptors() -> None:
    command = [sys.executable, "-c", STARVED]
    assert subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout == "CAPACITY\n"
