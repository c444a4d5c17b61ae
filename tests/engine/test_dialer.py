"""Addresses are resolved once, filtered and pinned; a dead one costs its share of the time and no more."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.capacity import AddressCaps
from healthcheck.engine.check import CheckSession
from healthcheck.engine.destination import Destination
from healthcheck.engine.dialer import Dialer, get_dialer
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.resolver import Resolver
from healthcheck.engine.types import AddressFamily, AddressMode, AddressRules, ErrorKind, Limits, Phase
from tests.engine.conftest import LAPTOP, Attempt, Run
from tests.free_ports import find_lonely_port
from tests.hostile import HostileServer


class FixedResolver(Resolver):
    """Answers from a list, one entry per lookup, as a name server that changes its mind would."""

    def __init__(self, *answers: Sequence[str]) -> None:
        super().__init__()
        self.answers = list(answers)

    async def lookup(self, name: str, family: AddressFamily, session: CheckSession) -> tuple[str, ...]:
        return tuple(self.answers.pop(0))


async def dial(resolver: Resolver, port: int, *, rules: AddressRules = LAPTOP, avoid: str = "") -> CheckSession:
    loop = asyncio.get_running_loop()
    dialer = Dialer(policy=AddressPolicy(rules), resolver=resolver, caps=AddressCaps(4))
    async with asyncio.timeout_at(loop.time() + 3) as deadline:
        session = CheckSession(dialer=dialer, deadline=deadline, hard_deadline=loop.time() + 3, avoid_address=avoid)
        try:
            connection = await dialer.dial(session, Destination("name.test", port), asyncio.Protocol())
            connection.close()
            connection.close()
        finally:
            assert len(dialer.caps) == 0
            await asyncio.sleep(0)
    return session


@contextmanager
def listening_port(host: str, *others: str, backlog: int = 5) -> Iterator[int]:
    """One port on several addresses, tried until no other connection holds it; `backlog` is that of the first."""
    for _ in range(50):
        with ExitStack() as stack:
            port: int = stack.enter_context(socket.create_server((host, 0), backlog=backlog)).getsockname()[1]
            try:
                for other in others:
                    stack.enter_context(socket.create_server((other, port)))
            except OSError:
                continue
            yield port
            return
    pytest.fail("no port is free on all addresses")


@contextmanager
def deaf_port(host: str, *others: str) -> Iterator[int]:
    """A port whose accept queue is full at `host`, so that it ignores every further SYN."""
    with listening_port(host, *others, backlog=0) as port:
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex((host, port))
        yield port
        for filler in fillers:
            filler.close()


def test_dialer_passes_a_refusing_address(hostile: HostileServer, run: Run) -> None:
    session = run(dial(FixedResolver(["127.0.0.2", "127.0.0.1"]), hostile.listen("silent")))
    assert session.address == "127.0.0.1"


def test_dialer_passes_a_deaf_address_in_time(run: Run) -> None:
    with deaf_port("127.0.0.3", "127.0.0.1") as port:
        session = run(dial(FixedResolver(["127.0.0.3", "127.0.0.1"]), port))
    assert session.address == "127.0.0.1"


def test_dialer_names_a_host_that_ignores_it(run: Run) -> None:
    with deaf_port("127.0.0.3") as port:
        failure = run(Attempt(f"http://127.0.0.3:{port}/", timeout=0.2).fail())
    assert (failure.kind, failure.phase) == (ErrorKind.TIMEOUT, Phase.CONNECT)


def test_dialer_prefers_another_than_the_failed_address(run: Run) -> None:
    with listening_port("127.0.0.1", "127.0.0.2") as port:
        session = run(dial(FixedResolver(["127.0.0.1", "127.0.0.2"]), port, avoid="127.0.0.1"))
    assert session.address == "127.0.0.2"


def test_dialer_tries_four_addresses_of_two_hundred(run: Run) -> None:
    addresses = [f"127.0.1.{number}" for number in range(200)]
    with socket.create_server(("127.0.1.4", 0)) as listener, pytest.raises(ProbeFailure) as caught:
        run(dial(FixedResolver(addresses), listener.getsockname()[1]))
    assert (caught.value.kind, caught.value.phase) == (ErrorKind.REFUSED, Phase.CONNECT)


def test_dialer_connects_to_no_forbidden_address(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("silent")
    with pytest.raises(ProbeFailure) as caught:
        run(dial(FixedResolver(["127.0.0.1", "::1", "10.0.0.1"]), port, rules=AddressRules(AddressMode.PUBLIC)))
    assert (caught.value.kind, caught.value.phase, caught.value.found) == (
        ErrorKind.BLOCKED,
        Phase.RESOLVE,
        "loopback",
    )
    assert hostile.accepted[port] == 0


def test_dialer_uses_only_the_permitted_address_of_a_mixed_name(hostile: HostileServer, run: Run) -> None:
    rules = AddressRules(AddressMode.PUBLIC, allow=("127.0.0.1/32",))
    port = hostile.listen("silent", host="127.0.0.2", port=find_lonely_port("127.0.0.2"))
    with pytest.raises(ProbeFailure) as caught:
        run(dial(FixedResolver(["127.0.0.2", "127.0.0.1"]), port, rules=rules))
    assert caught.value.kind == ErrorKind.REFUSED
    assert hostile.accepted[port] == 0


def test_dialer_asks_for_a_name_only_once(hostile: HostileServer, run: Run) -> None:
    resolver = FixedResolver(["127.0.0.1"], ["127.0.0.2"])
    assert run(dial(resolver, hostile.listen("silent"))).address == "127.0.0.1"
    assert resolver.answers == [["127.0.0.2"]]


def test_dialer_frees_its_place_when_it_is_cancelled(run: Run) -> None:
    async def cancel_one(port: int) -> None:
        task = asyncio.ensure_future(dial(FixedResolver(["127.0.0.3"]), port))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with deaf_port("127.0.0.3") as port:
        run(cancel_one(port))


def test_get_dialer_is_one_per_loop_and_limits(run: Run) -> None:
    async def get_three() -> list[Dialer]:
        return [get_dialer(Limits(5)), get_dialer(Limits(9)), get_dialer(Limits(5, per_address=1))]

    first, second, other = run(get_three())
    assert first is second
    assert first is not other
    assert run(get_three())[0] is not first
