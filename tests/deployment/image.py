"""Builds what the `Dockerfile` describes into a folder: its COPY, RUN, ENV and WORKDIR lines, one after the other."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.deployment.compose import ROOT
from tests.deployment.dockerfile import find_last, read_command, read_dockerfile, read_environment

# Above what a slow index takes; it only ends a build that hangs.
RUN_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Image:
    """A built tree. `folder` stands for the root of the container's file system."""

    folder: Path
    work_folder: Path
    environment: Mapping[str, str]
    command: tuple[str, ...]
    user: int


def build_image(
    folder: Path,
    *,
    path: str,
    builder: int | None = None,
    settings: Mapping[str, str] | None = None,
    wants: Callable[[str], bool] = lambda _command: True,
) -> Image:
    """Build as the user `builder`, ourselves for None, with `path` as PATH. RUN lines not wanted are left out.

    `settings` are more variables for RUN, which the image does not keep.
    """
    instructions = read_dockerfile()
    work_folder = folder
    environment = {"PATH": path, "HOME": str(folder), **(settings or {})}
    for word, rest in instructions:
        if word == "ENV":
            environment |= read_environment([instruction for instruction in instructions if instruction.rest == rest])
        elif word == "WORKDIR":
            work_folder = folder / rest.lstrip("/")
            work_folder.mkdir(parents=True)
            _give(work_folder, builder)
        elif word == "COPY":
            *sources, target = rest.split()
            _copy(sources, work_folder / target, builder)
        elif word == "RUN" and rest.startswith("install --directory "):
            _make_folder(shlex.split(rest)[2:], folder)
        elif word == "RUN" and wants(rest):
            _run(rest, work_folder, environment, builder)
    user = int(find_last(instructions, "USER").partition(":")[0])
    return Image(folder, work_folder, read_environment(instructions), read_command(instructions), user)


def _make_folder(arguments: list[str], root: Path) -> None:
    """Make a folder of the container's own, with owner and mode as far as we may give them."""
    options = dict(each.removeprefix("--").split("=") for each in arguments[:-1])
    made = root / arguments[-1].lstrip("/")
    made.mkdir(mode=int(options["mode"], 8))
    if os.geteuid() == 0:
        os.chown(made, int(options["owner"]), int(options["group"]))


def _copy(sources: list[str], target: Path, owner: int | None) -> None:
    context = (ROOT / ".dockerignore").read_text().splitlines()
    for source in sources:
        assert f"!{source}" in context, f"{source} is not part of the build's context"
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__", "*.py[cod]"))
        else:
            shutil.copy(ROOT / source, target)
    for path in [target, *target.rglob("*")]:
        _give(path, owner)


def _give(path: Path, owner: int | None) -> None:
    if owner is not None:
        os.chown(path, owner, owner)


def _run(command: str, work_folder: Path, environment: Mapping[str, str], user: int | None) -> None:
    ran = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=work_folder,
        env=environment,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, f"RUN {command}\n{ran.stdout[-4000:]}{ran.stderr[-4000:]}"
