"""One event loop per process, on a thread of its own, on which all runs of the process gather."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import sys
import threading
from collections.abc import Coroutine
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from healthcheck.engine.lag import LagMeter
from healthcheck.engine.memory import give_back_large_blocks
from healthcheck.engine.resolver import warm_up

# uvloop where it is installed; it halves what a check costs.
LOOP_MODULE = "uvloop" if find_spec("uvloop") else "asyncio"
Result = TypeVar("Result")
STOP_SECONDS = 5.0
# At the interpreter's exit: enough to cancel what is under way, and all that a stubborn coroutine may cost.
EXIT_SECONDS = 1.0
# How long a thread that judges a large answer may keep the interpreter from the loop. With Python's 5 ms the loop was
# late for two fifths of the time while one hostile JSON document was judged, so that failures of all neighbours would
# have been excused as ours; with this for a tenth.
SWITCH_SECONDS = 0.0005


class EngineLoop:
    """An event loop on a daemon thread, with a meter of its own lag. Never holds up the interpreter's exit."""

    def __init__(self) -> None:
        self.lag = LagMeter()
        self.is_stopping = False
        self._loop: asyncio.AbstractEventLoop = import_module(LOOP_MODULE).new_event_loop()
        self._thread = threading.Thread(target=self._run, name="healthcheck-loop", daemon=True)
        give_back_large_blocks()
        sys.setswitchinterval(min(SWITCH_SECONDS, sys.getswitchinterval()))
        warm_up()
        self._loop.call_soon(self.lag.start)
        self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, Result]) -> concurrent.futures.Future[Result]:
        """Run a coroutine; the future's `cancel` cancels it there. Raises RuntimeError once the loop is stopping."""
        if self.is_stopping:
            coroutine.close()
            raise RuntimeError("the engine's loop is stopping")
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def stop(self, timeout: float = STOP_SECONDS) -> bool:
        """Cancel everything and join the thread; True when it ended within `timeout` seconds."""
        if not self.is_stopping:
            self.is_stopping = True
            self._loop.call_soon_threadsafe(lambda: self._loop.create_task(self._wind_up()))
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._loop.is_closed():
            # A SystemExit inside a check ends its own run, never the loop that the others share.
            with suppress(SystemExit, KeyboardInterrupt):
                self._loop.run_forever()
                self._loop.close()

    async def _wind_up(self) -> None:
        await self.lag.stop()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)
        await self._loop.shutdown_asyncgens()
        self._loop.stop()


class _Holder:
    """The process's loop. After a fork the child has neither its thread nor, perhaps, a free lock."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.current: EngineLoop | None = None
        # Never collected: closing an inherited loop would close what the parent still uses.
        self.inherited: list[EngineLoop] = []

    def get(self) -> EngineLoop:
        with self.lock:
            if self.current is None or self.current.is_stopping:
                self.current = EngineLoop()
            return self.current

    def stop(self, timeout: float) -> bool:
        with self.lock:
            return self.current is None or self.current.stop(timeout)

    def forget(self) -> None:
        self.lock = threading.Lock()
        if self.current is not None:
            self.inherited.append(self.current)
        self.current = None


_HOLDER = _Holder()
os.register_at_fork(after_in_child=_HOLDER.forget)


def get_engine_loop() -> EngineLoop:
    """Return this process's loop, started on first use and again after a stop or a fork."""
    return _HOLDER.get()


def stop_engine_loop(timeout: float = STOP_SECONDS) -> bool:
    """Stop this process's loop if there is one; True when nothing is left running."""
    return _HOLDER.stop(timeout)


atexit.register(stop_engine_loop, EXIT_SECONDS)
