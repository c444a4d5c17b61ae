"""All hostile targets of the golden table at once beside healthy ones, on one worker process, round after round.

Each round gives the engine every target at the same moment; one more round before them warms up. In a network of its
own with real sockets, name server and certificates; see `tests/golden/`. Memory is the resident size of the process
with the engine, before the first round that counts, at its highest, and after the last.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.figures.table import Row
from tests.golden.namespace import run_inside
from tests.golden.table import CASES, CROWD, HEALTHY
from tests.golden.together import Report
from tests.golden.worker import Seen


def measure(size: int) -> Iterator[Row]:
    with run_inside("tests.golden.together", str(size)) as process:
        output, complaints = process.communicate()
    if process.returncode:
        raise RuntimeError(complaints)
    found = json.loads(output)
    report = Report(**{**found, "rounds": [[Seen(**each) for each in seen] for seen in found["rounds"]]})
    yield from describe(report)


def describe(report: Report) -> Iterator[Row]:
    """Return what the rounds say."""
    golden = {case.name: case.becomes for case in (*CASES, *CROWD, *HEALTHY)}
    healthy = {case.name for case in HEALTHY}
    seen = [each for some in report.rounds for each in some]
    how = f"{len(CASES) + len(CROWD)} hostile targets beside {len(HEALTHY)} healthy ones, {len(report.rounds)} rounds"
    wrong = sum(each.verdict != "up" for each in seen if each.name in healthy)
    yield Row("wrong verdicts on healthy targets beside hostile ones", "0", str(wrong), how)
    measured = [each for each in seen if each.name not in healthy and not each.is_excused]
    misnamed = sum(not each.is_as(golden[each.name]) for each in measured)
    excused = sum(each.is_excused for each in seen)
    yield Row("hostile targets with a wrong reason", "0", str(misnamed), f"{len(measured)} checks; no data: {excused}")
    late = max(
        (seconds for number in range(len(report.rounds)) for seconds in report.find_late(number).values()), default=0
    )
    slowest = max(report.find_slowest_healthy(number) for number in range(len(report.rounds)))
    how = f"our queues and this machine made the slowest healthy check last {slowest:.2f} s"
    yield Row("latest end of a hostile check after its deadline", "at most 0.5 s", f"{late:.2f} s", how)
    grown = [(memory - report.memory_before) / 1024 for memory in (report.memory_peak, report.memories[-1])]
    left = report.sockets_after - report.sockets_before + report.tasks_after - report.tasks_before
    how = f"highest {grown[0]:.0f} MiB, from {report.memory_before / 1024:.0f}; {left} sockets and tasks left"
    yield Row("growth of memory beside hostile targets", "at most 50 MiB", f"{grown[1]:.0f} MiB", how)
