"""What the `Dockerfile` says, instruction by instruction."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple

DOCKERFILE = Path(__file__).resolve().parents[2] / "Dockerfile"


class Instruction(NamedTuple):
    """Such as `RUN` and what follows it, continued lines joined."""

    word: str
    rest: str


def read_dockerfile() -> list[Instruction]:
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE)
    lines = [line.strip() for line in re.sub(r"\\\n", " ", text).splitlines()]
    return [Instruction(*line.split(maxsplit=1)) for line in lines if line]


def find_last(instructions: list[Instruction], word: str) -> str:
    """Return what the last instruction of this kind says: the one that counts."""
    return [instruction.rest for instruction in instructions if instruction.word == word][-1]


def read_environment(instructions: list[Instruction]) -> dict[str, str]:
    pairs = [
        pair for instruction in instructions if instruction.word == "ENV" for pair in shlex.split(instruction.rest)
    ]
    return dict(pair.split("=", maxsplit=1) for pair in pairs)


def read_command(instructions: list[Instruction]) -> tuple[str, ...]:
    """Return the exec form of CMD."""
    return tuple(json.loads(find_last(instructions, "CMD")))
