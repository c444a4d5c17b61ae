"""The measuring command itself: it runs, and its audit of a faulted deployment sees what it is there to see."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta

import pytest

from healthcheck.engine.types import State
from healthcheck.models import EndpointGroup, Reason, RunStatus
from tests.factories import NOW, make_endpoint, make_group, make_result, make_run
from tests.figures.audit import Window, audit
from tests.figures.children import ROOT
from tests.figures.table import Row, render

INTERVAL = timedelta(seconds=10)
PATIENCE_SECONDS = 150.0


def test_figures_prints_a_table_of_what_it_measured() -> None:
    command = [sys.executable, "-m", "tests.figures", "bytes", "pages", "--database", "sqlite", "--size", "40"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    measured = [line.split(" | ")[0] for line in done.stdout.splitlines() if ", sqlite" in line]
    assert measured == [
        "| bytes per result, sqlite",
        "| bytes per evidence, sqlite",
        "| server time of /, cold, sqlite",
        "| server time of /, kept, sqlite",
        "| size of /, gzipped, sqlite",
        "| queries of /, sqlite",
        "| server time of /status.json, cold, sqlite",
        "| server time of /status.json, kept, sqlite",
        "| size of /status.json, gzipped, sqlite",
        "| queries of /status.json, sqlite",
        "| server time of an endpoint's page, cold, sqlite",
        "| first contentful paint, sqlite",
        "| the same of a page of one sentence, sqlite",
        "| layout shift, sqlite",
    ]


def test_figure_of_rolling_up_measures_both_ends_of_a_day() -> None:
    measured = _measure("rollup", size=40)
    times = ("first hour of a day", "last hour of a day", "last hour of a day once more")
    assert set(measured) == {*(f"rolling up the {each}" for each in times), "bytes per rollup"}
    assert 100 < int(measured["bytes per rollup"]) < 2000


def test_figure_of_the_admin_measures_every_page() -> None:
    command = [sys.executable, "-m", "tests.figures", "admin", "--database", "sqlite", "--size", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    measured = dict(re.findall(r"^\| admin, (.+), sqlite \| 200 ms \| (.+?) \|", done.stdout, re.MULTILINE))
    assert {"start page", "groups", "form of an endpoint", "verdict explained", "credentials"} <= measured.keys()
    odd = [each for each in measured.values() if not re.fullmatch(r"\d+ ms \(\d+ ms CPU\), \d+ queries", each)]
    assert odd == []


def test_figure_of_faults_sees_no_false_down() -> None:
    # One fault; by hand it is all of them, again and again.
    measured = _measure("faults", size=100)
    assert measured["false down"] == "0"
    assert int(measured["slots with the worker stopped"].replace(",", "")) >= 100


def test_figure_of_uptime_is_of_constant_queries() -> None:
    measured = _measure("uptime", size=3000)
    one, many = measured["queries of a page with 90d"].split(" / ")
    assert one == many
    assert {f"data of a page with {key}" for key in ("24h", "7d", "30d", "90d")} <= measured.keys()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_figure_of_pruning_removes_everything_and_changes_no_rollup(database: str) -> None:
    # By hand it is five million.
    measured = _measure("prune", size=4000, database=database)
    assert measured["rollups that are not the same to the bit after pruning"] == "0"
    for who in ("a command", "the worker"):
        assert measured[f"raw results that {who} pruned"].startswith("2,000 in ")
        assert re.fullmatch(r"\d+\.\d\d", measured[f"lateness p99 while {who} prunes"])


@pytest.mark.parametrize(
    ("database", "kept"), [("sqlite", ["one table"]), ("postgresql", ["one table", "day partitions"])]
)
def test_figure_of_history_asks_no_raw_row_for_a_page(database: str, kept: list[str]) -> None:
    # By hand it is fifty million.
    measured = _measure("history", size=2500, database=database)
    assert measured["queries of it, and those of them that look at results"].endswith(", 0")
    assert measured["raw rows stored"].startswith("2,500 in ")
    asked = ("insert of 20 results", "newest 100 results of an endpoint", "batch of results pruned")
    assert {f"{what}, {how}" for what in asked for how in kept} <= measured.keys()


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_figure_of_outages_loses_and_doubles_nothing(database: str) -> None:
    # Two; by hand it is two hundred.
    measured = _measure("spool", size=2, database=database)
    assert measured == {
        "results lost": "0",
        "results dropped": "0",
        "results stored twice": "0",
        "breaks in chains of transitions": "0",
        "false down": "0",
    }


def test_figure_of_growth_sees_none() -> None:
    measured = _measure("growth", size=80)
    assert measured["group runs"] == "80"
    assert {name for name in measured if name.startswith("growth of")} == {
        f"growth of {what} after warm-up" for what in ("memory_kib", "handles", "tasks", "threads", "objects")
    }


def test_figure_of_the_simulator_finds_no_second_of_difference() -> None:
    # Days; by hand it is a year.
    measured = _measure("simulator", size=3)
    assert measured.pop("simulated slots without a terminal state") == "0"
    assert measured == {
        f"difference from the truth, {what}": "0 s"
        for what in (
            "5 min",
            "1, 10 and 60 min in turn",
            "1 h",
            "each half hour by cron in Berlin",
            "stored transitions",
            "rollups of hours and days",
        )
    }


def test_figure_of_slots_counts_one_run_for_each() -> None:
    # By hand it is a million.
    measured = _measure("slots", size=96)
    assert measured["runs for 96 slots"] == "96"
    assert (measured["slots with two runs"], measured["runs without a terminal state"]) == ("0", "0")


def _measure(name: str, *, size: int, database: str = "sqlite") -> dict[str, str]:
    """Return what a figure that fails by itself has measured."""
    command = [sys.executable, "-m", "tests.figures", name, "--database", database, "--size", str(size)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("|")]
    return {row[0].removesuffix(f", {database}"): row[2] for row in rows[2:]}


def test_figure_of_messages_hears_of_every_failing_run() -> None:
    measured = _measure("messages", size=3)
    assert set(measured) == {"end of a failing run to its message", "of which until a worker has taken it"}
    assert all(re.fullmatch(r"p50 \d+ ms, p99 \d+ ms, max \d+ ms", each) for each in measured.values())


def test_delivery_killed_at_any_step_loses_nothing_and_repeats_itself_under_one_id() -> None:
    assert _measure("deliveries", size=10) == {
        "messages lost by kill -9": "0",
        # The request had arrived: nobody knows that but the receiver, by its id.
        "most arrivals of one message": "2",
        "messages under another id": "0",
        "deliveries left open": "0",
    }


def test_figures_refuses_a_name_that_it_does_not_know() -> None:
    command = [sys.executable, "-m", "tests.figures", "speed"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 2
    assert "no figure is called speed" in done.stderr


def test_table_is_markdown() -> None:
    assert render([Row("a | b", "", "1 us", "so")]) == (
        "| figure | target | measured | how |\n| --- | --- | --- | --- |\n| a / b |  | 1 us | so |"
    )


def _run_audit(*, slots: int = 4) -> dict[str, str]:
    window = Window(NOW, NOW + slots * INTERVAL, INTERVAL, members=1)
    return {row.figure: row.measured for row in audit(window, how="") if row.measured != "0"}


def _check_up(group: EndpointGroup, slot: int, verdict: State = State.UP) -> None:
    make_result(make_run(group, at=NOW + slot * INTERVAL), group.endpoints.get(), verdict)


@pytest.fixture
def group(db: None) -> EndpointGroup:
    return make_endpoint().group


def test_audit_finds_nothing_in_a_history_without_faults(group: EndpointGroup) -> None:
    for slot in range(4):
        _check_up(group, slot)
    assert _run_audit() == {"slots that finished": "100.0%"}


def test_audit_takes_a_gap_for_the_slots_that_it_covers(group: EndpointGroup) -> None:
    _check_up(group, 0)
    gap = {"status": RunStatus.MISSED, "reason": Reason.SCHEDULER, "slot_count": 2}
    make_run(group, at=NOW + INTERVAL, gap_until=NOW + 3 * INTERVAL, **gap)
    _check_up(group, 3)
    assert _run_audit() == {"slots that finished": "50.0%"}


def test_audit_counts_slots_without_a_row_at_both_ends_and_between(group: EndpointGroup) -> None:
    _check_up(group, 2)
    _check_up(group, 4)
    make_group("never")
    assert _run_audit(slots=8) == {"slots without a row": "5", "slots that finished": "100.0%"}


def test_audit_counts_open_slots_halves_and_false_verdicts(group: EndpointGroup) -> None:
    _check_up(group, 0, State.DOWN)
    make_run(group, at=NOW + INTERVAL)
    make_result(make_run(group, at=NOW + 2 * INTERVAL, status=RunStatus.ABANDONED), group.endpoints.get())
    make_run(group, at=NOW + 3 * INTERVAL, status=RunStatus.QUEUED)
    assert _run_audit() == {
        "slots without a terminal state": "1",
        "runs with some of their results": "2",
        "false down": "1",
        "slots that finished": "50.0%",
    }
