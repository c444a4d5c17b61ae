"""Every fault is named: each case of the golden table by itself, on either event loop, over real sockets and names."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from healthcheck.engine.types import ErrorKind, State
from tests.golden.case import Case
from tests.golden.namespace import find_obstacle, run_inside
from tests.golden.table import CASES, find_address
from tests.golden.worker import ALONE_SECONDS, Seen

LOOPS = ("asyncio", "uvloop")
# Nobody listens there: what asks a proxy of the environment is refused.
PROXIES = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
PATIENCE_SECONDS = 180.0


@dataclass(frozen=True)
class Table:
    """What came of every case on one loop, and what the engine complained of."""

    seen: Mapping[str, Seen]
    complaints: str


@pytest.fixture(scope="module")
def tables() -> Iterator[Mapping[str, Table]]:
    obstacle = find_obstacle()
    if obstacle:
        pytest.skip(f"no network of the table's own: {obstacle}")
    with ExitStack() as stack:
        # Both at once, because most of their time is waiting.
        running = {
            loop: stack.enter_context(run_inside("tests.golden.worker", loop, environment=PROXIES)) for loop in LOOPS
        }
        yield {loop: _read(process) for loop, process in running.items()}


def _read(process: subprocess.Popen[str]) -> Table:
    output, complaints = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, complaints
    seen = [Seen(**json.loads(line)) for line in output.splitlines()]
    return Table({each.name: each for each in seen}, complaints)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fault_is_named(case: Case, loop: str, tables: Mapping[str, Table]) -> None:
    seen = tables[loop].seen[case.name]
    assert seen.is_as(case.becomes), seen
    assert seen.seconds < max(ALONE_SECONDS, case.timeout_seconds) + 0.5


@pytest.mark.parametrize("loop", LOOPS)
def test_engine_complains_of_nothing(loop: str, tables: Mapping[str, Table]) -> None:
    assert tables[loop].complaints == ""


@pytest.mark.parametrize("loop", LOOPS)
def test_down_is_confirmed_unless_time_ran_out(loop: str, tables: Mapping[str, Table]) -> None:
    for case in CASES:
        is_confirmed = case.becomes.verdict is State.DOWN and case.becomes.kind is not ErrorKind.TIMEOUT
        if case.becomes.verdict is not State.UNKNOWN:
            assert tables[loop].seen[case.name].attempts == 1 + is_confirmed, case.name


def test_table_has_every_name_and_address_once() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({find_address(case) for case in CASES}) == len(CASES)
