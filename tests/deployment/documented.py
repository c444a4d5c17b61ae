"""Commands of the documentation, as they stand there, played on the stand-in for the containers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.deployment.compose import ROOT
from tests.deployment.engine import Engine

EXECUTE = re.compile(r"docker compose exec (?:--no-TTY )?(?P<service>\w+) (?P<command>.*)")
STOP = re.compile(r"docker compose stop (?P<services>[\w ]+)")
UP = "docker compose up --detach"


class DocumentedCommand(NamedTuple):
    """One line of a block of shell."""

    line: str

    def play(self, engine: Engine, folder: Path) -> None:
        """Do what the line does. Files are those of `folder`."""
        if found := EXECUTE.fullmatch(self.line):
            engine.execute(found["service"], found["command"], folder)
        elif found := STOP.fullmatch(self.line):
            statuses = engine.stop(*found["services"].split())
            assert set(statuses.values()) == {0}, statuses
        else:
            assert self.line == UP, f"nobody knows how to play: {self.line}"
            engine.up()


def read_commands(page: str, heading: str) -> list[DocumentedCommand]:
    """Return the lines of the first block of shell under a heading."""
    _before, section = (ROOT / "docs" / page).read_text().split(f"\n{heading}\n")
    block = section.split("```sh\n")[1].split("```")[0]
    return [DocumentedCommand(line) for line in block.splitlines()]
