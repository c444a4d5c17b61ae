"""The first impression: a start, first or later, that claims nothing before a worker can take it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from healthcheck.admin.desk.desk_slots import LATE_AFTER
from healthcheck.models import Reason, RunStatus
from project.embedded.demo.groups import GROUPS
from tests.project.running import PROCESSES, RunningUp, query, running, wait_until

pytestmark = pytest.mark.skipif(not (PROCESSES / "self").exists(), reason="finds processes by way of /proc")

SECOND_RUNS = "SELECT count(*) FROM (SELECT group_id FROM healthcheck_checkrun GROUP BY group_id HAVING count(*) > 1)"
FIRST_LATENESS = (
    "SELECT max((julianday(started_at) - julianday(scheduled_for)) * 86400) FROM healthcheck_checkrun "
    "WHERE id IN (SELECT min(id) FROM healthcheck_checkrun GROUP BY group_id)"
)
MISSED = f"SELECT count(*) FROM healthcheck_checkrun WHERE status = {RunStatus.MISSED}"
# The first slot after it is late, and may well overlap with the one that follows: only gaps are counted.
GAPS = (
    "SELECT count(*), count(DISTINCT group_id), min(slot_count) FROM healthcheck_checkrun "
    f"WHERE status = {RunStatus.MISSED} AND reason = {Reason.SCHEDULER}"
)
# Written as Django writes it: a claim compares the text.
AN_HOUR_AGO = "UPDATE {0} SET {1} = strftime('%Y-%m-%d %H:%M:%f', {1}, '-1 hour') || '000'"
CLOCKS = (("healthcheck_endpointgroup", "next_run_at"), ("healthcheck_checkrun", "scheduled_for"))


def _wait_for_second_runs(server: RunningUp) -> None:
    wait_until(lambda: query(server.data, SECOND_RUNS) == [(len(GROUPS),)], server)


def _age_clocks(data: Path) -> None:
    """Make it look as if `up` had been stopped for an hour."""
    with closing(sqlite3.connect(data / "healthcheck.sqlite3")) as connection:
        for table, column in CLOCKS:
            connection.execute(AN_HOUR_AGO.format(table, column))
        connection.commit()


def test_new_demo_begins_on_time_and_an_hours_stop_is_one_gap(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        server.wait_for_results()
        _wait_for_second_runs(server)
        assert query(server.data, MISSED) == [(0,)]
        assert query(server.data, FIRST_LATENESS)[0][0] < LATE_AFTER.total_seconds()
    _age_clocks(server.data)
    with running(server.data) as again:
        wait_until(lambda: query(server.data, GAPS)[0][1] == len(GROUPS), again)
        _, _, fewest = gaps = query(server.data, GAPS)[0]
        assert gaps == (len(GROUPS), len(GROUPS), fewest)
        # An hour of slots, every 20 s or more often.
        assert fewest > 170
