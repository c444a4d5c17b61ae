"""`python -m tests.figures [NAME ...] [--database sqlite|postgresql|both] [--size N] [--list]`.

Measures what is promised, on throwaway servers, and prints a Markdown table; see `catalogue.py` for the names.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import nullcontext

from tests.figures.catalogue import FIGURES
from tests.figures.run import run_figure
from tests.figures.table import Row, render
from tests.servers import run_postgres

DATABASES = ("sqlite", "postgresql")


def main() -> int:
    """Return the exit status: 1 when a figure could not be measured, whatever the figures say."""
    arguments = _parse_arguments()
    if arguments.list:
        for name, figure in FIGURES.items():
            sys.stdout.write(f"{name:12}{figure.sentence} (size {figure.size:,}: {figure.counted})\n")
        return 0
    # So that every server below is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    databases = DATABASES if arguments.database == "both" else (arguments.database,)
    rows: list[Row] = []
    try:
        return 0 if _measure(arguments.names or [*FIGURES], databases, arguments.size, rows) else 1
    finally:
        sys.stdout.write(render(rows) + "\n")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.figures", description="Measures what is promised.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures; all of them by default")
    parser.add_argument("--database", choices=[*DATABASES, "both"], default="both")
    parser.add_argument("--size", type=int, help="how many of what the figure counts; --list says what")
    parser.add_argument("--list", action="store_true", help="name the figures and end")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(FIGURES):
        parser.error(f"no figure is called {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    return arguments


def _measure(names: list[str], databases: tuple[str, ...], size: int | None, rows: list[Row]) -> bool:
    """Append what was measured to `rows`, so that nothing of it is lost when the rest is interrupted."""
    is_complete = True
    with run_postgres() if "postgresql" in databases else nullcontext() as server:
        for name in names:
            figure = FIGURES[name]
            for database in databases if figure.by_database else databases[:1]:
                sys.stderr.write(f"{name}, {database}: at most {figure.bound_seconds} s\n")
                used = server if database == "postgresql" else None
                measured, succeeded = run_figure(name, database, size=size or figure.size, server=used)
                rows += measured
                is_complete = is_complete and succeeded
    return is_complete


if __name__ == "__main__":
    sys.stdout.write(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}\n")
    sys.exit(main())
