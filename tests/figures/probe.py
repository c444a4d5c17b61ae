"""CPU of one HTTP check by itself: a fresh connection, one request, a keyword assertion, nothing stored.

Groups of 20 targets on 20 addresses of an nginx on this machine, ten groups under way at once, on the engine's own loop
in this process. `time.process_time` over all of them, after as many again for warming up, divided by their number; the
median of five such passes. The server's CPU is not in it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from statistics import median

from healthcheck.engine.assertions import parse_assertion
from healthcheck.engine.loop import LOOP_MODULE, EngineLoop, get_engine_loop
from healthcheck.engine.probes import load_probe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressMode, AddressRules, Limits, State, Target
from tests.figures.control import measure_control
from tests.figures.rows import KEYWORD
from tests.figures.table import Row
from tests.figures.targets import run_nginx, spread

TARGET = "at most 300 us"
MEMBERS, AT_ONCE, PASSES = 20, 10, 5
LIMITS = Limits(deadline_seconds=30.0, address_rules=AddressRules(AddressMode.EVERYTHING))


def measure(size: int) -> Iterator[Row]:
    rounds = max(1, size // PASSES // (MEMBERS * AT_ONCE))
    with run_nginx(spread(MEMBERS)) as urls:
        targets = [_freeze(number, url) for number, url in enumerate(urls)]
        loop = get_engine_loop()
        spend_cpu(loop, targets, rounds, LIMITS)
        spent = [spend_cpu(loop, targets, rounds, LIMITS) for _ in range(PASSES)]
    how = f"{LOOP_MODULE}, {PASSES} x {rounds * AT_ONCE * MEMBERS:,} checks, median; lowest {min(spent):.0f} us"
    how += f"; control {measure_control():.0f} ms"
    yield Row("CPU per probe", TARGET, f"{median(spent):.0f} us", how)


def _freeze(number: int, url: str) -> Target:
    options = load_probe("http").parse(url, {})
    return Target(number, "http", url, options, (parse_assertion(KEYWORD),), timeout_seconds=10.0)


def spend_cpu(loop: EngineLoop, targets: Sequence[Target], rounds: int, limits: Limits) -> float:
    """Return microseconds of CPU per check."""
    before = time.process_time()
    loop.submit(_gather(loop, targets, rounds, limits)).result()
    return (time.process_time() - before) / (rounds * AT_ONCE * len(targets)) * 1e6


async def _gather(loop: EngineLoop, targets: Sequence[Target], rounds: int, limits: Limits) -> None:
    for _ in range(rounds):
        now = datetime.now(UTC)
        runs = (probe_all(targets, limits, now=now, lag=loop.lag) for _ in range(AT_ONCE))
        for outcomes in await asyncio.gather(*runs):
            if any(outcome.verdict is not State.UP for outcome in outcomes):
                raise RuntimeError(f"not up: {outcomes}")
