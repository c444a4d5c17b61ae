"""Group runs without end, and what they leave behind in this process."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

from django.utils import timezone

from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.loop import EngineLoop, get_engine_loop
from healthcheck.engine.probes import load_probe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressMode, AddressRules, Limits, Outcome, Target
from healthcheck.models import CheckRun, EndpointGroup, RunStatus
from healthcheck.pipeline.dispatch import claim_due_groups
from healthcheck.pipeline.perform import Performer
from tests.factories import make_assertion, make_endpoint, make_group
from tests.figures.children import Child
from tests.figures.deployment import wait_until
from tests.figures.growth import BOUND_SECONDS, RUN_SECONDS
from tests.figures.table import Row
from tests.servers import PostgreSQL

MEMBERS, AT_ONCE = 3, 40
LAPS, FEWEST_LAPS = 100, 8
FAULTED_SHARE = 0.3
# Short, as a target that is silent costs it each time.
TIMEOUT_SECONDS, DEADLINE_SECONDS = 1.0, 5.0
# One run in so many is claimed, taken and recorded as well, by so many threads.
WHOLE_SHARE, THREADS, GROUPS = 50, 4, 10
START_SECONDS = 30.0
LIMITS = Limits(DEADLINE_SECONDS, address_rules=AddressRules(AddressMode.EVERYTHING))
OPTIONS = {"max_body_bytes": 100_000}
ASSERTIONS = 'body not contains "never"\nbody not matches "n+ever" degraded\ncss "a > b" not exists degraded'


class Count(NamedTuple):
    """What the process holds at rest."""

    memory_kib: int
    handles: int
    tasks: int
    threads: int
    objects: int


# Beyond this the last quarter holds more than the second because something stays. Memory: what the allocator does not
# give back. Handles and threads: a lookup that is never answered holds one of each for ten seconds, and a thread waits
# half a minute for the next one. Objects: caches that are bounded and not yet full.
LEEWAY = Count(memory_kib=4096, handles=4, tasks=0, threads=4, objects=2000)


def measure(size: int, _server: PostgreSQL | None) -> Iterator[Row]:
    addresses = Path(os.environ["HEALTHCHECK_DATA"]) / "addresses"
    log = addresses.with_name("villains.log")
    with Child(sys.executable, "-m", "tests.figures.villains", str(addresses), log=log, seconds=BOUND_SECONDS):
        if not wait_until(addresses.exists, seconds=START_SECONDS):
            raise TimeoutError(log.read_text())
        good, bad = json.loads(addresses.read_text())
        runner = _Marathon(good, bad)
        counts = runner.run_laps(size)
    early, late = counts[len(counts) // 4 : len(counts) // 2], counts[-len(counts) // 4 :]
    verdicts = ", ".join(f"{count:,} {word}" for word, count in runner.verdicts.most_common())
    yield Row("group runs", f"{size:,}", f"{runner.made:,}", f"{verdicts}; {runner.stored:,} runs stored")
    grown = {}
    for name in Count._fields:
        before, after = (median(getattr(count, name) for count in each) for each in (early, late))
        if after - before > getattr(LEEWAY, name):
            grown[name] = after - before
        how = f"{before:,.0f} to {after:,.0f}; leeway {getattr(LEEWAY, name):,}"
        yield Row(f"growth of {name} after warm-up", "none", f"{after - before:+,.0f}", how)
    if grown:
        raise RuntimeError(f"it grew: {grown}")


class _Marathon:
    def __init__(self, good: Sequence[str], bad: Sequence[str]) -> None:
        self.verdicts: Counter[str] = Counter()
        self.made = self.stored = 0
        self._random = random.Random(4)
        self._good = [_freeze(url) for url in good]
        self._bad = [_freeze(url) for url in bad]
        self._loop: EngineLoop = get_engine_loop()
        self._performer = Performer()
        for number in range(GROUPS):
            group = make_group(f"group-{number}", deadline_seconds=DEADLINE_SECONDS)
            for target in self._choose():
                endpoint = make_endpoint(
                    group,
                    f"endpoint {group.endpoints.count()}",
                    kind=target.kind,
                    address=target.address,
                    timeout_seconds=TIMEOUT_SECONDS,
                )
                make_assertion(endpoint, "latency < 10s")

    def run_laps(self, size: int) -> list[Count]:
        """Make so many group runs, fewer only where time is over, and count after each lap."""
        began, counts = time.monotonic(), list[Count]()
        laps = max(FEWEST_LAPS, min(LAPS, size // (WHOLE_SHARE * GROUPS)))
        while len(counts) < laps and time.monotonic() - began < RUN_SECONDS:
            counts.append(self._run_lap(size // laps))
        return counts

    def _run_lap(self, runs: int) -> Count:
        whole = max(GROUPS, runs // WHOLE_SHARE // GROUPS * GROUPS)
        self._loop.submit(self._gather(max(0, runs - whole))).result()
        self._store(whole)
        self.made += max(runs, whole)
        return _count(self._loop.submit(_count_tasks()).result())

    def _choose(self) -> list[Target]:
        return [
            self._random.choice(self._bad if self._random.random() < FAULTED_SHARE else self._good)
            for _ in range(MEMBERS)
        ]

    async def _gather(self, runs: int) -> None:
        left = iter(range(runs))

        async def go_on() -> None:
            for _ in left:
                outcomes = await probe_all(self._choose(), LIMITS, now=datetime.now(UTC), lag=self._loop.lag)
                self.verdicts.update(_name(outcome) for outcome in outcomes)

        await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))

    def _store(self, runs: int) -> None:
        with ThreadPoolExecutor(THREADS) as threads:
            for _ in range(runs // GROUPS):
                now = timezone.now()
                EndpointGroup.objects.update(next_run_at=now)
                list(threads.map(self._performer.perform, claim_due_groups(now)))
        self.stored = CheckRun.objects.filter(status=RunStatus.FINISHED).count()


def _freeze(url: str) -> Target:
    kind = "tcp" if url.startswith("tcp:") else "http"
    options = load_probe(kind).parse(url, OPTIONS if kind == "http" else {})
    assertions = parse_assertions(ASSERTIONS) if kind == "http" else ()
    return Target(1, kind, url, options, assertions, timeout_seconds=TIMEOUT_SECONDS)


def _name(outcome: Outcome) -> str:
    return f"{outcome.verdict.word} ({outcome.error_kind.word})" if outcome.error_kind else outcome.verdict.word


def _count(tasks: int) -> Count:
    gc.collect()
    return Count(
        memory_kib=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024,
        handles=len(list(Path("/proc/self/fd").iterdir())),
        tasks=tasks,
        threads=threading.active_count(),
        objects=len(gc.get_objects()),
    )


async def _count_tasks() -> int:
    return len(asyncio.all_tasks())
