"""The least work goes first, and no place is lost."""

import asyncio

import pytest

from healthcheck.engine.assertions.turns import Turns


async def test_turns_go_to_the_least_work_first() -> None:
    turns, order = Turns(1), list[int]()

    async def work(amount: int) -> None:
        async with turns.take(amount):
            order.append(amount)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(amount) for amount in (9, 5, 7, 1, 7)))
    assert order == [9, 1, 5, 7, 7]


async def test_turns_are_not_lost_with_who_is_cancelled() -> None:
    turns, held = Turns(1), asyncio.Event()

    async def hold(amount: int) -> None:
        async with turns.take(amount):
            await held.wait()

    tasks = [asyncio.create_task(hold(amount)) for amount in (1, 2, 3)]
    await asyncio.sleep(0)
    # One while it waits, one while it holds, and one in the very step in which it is given the place.
    tasks[1].cancel()
    tasks[0].cancel()
    await asyncio.wait(tasks[:2])
    tasks[2].cancel()
    await asyncio.wait(tasks)
    async with asyncio.timeout(5), turns.take(4):
        pass
    assert [task.cancelled() for task in tasks] == [True] * 3


async def test_turns_survive_an_error_inside() -> None:
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError):
        async with turns.take(1):
            raise ZeroDivisionError
    async with asyncio.timeout(5), turns.take(1):
        pass
