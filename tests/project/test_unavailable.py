"""A database in trouble at the login and in the admin: a real lock, a file that may not grow, a server that is gone."""

from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections
from django.test import Client

from healthcheck.models import Endpoint, EndpointGroup
from tests.admin.conftest import endpoint_fields, group_fields
from tests.factories import make_page
from tests.project.running import ROOT, clean_environment, run_manage
from tests.servers import run_postgres

pytestmark = pytest.mark.django_db(transaction=True)

BUSY = "The database is busy; wait a few seconds, go back and send the form again."
FULL = "The disk of the database is full; free some space on it, then try again."
CLOSED = (
    "The database may not be written to; mend the permissions of its file and of the folder around it, then try again."
)
AWAY = "The database cannot be reached; start it, or wait until it is back, then try again."
LOGIN = {"username": "boss", "password": "boss-password"}
ADD = "/admin/healthcheck/endpointgroup/add/"
# What somebody meets whose database is gone: at the login, with a session from before, and as a script.
ASK = """
import json, django
django.setup()
from django.test import Client
client = Client(raise_request_exception=False, headers={"Host": "localhost"})
client.cookies["sessionid"] = "of-another-day"
asked = [
    client.post("/admin/login/", {"username": "boss", "password": "hidden-password"}),
    client.get("/admin/healthcheck/endpointgroup/"),
    client.get("/admin/", headers={"Accept": "application/json"}),
]
print(json.dumps([[each.status_code, each.headers["Content-Type"], each.text] for each in asked]))
"""


@pytest.fixture
def visitor() -> Client:
    """A browser that shows what a visitor sees, and raises nothing."""
    User.objects.create_superuser(**LOGIN)
    return Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def _fresh_connection() -> Iterator[None]:
    """Leave nobody else our limits."""
    yield
    connections["default"].close()


@contextmanager
def locked() -> Iterator[None]:
    """Somebody else writes for longer than we wait."""
    execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as writer:
        writer.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full() -> Iterator[None]:
    """The file may not grow, which SQLite reports as it reports a full disk."""
    execute("CREATE TABLE ballast (content)")
    execute(f"PRAGMA max_page_count = {execute('PRAGMA page_count')}")
    # What is free within the file is used up; a table's own last page may still have room for a short row.
    with pytest.raises(OperationalError):
        fill_up()
    yield
    execute("PRAGMA max_page_count = 1000000")
    execute("DROP TABLE ballast")


def fill_up() -> None:
    while True:
        execute("INSERT INTO ballast VALUES (zeroblob(4000))")


def execute(statement: str) -> Any:
    with connection.cursor() as cursor:
        found = cursor.execute(statement).fetchone()
    return found[0] if found else None


def test_login_that_finds_the_database_locked_says_so(visitor: Client, caplog: pytest.LogCaptureFixture) -> None:
    with locked():
        response = visitor.post("/admin/login/", LOGIN)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert response.headers["Cache-Control"] == "no-store"
    assert f'<h1 class="hc-verdict-sentence">{BUSY}</h1>' in response.text
    assert "Try again</a>" not in response.text
    [record] = caplog.records
    assert (record.name, record.levelno, record.exc_info) == ("healthcheck.web.unavailable", logging.ERROR, None)
    assert record.getMessage() == "page unavailable: database busy (OperationalError)"
    assert visitor.post("/admin/login/", LOGIN).status_code == 302


def test_login_that_may_not_write_to_the_database_says_so(visitor: Client) -> None:
    execute("PRAGMA query_only = 1")
    response = visitor.post("/admin/login/", LOGIN)
    assert response.status_code == 503
    assert f'<h1 class="hc-verdict-sentence">{CLOSED}</h1>' in response.text
    execute("PRAGMA query_only = 0")
    assert visitor.post("/admin/login/", LOGIN).status_code == 302


def test_save_that_finds_the_disk_full_saves_nothing_and_says_so(visitor: Client) -> None:
    visitor.post("/admin/login/", LOGIN)
    group = EndpointGroup.objects.create(name="Shop", slug="shop")
    fields = endpoint_fields(group=group.pk, method="POST", body="x" * 20_000)
    with full():
        response = visitor.post("/admin/healthcheck/endpoint/add/", fields)
    assert response.status_code == 503
    assert f'<h1 class="hc-verdict-sentence">{FULL}</h1>' in response.text
    assert not Endpoint.objects.exists()
    assert visitor.post("/admin/healthcheck/endpoint/add/", fields).status_code == 302


def test_save_that_finds_the_database_locked_saves_nothing_and_says_so(visitor: Client) -> None:
    visitor.post("/admin/login/", LOGIN)
    with locked():
        response = visitor.post(ADD, group_fields())
        asked = visitor.post(ADD, group_fields(), headers={"Accept": "application/json"})
    assert response.status_code == asked.status_code == 503
    assert asked.json() == {"error": BUSY}
    assert not EndpointGroup.objects.exists()
    assert visitor.post(ADD, group_fields()).status_code == 302


@pytest.mark.parametrize("address", ["/admin/healthcheck/endpointgroup/", "/"])
def test_defect_of_ours_stays_an_error(visitor: Client, address: str) -> None:
    make_page(shows_all_groups=True)
    visitor.post("/admin/login/", LOGIN)
    execute("ALTER TABLE healthcheck_endpointgroup RENAME TO elsewhere")
    try:
        response = visitor.get(address)
    finally:
        execute("ALTER TABLE elsewhere RENAME TO healthcheck_endpointgroup")
    assert (response.status_code, "Retry-After" in response.headers) == (500, False)


def test_site_without_its_postgresql_says_so_and_logs_no_secret() -> None:
    with run_postgres() as server:
        environment = {"DATABASE_URL": server.url(), "SECRET_KEY": "x" * 60, "LOG_FORMAT": "json"}
        migrated = run_manage("migrate", **environment)
        assert migrated.returncode == 0, migrated.stderr
        server.stop()
        variables = clean_environment() | environment | {"DJANGO_SETTINGS_MODULE": "project.settings"}
        asked = subprocess.run(
            [sys.executable, "-c", ASK], cwd=ROOT, env=variables, capture_output=True, text=True, check=True
        )
    *logged, printed = asked.stdout.splitlines()
    login, groups, script = json.loads(printed)
    assert [login[0], groups[0], script[0]] == [503, 503, 503]
    assert AWAY in login[2]
    assert "Try again</a>" in groups[2]
    assert (script[1], json.loads(script[2])) == ("application/json", {"error": AWAY})
    assert [json.loads(line)["event"] for line in logged] == ["page unavailable: no database (OperationalError)"] * 3
    assert "hidden-password" not in asked.stdout + asked.stderr
    assert str(server.folder) not in asked.stdout + asked.stderr
