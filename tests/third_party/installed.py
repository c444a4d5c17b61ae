"""The distribution of a third party, built and installed beside what is tested, and tests in a process that sees it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = Path(__file__).parent / "finger"


def install(folder: Path) -> Path:
    """Build the wheel and install it, without network, into a folder of its own; return that."""
    source, target = folder / "source", folder / "installed"
    shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    _run("hatchling", "build", "-t", "wheel", "-d", str(folder / "wheel"), cwd=source)
    (wheel,) = (folder / "wheel").iterdir()
    _run("pip", "install", "--no-deps", "--no-index", "--target", str(target), str(wheel), cwd=folder)
    return target


def _run(module: str, *arguments: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_inside(installed: Path, *arguments: str) -> str:
    """Run tests under pytest in a process that has the distribution; return what that said."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])}
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
