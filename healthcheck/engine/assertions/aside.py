"""Where judging goes that can take long: to a few threads of this process, by turns, the least work first."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from healthcheck.engine.assertions.turns import get_turns

# Work up to which judging stays on the loop. Going to a thread and back costs about 0.1 ms, so more is worth the way.
MAX_ON_LOOP_NS = 4_000_000
# Threads of this process for larger ones. Their work is bounded, together about seven seconds at the worst.
JUDGE_THREADS = 2
Result = TypeVar("Result")


async def work_aside(work: int, act: Callable[[], Result]) -> Result:
    """Do it on another thread, when its turn has come; `work` is nanoseconds, as estimated."""
    async with get_turns(JUDGE_THREADS).take(work):
        return await asyncio.get_running_loop().run_in_executor(_get_threads(os.getpid()), act)


@cache
def _get_threads(pid: int) -> ThreadPoolExecutor:
    # Per process: after a fork the threads of a pool are gone, and it would never start others.
    return ThreadPoolExecutor(JUDGE_THREADS, thread_name_prefix=f"judge-{pid}")
