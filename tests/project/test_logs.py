from __future__ import annotations

import json
import logging
import sys
from logging.config import dictConfig
from typing import Any

import pytest
from django.conf import settings

from project.logs import CHATTY, build_logging


def _format(record: logging.LogRecord) -> dict[str, Any]:
    formatter = build_logging(log_format="json", level="INFO")["formatters"]["structured"]
    line = formatter.pop("()")(**formatter).format(record)
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def _make_record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("ours").makeRecord("ours", logging.INFO, "file", 1, message, args, None, extra=extra)


def test_json_line_holds_message_and_extra() -> None:
    line = _format(_make_record("%s is late", "Shop", run=7))
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "Shop is late", "level": "info", "logger": "ours", "run": 7}


def test_json_line_drops_the_request() -> None:
    assert "request" not in _format(_make_record("Bad", request="<GET '/login/secret/'>"))


def test_json_line_holds_the_exception() -> None:
    try:
        raise KeyError("missing")
    except KeyError:
        record = logging.getLogger("ours").makeRecord("ours", logging.ERROR, "file", 1, "failed", (), sys.exc_info())
    assert _format(record)["exception"].splitlines()[-1] == "KeyError: 'missing'"


def test_console_line_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        dictConfig(build_logging(log_format="console", level="INFO"))
        logging.getLogger("ours").info("Shop is late", extra={"run": 7})
        line = capsys.readouterr().out
    finally:
        dictConfig(settings.LOGGING)
    assert "Shop is late" in line
    assert "run=7" in line


def fail_beside(secret: str) -> None:
    raise ValueError(len(secret))


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_traceback_holds_no_local_variables(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        dictConfig(build_logging(log_format=log_format, level="INFO"))
        try:
            fail_beside("can" + "ary")
        except ValueError:
            logging.getLogger("ours").exception("failed")
        line = capsys.readouterr().out
    finally:
        dictConfig(settings.LOGGING)
    assert ("in fail_beside" in line, "canary" in line) == (True, False)


@pytest.mark.parametrize("name", CHATTY)
def test_loggers_that_know_urls_are_silent(name: str) -> None:
    assert logging.getLogger(name).getEffectiveLevel() == logging.WARNING


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("django.template", logging.INFO),
        ("django.security.csrf", logging.ERROR),
        ("celery.worker.strategy", logging.WARNING),
        ("celery.app.trace", logging.WARNING),
    ],
)
def test_loggers_that_repeat_or_give_away_are_quieter(name: str, level: int) -> None:
    assert logging.getLogger(name).getEffectiveLevel() == level


def test_console_format_does_without_a_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert build_logging(log_format="console", level="INFO")["root"]["level"] == "INFO"
