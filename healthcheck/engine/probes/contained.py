"""Runs what somebody else wrote so that it harms nothing but its own check: it may not end the process or the run, nor
keep a run waiting by swallowing its cancellation.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.types import ErrorKind, Phase

logger = logging.getLogger(__name__)

# What closing takes; a check is over half a second after its deadline at the latest.
END_SECONDS = 0.25
# Checks of one kind that did not end and go on for as long as the process does: with more it is asked no more.
MAX_STUBBORN = 16


@dataclass(slots=True)
class Confinement:
    """Of one kind: `name` says whose it is."""

    name: str
    stubborn: set[asyncio.Task[Any]] = field(default_factory=set)

    async def hold(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Await what `ask` returns. Raises ProbeFailure, and RuntimeError for what may not leave; is cancellable."""
        if len(self.stubborn) >= MAX_STUBBORN:
            why = f"{MAX_STUBBORN} earlier checks of {self.name} never ended; restart the worker, and tell its authors"
            raise ProbeFailure(ErrorKind.INTERNAL, Phase.REQUEST, why)
        task = asyncio.get_running_loop().create_task(_keep_process(ask))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            await self._end(task)
            raise
        if task.cancelled():
            # Nobody has cancelled the check; let out, this would pass for the end of the whole run.
            raise RuntimeError("it cancelled itself")
        return task.result()

    async def _end(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        await asyncio.wait({task}, timeout=END_SECONDS)
        if not task.done():
            logger.error("A check of %s swallowed its cancellation and goes on", self.name)
            self.stubborn.add(task)
            task.add_done_callback(self.stubborn.discard)
        task.add_done_callback(_take_note)


async def _keep_process(ask: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return await ask()
    except (SystemExit, KeyboardInterrupt) as error:
        raise RuntimeError(f"it wanted to end the process ({type(error).__name__})") from None


def _take_note(task: asyncio.Task[Any]) -> None:
    # Else asyncio would log what it raised after its end, with texts that nobody has looked through.
    if not task.cancelled():
        task.exception()
