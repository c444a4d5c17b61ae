"""Wall time of a group whose members all answer after one second.

One group in one worker, its endpoints on as many addresses of 127/8, a server that accepts at once and answers a second
after the request. The wall time is the run's own (`CheckRun.wall_us`: the gather, from start to the last outcome), and
beside it that from the take to the commit. The worst of three runs after the first.
"""

from __future__ import annotations

from collections.abc import Iterator

from healthcheck.models import CheckRun
from tests.figures.deployment import deploy
from tests.figures.rows import make_groups, select_finished, warm_up
from tests.figures.table import Row
from tests.figures.targets import run_late_server, spread

TARGET = "under 1.5 s"
ANSWER_SECONDS, INTERVAL_SECONDS, RUNS = 1.0, 4, 3


def measure(size: int) -> Iterator[Row]:
    with run_late_server(spread(size), after_seconds=ANSWER_SECONDS) as urls, deploy() as deployment:
        make_groups(
            "slow", 1, urls, members=size, timeout_seconds=3.0, deadline_seconds=3.5, interval_seconds=INTERVAL_SECONDS
        )
        deployment.start_worker()
        deployment.start_scheduler()
        warm_up("slow", runs=RUNS + 1, settle_seconds=0)
        runs = list(select_finished("slow").order_by("id")[1 : RUNS + 1])
    worst = max(runs, key=lambda run: run.wall_us)
    up = min(run.up_count for run in runs)
    how = f"{size} endpoints that take {worst.work_us / 1e6:.0f} s one by one, up: {up}; worst of {RUNS} runs, "
    how += f"take to commit {max(map(_span_seconds, runs)):.2f} s"
    yield Row(f"wall time of {size} checks of {ANSWER_SECONDS:g} s", TARGET, f"{worst.wall_us / 1e6:.2f} s", how)


def _span_seconds(run: CheckRun) -> float:
    assert run.started_at is not None
    assert run.finished_at is not None
    return (run.finished_at - run.started_at).total_seconds()
