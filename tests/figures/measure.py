"""Measures one figure in a process of its own: `python -m tests.figures.measure NAME SIZE`, rows as JSON on stdout.

The database and the folder are named by the environment; `tests.figures` is the command that people call.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.db import connection

from tests.figures.table import Row


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    name, size = sys.argv[1], int(sys.argv[2])
    django.setup()
    call_command("migrate", verbosity=0)
    figure: Any = import_module(f"tests.figures.{name}")
    measured: Iterator[Row] = figure.measure(size)
    try:
        for row in measured:
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
    finally:
        connection.close()
        _show_complaints()


def _show_complaints() -> None:
    """Show what the processes complained about: a figure measured beside errors is worth little."""
    for log in sorted(Path(os.environ["HEALTHCHECK_DATA"]).glob("*.log")):
        for complaint, count in Counter(_read_complaints(log)).items():
            sys.stderr.write(f"  {log.stem}, {count} times: {complaint[:300]!r}\n")


def _read_complaints(log: Path) -> Iterator[str]:
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("{"):
            record = json.loads(line)
            yield f"{record['logger']}: {record['event']} {record.get('exception', '')[-150:]}"
        elif line.startswith("Traceback"):
            yield line


if __name__ == "__main__":
    main()
