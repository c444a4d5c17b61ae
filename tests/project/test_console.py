from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import pytest

from project.embedded.console import Console


def _relay(*lines: str, threshold: int = logging.WARNING) -> str:
    stream = io.StringIO()
    console = Console(stream)
    console.threshold = threshold
    for line in lines:
        console.relay("worker-1", line)
    return stream.getvalue()


def _record(**facts: Any) -> str:
    return json.dumps(
        {"event": "it happened", "level": "info", "logger": "any", "timestamp": "2026-11-22T10:00:00Z"} | facts
    )


def test_console_without_a_standard_output_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    Console().write("nobody reads this")


def test_console_shows_a_run_as_time_and_message() -> None:
    shown = _relay(_record(logger="healthcheck.runs", event="Shop: 3 ms late", run=7))
    assert shown[8:] == "  Shop: 3 ms late\n"


def test_console_hides_routine() -> None:
    assert _relay(_record(), "", "worker: Warm shutdown (MainProcess)") == ""


def test_console_shows_warnings_with_name_and_facts() -> None:
    shown = _relay(_record(level="warning", event="broker away", unsent=2))
    assert shown[8:] == "  worker-1: broker away unsent=2\n"


def test_console_hides_warnings_above_the_threshold() -> None:
    assert _relay(_record(level="warning"), threshold=logging.ERROR) == ""


def test_console_shows_what_is_not_a_record() -> None:
    assert (
        _relay("Killed", "{broken", '{"event": 1}') == 'worker-1: Killed\nworker-1: {broken\nworker-1: {"event": 1}\n'
    )


def test_console_indents_an_exception() -> None:
    shown = _relay(_record(level="error", event="failed", exception="Traceback:\nKeyError: 1"))
    assert shown[8:] == "  worker-1: failed\n    Traceback:\n    KeyError: 1\n"


def test_console_drops_what_would_drive_the_terminal() -> None:
    assert _relay("a\x1b[31mb") == "worker-1: a [31mb\n"


def test_console_survives_a_closed_terminal() -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    console = Console(Closed())
    console.write("lost")
    console.write("lost as well")
