"""Commands of the documentation, as they stand there, played on the stand-in for the containers."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tests.deployment.compose import ROOT
from tests.deployment.engine import Engine
from tests.project.running import clean_environment

LAPTOP = ".venv/bin/python manage.py "
EXECUTE = re.compile(r"docker compose exec (?:--no-TTY )?(?P<service>\w+) (?P<command>.*)")
STOP = re.compile(r"docker compose stop (?P<services>[\w ]+)")
UP = "docker compose up --detach"


class DocumentedCommand(NamedTuple):
    """One line of a block of shell."""

    line: str

    def play(self, engine: Engine, folder: Path) -> None:
        """Do what the line does. Files are those of `folder`."""
        if self.line.startswith(LAPTOP):
            _run_on_laptop(self.line.removeprefix(LAPTOP), folder)
        elif found := EXECUTE.fullmatch(self.line):
            engine.execute(found["service"], found["command"], folder)
        elif found := STOP.fullmatch(self.line):
            statuses = engine.stop(*found["services"].split())
            assert set(statuses.values()) == {0}, statuses
        else:
            assert self.line == UP, f"nobody knows how to play: {self.line}"
            engine.up()


def _run_on_laptop(command: str, folder: Path) -> None:
    """Run a command of a checkout whose data directory is the folder."""
    line = f"{shlex.join([sys.executable, str(ROOT / 'manage.py')])} {command}"
    environment = clean_environment() | {"HEALTHCHECK_DATA": str(folder)}
    ran = subprocess.run(["/bin/sh", "-c", line], cwd=folder, env=environment, check=False, capture_output=True)
    assert ran.returncode == 0, ran.stderr.decode()


def read_commands(page: str, heading: str) -> list[DocumentedCommand]:
    """Return the lines of the first block of shell under a heading."""
    _before, section = (ROOT / "docs" / page).read_text().split(f"\n{heading}\n")
    block = section.split("```sh\n")[1].split("```")[0]
    return [DocumentedCommand(line) for line in block.splitlines()]
