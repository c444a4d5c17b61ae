"""The cap per address and port: first come first served, outside the check's time, and nothing left behind."""

from __future__ import annotations

import asyncio

import pytest

from healthcheck.engine.capacity import AddressCaps
from healthcheck.engine.check import CheckSession
from healthcheck.engine.dialer import get_dialer
from healthcheck.engine.types import Limits
from tests.engine.conftest import Attempt, Run
from tests.hostile import HostileServer

KEY = ("127.0.0.1", 80)


async def take(caps: AddressCaps, order: list[int], number: int) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout_at(loop.time() + 0.001 * number) as deadline:
        session = CheckSession(dialer=get_dialer(Limits(5)), deadline=deadline, hard_deadline=loop.time() + 5)
        await caps.acquire(KEY, session)
    order.append(number)


def test_caps_serve_in_order_of_arrival_and_forget(run: Run) -> None:
    async def take_four() -> list[int]:
        caps, order = AddressCaps(1), list[int]()
        tasks = [asyncio.ensure_future(take(caps, order, number)) for number in range(1, 5)]
        for count, task in enumerate(tasks, start=1):
            await task
            assert len(order) == count
            caps.release(KEY)
        assert len(caps) == 0
        return order

    assert run(take_four()) == [1, 2, 3, 4]


@pytest.mark.parametrize("is_handed_over", [False, True])
def test_caps_lose_no_place_to_a_cancelled_waiter(is_handed_over: bool, run: Run) -> None:
    async def cancel_the_second() -> list[int]:
        caps, order = AddressCaps(1), list[int]()
        await take(caps, order, 1)
        second = asyncio.ensure_future(take(caps, order, 2))
        third = asyncio.ensure_future(take(caps, order, 3))
        await asyncio.sleep(0)
        if is_handed_over:
            caps.release(KEY)
            second.cancel()
        else:
            second.cancel()
            caps.release(KEY)
        await third
        assert second.cancelled()
        caps.release(KEY)
        assert len(caps) == 0
        return order

    assert run(cancel_the_second()) == [1, 3]


def test_caps_keep_the_wait_out_of_latency_and_deadline(hostile: HostileServer, run: Run) -> None:
    port = hostile.listen("reset_in_endless_body")

    async def probe_five() -> list[int]:
        # Each holds the one place for 50 ms, so the last one waits for 200 ms: longer than its own timeout.
        attempt = Attempt(f"http://127.0.0.1:{port}/", timeout=0.15, per_address=1)
        failures = await asyncio.gather(*(attempt.fail() for _ in range(5)))
        return [failure.kind for failure in failures]

    assert {kind.word for kind in run(probe_five())} == {"connection"}
