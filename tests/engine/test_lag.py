import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import pytest

from healthcheck.engine.lag import BEAT_SECONDS, NOTABLE_SECONDS, LagMeter

LONGEST_DEADLINE = 600.0


def block(seconds: float) -> float:
    """Hold up the loop for real; return when that began."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        pass
    return began


@pytest.fixture
async def lag() -> AsyncIterator[LagMeter]:
    meter = LagMeter()
    meter.start()
    yield meter
    await meter.stop()


def test_lag_without_a_loop_is_zero() -> None:
    assert LagMeter().total_between(0.0, time.monotonic()) == 0.0


async def test_lag_counts_a_stall_that_is_not_over(lag: LagMeter) -> None:
    began = block(0.4)
    assert lag.total_between(began, time.monotonic()) >= 0.4 - BEAT_SECONDS


async def test_lag_remembers_a_stall_that_is_over(lag: LagMeter) -> None:
    began = block(0.4)
    ended = time.monotonic()
    await asyncio.sleep(2 * BEAT_SECONDS)
    assert lag.total_between(began, time.monotonic()) >= 0.4 - BEAT_SECONDS
    assert lag.total_between(began, began + 0.2) <= 0.2
    assert lag.total_between(began - 20.0, began - 10.0) == 0.0
    assert ended - began >= 0.4


async def test_lag_outside_the_window_is_zero(lag: LagMeter) -> None:
    block(0.2)
    await asyncio.sleep(2 * BEAT_SECONDS)
    later = time.monotonic() + 1000.0
    assert lag.total_between(later, later + 10.0) == 0.0


async def test_lag_after_stop_has_no_stall_under_way(lag: LagMeter) -> None:
    await lag.stop()
    began = block(0.2)
    assert lag.total_between(began, time.monotonic()) == 0.0


async def test_lag_adds_up_stalls_that_are_short_each(lag: LagMeter) -> None:
    began = time.monotonic()
    for _ in range(10):
        block(0.09)
        await asyncio.sleep(0)
    assert lag.total_between(began, time.monotonic()) >= 10 * (0.09 - BEAT_SECONDS)


def test_lag_is_the_sum_of_what_lies_in_the_window() -> None:
    lag = LagMeter()
    for due, came in [(10.0, 12.0), (20.0, 20.001), (30.0, 33.0), (40.0, 41.0)]:
        lag.note(due, came)
    assert lag.total_between(0.0, 100.0) == 6.0
    assert lag.total_between(11.0, 31.0) == 2.0
    assert lag.total_between(12.0, 30.0) == 0.0
    assert lag.total_between(41.0, 100.0) == 0.0


def test_lag_remembers_the_longest_deadline_of_a_group_however_starved_it_was() -> None:
    lag = LagMeter()
    step = BEAT_SECONDS + 2 * NOTABLE_SECONDS
    late = [(number * step, number * step + 2 * NOTABLE_SECONDS) for number in range(round(LONGEST_DEADLINE / step))]
    for due, came in late:
        lag.note(due, came)
    assert lag.total_between(0.0, LONGEST_DEADLINE) == pytest.approx(len(late) * 2 * NOTABLE_SECONDS)


STOPPED = """
import asyncio, sys, time
from healthcheck.engine.lag import LagMeter

async def main():
    lag = LagMeter()
    lag.start()
    began = time.monotonic()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print(lag.total_between(began, time.monotonic()))
    await lag.stop()

asyncio.run(main())
"""


def test_lag_counts_the_time_the_process_was_stopped() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        began = time.monotonic()
        block(0.5)
        stopped = time.monotonic() - began
        os.kill(process.pid, signal.SIGCONT)
        process.stdin.write("\n")
        process.stdin.flush()
        measured = float(process.stdout.read())
    assert stopped - BEAT_SECONDS <= measured
