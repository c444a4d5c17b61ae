"""CPU of the worker per stored HTTP check: everything that its process does, from the message to the commit.

Groups of 20 endpoints every 2 s, each check a fresh connection to an nginx on this machine and a keyword assertion.
User and system time of the worker process from the kernel, differenced over a window that begins after the warm-up,
divided by the results that were stored in that window; once under full load, once with three groups of four paused,
where what a process does anyway weighs more, and once with all paused, which is that. Beside it the scheduler's CPU
per claimed run, and the lateness of the runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from healthcheck.engine.types import State
from healthcheck.models import CheckResult, CheckRun, EndpointGroup
from tests.figures.children import Child
from tests.figures.control import measure_control
from tests.figures.deployment import deploy
from tests.figures.rows import describe_lateness, make_groups, select_finished, warm_up
from tests.figures.table import Row
from tests.figures.targets import run_nginx, spread

TARGET = "at most 600 us"
MEMBERS, INTERVAL_SECONDS = 20, 2
WINDOW_SECONDS, LIGHT_WINDOW_SECONDS = 20, 16


class Window(NamedTuple):
    """What a window brought; CPU in seconds by process, worker first."""

    seconds: float
    cpu: tuple[float, float]
    runs: int
    checks: int
    lateness: str


def measure(size: int) -> Iterator[Row]:
    with run_nginx(spread(MEMBERS)) as urls, deploy() as deployment:
        times = {"timeout_seconds": 1.0, "deadline_seconds": 1.5, "interval_seconds": INTERVAL_SECONDS}
        groups = make_groups("load", size, urls, members=MEMBERS, **times)
        children = deployment.start_worker(), deployment.start_scheduler()
        warm_up("load", runs=3 * size, settle_seconds=INTERVAL_SECONDS)
        yield from _describe("", _observe(children, WINDOW_SECONDS))
        _pause(groups[size // 4 :])
        yield from _describe(" under a quarter of the load", _observe(children, LIGHT_WINDOW_SECONDS))
        _pause(groups)
        idle = _observe(children, LIGHT_WINDOW_SECONDS / 2)
        worker, scheduler = (cpu / idle.seconds for cpu in idle.cpu)
        yield Row("idle worker", "", f"{worker:.2%} of a core", f"nothing is due; the scheduler takes {scheduler:.2%}")


def _pause(groups: Sequence[EndpointGroup]) -> None:
    EndpointGroup.objects.filter(pk__in=[group.pk for group in groups]).update(is_paused=True)
    time.sleep(INTERVAL_SECONDS)


def _observe(children: tuple[Child, Child], seconds: float) -> Window:
    last, stored = CheckRun.objects.latest("id").pk, CheckResult.objects.count()
    began, before = time.monotonic(), [child.read_cpu_seconds() for child in children]
    time.sleep(seconds)
    worker, scheduler = (child.read_cpu_seconds() - spent for child, spent in zip(children, before, strict=True))
    passed, checks = time.monotonic() - began, CheckResult.objects.count() - stored
    runs = select_finished("load").filter(pk__gt=last)
    count = runs.count()
    return Window(passed, (worker, scheduler), count, checks, describe_lateness(runs) if count else "")


def _describe(where: str, window: Window) -> Iterator[Row]:
    worker, scheduler = window.cpu
    not_up = CheckResult.objects.count() - CheckResult.objects.judged(State.UP).count()
    how = f"{window.checks / window.seconds:.0f} checks/s for {window.seconds:.0f} s, not up: {not_up}; "
    how += f"{worker / window.seconds:.0%} of a core; control {measure_control():.0f} ms"
    yield Row(f"CPU per stored check{where}", TARGET, f"{worker / window.checks * 1e6:.0f} us", how)
    how = f"{window.runs} runs, {scheduler / window.seconds:.0%} of a core; started late by {window.lateness}"
    yield Row(f"scheduler's CPU per run{where}", "", f"{scheduler / window.runs * 1e6:.0f} us", how)
