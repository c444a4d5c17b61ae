"""Runs one figure on one database: a fresh database, a process of its own, an end in time whatever happens."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from tests.figures.catalogue import FIGURES
from tests.figures.children import ROOT, leashed
from tests.figures.table import Row
from tests.servers import PostgreSQL

# What is left to a measurement that was told to end, before it is killed.
END_SECONDS = 20


def run_figure(name: str, database: str, *, size: int, server: PostgreSQL | None) -> tuple[list[Row], bool]:
    """Return the measured rows, and whether they are all; `server` where the database is PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="hcfig", dir="/tmp"))
    try:
        url = _create_database(server) if server is not None else f"sqlite:///{folder}/figures.sqlite3"
        with (folder / "rows").open("wb") as output:
            is_complete = _run(name, size, environment=_build_environment(folder, url), output=output.fileno())
        rows = [Row(*json.loads(line)) for line in (folder / "rows").read_text().splitlines()]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    suffix = f", {database}" if FIGURES[name].by_database else ""
    return [row._replace(figure=f"{row.figure}{suffix}") for row in rows], is_complete


def _run(name: str, size: int, *, environment: dict[str, str], output: int) -> bool:
    bound = FIGURES[name].bound_seconds
    program = (sys.executable, "-m", "tests.figures.measure", name, str(size))
    process = subprocess.Popen(
        leashed(*program, seconds=bound + 2 * END_SECONDS), cwd=ROOT, env=environment, stdout=output
    )
    try:
        return process.wait(bound) == 0
    except subprocess.TimeoutExpired:
        sys.stderr.write(f"  {name} did not end within {bound} s\n")
        return False
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _create_database(server: PostgreSQL) -> str:
    name = f"figures_{secrets.token_hex(4)}"
    with psycopg.connect(host=str(server.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return server.url(name)


def _build_environment(folder: Path, database_url: str) -> dict[str, str]:
    # As in a deployment, and nothing of the shell's own configuration.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": database_url,
        "HEALTHCHECK_ADDRESS_MODE": "everything",
        "HEALTHCHECK_DATA": str(folder),
        "HEALTHCHECK_SPOOL_DIR": str(folder / "spool"),
        "LOG_LEVEL": "WARNING",
        # One line per record, so that `measure.py` finds the complaints among what else is printed.
        "LOG_FORMAT": "json",
    }
