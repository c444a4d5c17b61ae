"""The wheel, built from a copy of the checkout so that nothing is written into it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = (".gitignore", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md")


def build_wheel(folder: Path) -> Path:
    """Build in a folder that holds nothing else, without network, and return the wheel's path."""
    source, target = folder / "source", folder / "wheel"
    source.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, source / name)
    for name in ("healthcheck", "project", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = target.iterdir()
    return path
