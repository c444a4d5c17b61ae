"""A hostile target hurts nobody: all of the golden table at once beside healthy targets, in one worker process."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from healthcheck.engine.lookup_threads import MAX_THREADS
from tests.golden.case import Case
from tests.golden.namespace import find_obstacle, run_inside
from tests.golden.table import CASES, CROWD, HEALTHY
from tests.golden.together import Report
from tests.golden.worker import Seen

ROUNDS = 2
PATIENCE_SECONDS = 180.0
MAX_GROWTH_KIB = 50 * 1024
GRACE_SECONDS = 0.5


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    obstacle = find_obstacle()
    if obstacle:
        pytest.skip(f"no network of the table's own: {obstacle}")
    with run_inside("tests.golden.together", str(ROUNDS)) as process:
        output, complaints = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, complaints) == (0, "")
        found = json.loads(output)
        rounds = [[Seen(**each) for each in seen] for seen in found.pop("rounds")]
        yield Report(**found, rounds=rounds)


def test_healthy_targets_are_up_in_every_round(report: Report) -> None:
    names = {case.name for case in HEALTHY}
    verdicts = [each.verdict for seen in report.rounds for each in seen if each.name in names]
    assert verdicts == ["up"] * len(HEALTHY) * len(report.rounds)


@pytest.mark.parametrize("case", [*CASES, *CROWD], ids=lambda case: case.name)
def test_fault_is_named_as_it_is_alone(case: Case, report: Report) -> None:
    seen = [each for seen in report.rounds for each in seen if each.name == case.name]
    # What our own loop disturbed is no data, and says so; everything else is as ever.
    measured = [each for each in seen if not each.is_excused]
    assert measured
    assert {each for each in measured if not each.is_as(case.becomes)} == set()


def test_checks_end_by_their_deadlines(report: Report) -> None:
    for number, lag in enumerate(report.lags):
        late = report.find_late(number)
        # A check waits for a thread of ours outside its deadline; what its neighbours took says for how long.
        allowed = GRACE_SECONDS + lag + report.find_slowest_healthy(number)
        assert {name: seconds for name, seconds in late.items() if seconds > allowed} == {}


def test_memory_does_not_grow(report: Report) -> None:
    assert report.memories[-1] - report.memory_before < MAX_GROWTH_KIB


def test_nothing_is_left(report: Report) -> None:
    assert report.sockets_after <= report.sockets_before
    assert report.tasks_after == report.tasks_before
    others = [name for name in report.threads_after if name != "healthcheck-lookup"]
    assert others == [name for name in report.threads_before if name != "healthcheck-lookup"]
    assert len(report.threads_after) - len(others) <= MAX_THREADS
