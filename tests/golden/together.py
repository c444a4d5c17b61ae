"""`python -m tests.golden.together ROUNDS`: all hostile targets at once beside the healthy ones, in one worker process.

Every round gives the engine's loop all groups at the same moment, as a busy worker does; each group holds hostile
targets and healthy ones. One round warms up and is not counted. Prints one JSON document, see `Report`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

from healthcheck.engine.loop import EngineLoop, get_engine_loop
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressMode, AddressRules, Limits, Outcome, Target
from tests.golden.case import Case, fresh_prefix
from tests.golden.table import CASES, CROWD, HEALTHY
from tests.golden.worker import Ground, Seen, freeze, open_ground
from tests.open_sockets import count_sockets, settle_sockets

# Of the hostile ones. A tenth of it is what our own loop may be late before a failure is excused as ours; it has some
# three hundred checks to begin at the same moment.
CASE_SECONDS = 8.0
HEALTHY_SECONDS = 10.0
DEADLINE_SECONDS = 15.0
MEMBERS = 25
# Rounds more at the most, for checks that our own loop disturbed: those say so, and are no measurement.
EXTRA_ROUNDS = 5


@dataclass
class Report:
    """Sizes in KiB. Of each round: what was seen, how late the loop was in seconds, and the memory after it."""

    rounds: list[list[Seen]] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    memory_before: int = 0
    memories: list[int] = field(default_factory=list)
    memory_peak: int = 0
    sockets_before: int = 0
    sockets_after: int = 0
    tasks_before: int = 0
    tasks_after: int = 0
    threads_before: list[str] = field(default_factory=list)
    threads_after: list[str] = field(default_factory=list)

    def find_unmeasured(self) -> set[str]:
        """Return the names of what was not measured in any round, by our own fault."""
        measured = {each.name for seen in self.rounds for each in seen if not each.is_excused}
        return {case.name for case in (*CASES, *CROWD, *HEALTHY)} - measured

    def find_late(self, number: int) -> dict[str, float]:
        """Return by how many seconds the checks of a round ended after their deadlines, if they did."""
        due = {case.name: max(CASE_SECONDS, case.timeout_seconds) for case in (*CASES, *CROWD)}
        due |= {case.name: HEALTHY_SECONDS for case in HEALTHY}
        late = {each.name: each.seconds - due[each.name] for each in self.rounds[number]}
        return {name: seconds for name, seconds in late.items() if seconds > 0}

    def find_slowest_healthy(self, number: int) -> float:
        """Return how many seconds the slowest check of a healthy target took, from the start of the round."""
        names = {case.name for case in HEALTHY}
        return max(each.seconds for each in self.rounds[number] if each.name in names)


Group = Sequence[tuple[Case, Target]]


def main() -> None:
    rounds, report = int(sys.argv[1]), Report()
    with open_ground() as (names, authority), Ground("healthy"):
        loop = get_engine_loop()
        run_round(loop, _make_groups(authority, 0))
        report.memory_before = _read_memory("VmRSS")
        report.sockets_before, report.tasks_before = count_sockets(), loop.submit(_count_tasks()).result()
        report.threads_before = _name_threads()
        # From here on the peak is counted anew.
        Path("/proc/self/clear_refs").write_text("5")
        while len(report.rounds) < rounds or (report.find_unmeasured() and len(report.rounds) < rounds + EXTRA_ROUNDS):
            names.begin_anew()
            seen, lag = run_round(loop, _make_groups(authority, 1 + len(report.rounds)))
            report.rounds.append(seen)
            report.lags.append(lag)
            report.memories.append(_read_memory("VmRSS"))
        report.tasks_after, report.threads_after = loop.submit(_count_tasks()).result(), _name_threads()
        report.sockets_after = settle_sockets(report.sockets_before)
        report.memory_peak = _read_memory("VmHWM")
    sys.stdout.write(json.dumps(asdict(report)) + "\n")


def _make_groups(authority: str, number: int) -> list[Group]:
    prefix = fresh_prefix(number)
    hostile = [(case, freeze(case, authority, CASE_SECONDS, prefix=prefix)) for case in (*CASES, *CROWD)]
    healthy = [(case, freeze(case, authority, HEALTHY_SECONDS)) for case in HEALTHY]
    # Among them, and not behind them.
    mixed = [pair for three in zip_longest(hostile[::2], hostile[1::2], healthy) for pair in three if pair is not None]
    # Rules are the deployment's: in one group all are the same.
    by_mode = [[pair for pair in mixed if pair[0].mode is mode] for mode in AddressMode]
    return [pairs[start : start + MEMBERS] for pairs in by_mode for start in range(0, len(pairs), MEMBERS)]


def run_round(loop: EngineLoop, groups: Sequence[Group]) -> tuple[list[Seen], float]:
    """Check everything at once; return what was seen, and how late the loop was meanwhile."""
    began, now = time.monotonic(), datetime.now(UTC)
    ended: dict[str, float] = {}
    futures = [loop.submit(_check(group, loop, now=now, began=began, ended=ended)) for group in groups]
    seen = [each for future in futures for each in future.result()]
    return seen, loop.lag.total_between(began, time.monotonic())


async def _check(group: Group, loop: EngineLoop, *, now: datetime, began: float, ended: dict[str, float]) -> list[Seen]:
    cases, targets = [case for case, _ in group], [target for _, target in group]
    limits = Limits(deadline_seconds=DEADLINE_SECONDS, address_rules=AddressRules(cases[0].mode))

    def note(place: int, outcome: Outcome) -> None:
        ended[cases[place].name] = time.monotonic() - began

    outcomes = await probe_all(targets, limits, now=now, lag=loop.lag, on_outcome=note)
    return [Seen.of(case, outcome, ended[case.name]) for case, outcome in zip(cases, outcomes, strict=True)]


def _read_memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _name_threads() -> list[str]:
    return sorted(thread.name for thread in threading.enumerate())


async def _count_tasks() -> int:
    # What was cancelled in the last step of a check has one more step to take.
    await asyncio.sleep(0)
    return len(asyncio.all_tasks()) - 1


if __name__ == "__main__":
    main()
