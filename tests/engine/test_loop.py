import asyncio
import concurrent.futures
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from healthcheck.engine.lag import NOTABLE_SECONDS, LagMeter
from healthcheck.engine.loop import SWITCH_SECONDS, EngineLoop, get_engine_loop, stop_engine_loop


@pytest.fixture
def engine() -> Iterator[EngineLoop]:
    engine = EngineLoop()
    yield engine
    assert engine.stop()


async def name_thread() -> str:
    return threading.current_thread().name


async def wait_forever(started: threading.Event, ended: threading.Event) -> None:
    try:
        started.set()
        await asyncio.Event().wait()
    finally:
        ended.set()


def test_loop_runs_coroutines_on_its_own_thread(engine: EngineLoop) -> None:
    assert engine.submit(name_thread()).result(10) == "healthcheck-loop"


def test_loop_waits_for_no_thread_longer_than_its_lag_meter_forgives(engine: EngineLoop) -> None:
    assert sys.getswitchinterval() == SWITCH_SECONDS
    assert SWITCH_SECONDS < NOTABLE_SECONDS / 2


def test_loop_measures_its_own_lag(engine: EngineLoop) -> None:
    async def stall() -> float:
        began = time.monotonic()
        while time.monotonic() - began < 0.3:
            pass
        return engine.lag.total_between(began, time.monotonic())

    assert isinstance(engine.lag, LagMeter)
    assert engine.submit(stall()).result(10) >= 0.2


def test_loop_future_cancels_its_coroutine(engine: EngineLoop) -> None:
    started, ended = threading.Event(), threading.Event()
    future = engine.submit(wait_forever(started, ended))
    assert started.wait(10)
    assert future.cancel()
    assert ended.wait(10)


def test_loop_stop_cancels_what_is_under_way() -> None:
    engine = EngineLoop()
    started, ended = threading.Event(), threading.Event()
    future = engine.submit(wait_forever(started, ended))
    assert started.wait(10)
    assert engine.stop()
    assert ended.is_set()
    with pytest.raises(concurrent.futures.CancelledError):
        future.result(10)


def test_loop_that_stops_takes_nothing_more() -> None:
    engine = EngineLoop()
    assert engine.stop()
    with pytest.raises(RuntimeError):
        engine.submit(name_thread())
    assert engine.stop()


def test_loop_survives_an_exit_inside_a_coroutine(engine: EngineLoop) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        engine.submit(leave()).result(10)
    assert engine.submit(name_thread()).result(10) == "healthcheck-loop"


def test_process_loop_is_one_until_it_is_stopped() -> None:
    first = get_engine_loop()
    assert get_engine_loop() is first
    assert stop_engine_loop()
    assert stop_engine_loop()
    second = get_engine_loop()
    assert second is not first
    assert second.submit(name_thread()).result(10) == "healthcheck-loop"
    assert stop_engine_loop()


def run_python(code: str) -> tuple[str, str]:
    command = [sys.executable, "-W", "error", "-c", code]
    finished = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    return finished.stdout, finished.stderr


STARTED = """
import threading
from healthcheck.engine.loop import get_engine_loop

get_engine_loop()
print([thread.name for thread in threading.enumerate() if thread.name == "healthcheck-lookup"])
"""


def test_process_loop_begins_with_a_lookup() -> None:
    assert run_python(STARTED) == ("['healthcheck-lookup']\n", "")


FORKED = """
import os
from healthcheck.engine.loop import get_engine_loop, stop_engine_loop

async def answer():
    return os.getpid()

parent = get_engine_loop()
assert parent.submit(answer()).result(10) == os.getpid()
child = os.fork()
if child == 0:
    mine = get_engine_loop()
    good = mine is not parent and mine.submit(answer()).result(10) == os.getpid() and stop_engine_loop()
    os._exit(0 if good else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), parent.submit(answer()).result(10) == os.getpid())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_process_loop_is_another_after_a_fork() -> None:
    assert run_python(FORKED) == ("0 True\n", "")


EXITING = """
import asyncio, threading
from healthcheck.engine.loop import get_engine_loop

started = threading.Event()

async def hang():
    while True:
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            IF_CANCELLED

get_engine_loop().submit(hang())
assert started.wait(10)
print("leaving")
"""


def test_process_loop_cancels_what_is_under_way_at_exit() -> None:
    assert run_python(EXITING.replace("IF_CANCELLED", "raise")) == ("leaving\n", "")


def test_process_loop_does_not_wait_at_exit_for_what_ignores_cancellation() -> None:
    assert run_python(EXITING.replace("IF_CANCELLED", "pass"))[0] == "leaving\n"
