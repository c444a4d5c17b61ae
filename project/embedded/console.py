"""What a person sees of the children: one line per group run, warnings and errors with the child's name, no routine."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TextIO

RUNS = "healthcheck.runs"
# Celery says it past all logging whenever a worker is told to stop.
_ROUTINE_LINES = ("worker: Warm shutdown",)
_ROUTINE_KEYS = frozenset({"event", "level", "logger", "timestamp", "exception"})


class Console:
    """Turns the children's JSON lines into lines for people."""

    def __init__(self, stream: TextIO | None = None) -> None:
        # Python has no standard output at all where the shell has closed it.
        self._stream = stream or sys.stdout or _Nowhere()
        # Raised while everything stops: children miss each other then and say so, and only their errors are news.
        self.threshold = logging.WARNING

    def write(self, text: str) -> None:
        """Write a line. A terminal that was closed is no reason to stop checking."""
        encoding = self._stream.encoding or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
            self._stream.flush()
        except OSError:
            # Left open: its own flush at exit would fail once more, loudly.
            self._stream = _Nowhere()

    def relay(self, name: str, line: str) -> None:
        """Show what a child has written, if a person should see it."""
        if not line.strip() or line.startswith(_ROUTINE_LINES):
            return
        record = _parse(line)
        if record is None:
            self.write(f"{name}: {_make_printable(line)}")
        elif record.get("logger") == RUNS:
            self.write(f"{_read_time(record)}  {_make_printable(str(record['event']))}")
        elif _read_level(record) >= self.threshold:
            self.write(f"{_read_time(record)}  {name}: {_describe(record)}")


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        """Take the text and drop it."""
        return len(text)


def _parse(line: str) -> Mapping[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if "event" in record and "level" in record else None


def _read_level(record: Mapping[str, Any]) -> int:
    return logging.getLevelNamesMapping().get(str(record["level"]).upper(), logging.INFO)


def _read_time(record: Mapping[str, Any]) -> str:
    return datetime.fromisoformat(record["timestamp"]).astimezone().strftime("%H:%M:%S")


def _describe(record: Mapping[str, Any]) -> str:
    facts = " ".join(f"{key}={value}" for key, value in record.items() if key not in _ROUTINE_KEYS)
    sentence = _make_printable(f"{record['event']} {facts}".strip())
    frames = str(record.get("exception", "")).splitlines()
    return "\n".join([sentence, *(f"    {_make_printable(frame)}" for frame in frames)])


def _make_printable(text: str) -> str:
    """Drop what would drive the terminal: names of groups come from people."""
    return "".join(character if character.isprintable() else " " for character in text)
