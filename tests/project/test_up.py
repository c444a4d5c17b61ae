from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.project.running import (
    PROCESSES,
    RunningUp,
    fetch,
    find_process,
    find_processes,
    query,
    run_manage,
    running,
    wait_until,
)

pytestmark = pytest.mark.skipif(not (PROCESSES / "self").exists(), reason="finds processes by way of /proc")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningUp]:
    with running(tmp_path_factory.mktemp("up") / "data") as started:
        yield started


def test_up_shows_the_demo_in_its_order(server: RunningUp) -> None:
    groups = {group["name"]: group["endpoints"] for group in server.wait_for_results()["groups"]}
    assert list(groups) == ["Slow trio", "Shop with a fault", "Private authority", "Flapping", "Everyday checks"]
    assert [endpoint["name"] for endpoint in groups["Shop with a fault"]] == ["Catalogue", "Average order", "Basket"]
    assert [endpoint["state"] for endpoint in groups["Slow trio"]] == ["up", "up", "up"]
    assert [endpoint["state"] for endpoint in groups["Private authority"]] == ["up"]


def test_up_stores_the_error_of_the_target_between_its_neighbours(server: RunningUp) -> None:
    server.wait_for_results()
    statement = (
        "SELECT r.http_status, e.facts LIKE '%ZeroDivisionError: division by zero%' FROM healthcheck_checkresult r "
        "JOIN healthcheck_endpoint p ON p.id = r.endpoint_id JOIN healthcheck_endpointgroup g ON g.id = p.group_id "
        "LEFT JOIN healthcheck_evidence e ON e.endpoint_id = r.endpoint_id AND e.run_id = r.run_id "
        "WHERE g.slug = 'demo-shop' ORDER BY r.run_id, p.position LIMIT 3"
    )
    assert query(server.data, statement) == [(200, None), (500, 1), (200, None)]


def test_up_prints_a_line_per_run(server: RunningUp) -> None:
    server.wait_for_results()
    line = server.wait_for_line(
        r"^\d\d:\d\d:\d\d  Slow trio: \d+ ms late, (.*); took ([\d.]+) s for ([\d.]+) s of checks$"
    )
    assert line[1] == "3 up, 0 degraded, 0 down, 0 unknown"
    assert float(line[2]) < float(line[3])
    assert "Traceback" not in server.output


def test_up_names_the_data_directory_and_keeps_it_private(server: RunningUp) -> None:
    assert server.wait_for_line(r"^Data +(.*)$")[1] == str(server.data)
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert (server.data / "secret-key").stat().st_mode & 0o777 == 0o600
    assert (server.data / "healthcheck.sqlite3").stat().st_mode & 0o777 == 0o600


def test_up_serves_static_files_and_readiness(server: RunningUp) -> None:
    server.wait_for_results()
    assert fetch(f"{server.address}static/admin/css/base.css")[0] == 200
    assert fetch(f"{server.address}readyz")[0] == 200


def test_login_link_opens_the_admin(server: RunningUp) -> None:
    status, headers = fetch(server.login_link)
    assert (status, headers["Location"], headers["Referrer-Policy"]) == (302, "/admin/", "no-referrer")
    assert "no-store" in headers["Cache-Control"]
    assert any(cookie.startswith("sessionid=") for cookie in headers.get_all("Set-Cookie", []))
    assert "logs you in as operator" in server.output


def test_login_link_with_another_token_is_not_found(server: RunningUp) -> None:
    assert fetch(f"{server.address}login/{'x' * 43}/")[0] == 404


def test_second_up_on_the_same_data_names_the_address_of_the_first(server: RunningUp) -> None:
    address = server.address
    refused = run_manage("up", "--data", str(server.data), "--port", "0")
    assert refused.returncode == 1
    assert refused.stderr == (
        f"CommandError: Another `up` already runs on {server.data} at {address}; stop it or choose another folder "
        "with --data.\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_stops_on_a_signal_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "data") as server:
        # In the middle of the group that takes three seconds.
        server.wait_for_line(r"Shop with a fault: \d+ ms late")
        assert server.stop(number) == 0
        assert find_processes(server.data) == []
        assert "Traceback" not in server.output
        assert query(server.data, "PRAGMA integrity_check") == [("ok",)]
        assert query(server.data, "SELECT count(*) FROM healthcheck_checkrun WHERE status = 2") == [(0,)]


def test_up_backs_the_database_up_before_it_migrates(tmp_path: Path) -> None:
    for arguments in (["migrate"], ["migrate", "sessions", "zero"]):
        assert run_manage(*arguments, HEALTHCHECK_DATA=str(tmp_path)).returncode == 0
    with running(tmp_path, "--no-demo") as server:
        assert fetch(server.address)[0] == 200
    statement = "SELECT count(*) FROM django_migrations WHERE app = 'sessions'"
    (backup,) = (tmp_path / "backups").iterdir()
    with closing(sqlite3.connect(backup)) as before:
        assert before.execute(statement).fetchall() == [(0,)]
    assert query(tmp_path, statement) == [(1,)]
    assert query(tmp_path, "SELECT count(*) FROM healthcheck_endpointgroup") == [(0,)]


def test_up_starts_a_lost_worker_again_and_leaves_nothing_when_killed(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        server.wait_for_results()
        lost = find_process(server.data, "celery")
        os.kill(lost, signal.SIGKILL)
        server.wait_for_line(r"^worker-1 has ended \(signal 9\); it is started again\.$")
        printed = len(server.lines)
        wait_until(lambda: any(" ms late" in line for line in server.lines[printed:]), server)
        assert server.stop(signal.SIGKILL) == -9
        wait_until(lambda: not find_processes(server.data))
    _check_demo_removal(server.data)


def _check_demo_removal(data: Path) -> None:
    removed = run_manage("demo", "--remove", "--data", str(data))
    assert (removed.returncode, removed.stderr) == (0, "")
    tables = [
        "endpointgroup",
        "endpoint",
        "assertion",
        "endpointstate",
        "checkrun",
        "checkresult",
        "evidence",
        "transition",
    ]
    counted = {table: query(data, f"SELECT count(*) FROM healthcheck_{table}")[0][0] for table in tables}
    assert counted == dict.fromkeys(tables, 0)
