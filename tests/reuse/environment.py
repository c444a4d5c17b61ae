"""A virtual environment as an adopter has it: the wheel, what it declares to need, and nothing else of ours."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def make_environment(folder: Path, wheel: Path) -> Path:
    """Install the wheel into a fresh environment, without network, and return its interpreter."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", f"--python={python}", "install", "--no-index", "--no-deps", str(wheel)]
    installed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert installed.returncode == 0, installed.stderr
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (own,) = site_packages.glob("*.dist-info")
    for needed in _find_needed(Distribution.at(own)):
        _link(needed, site_packages)
    return python


def _find_needed(root: Distribution) -> list[Distribution]:
    """Return everything that a distribution needs, and what that needs, as it is installed here."""
    found: dict[str, Distribution] = {}
    waiting = list(_read_requirements(root, extras=set()))
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        known = name in found
        found[name] = distribution(name)
        if not known or requirement.extras:
            waiting += [each for each in _read_requirements(found[name], requirement.extras) if each not in waiting]
    return list(found.values())


def _read_requirements(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for line in package.requires or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield requirement


def _link(package: Distribution, site_packages: Path) -> None:
    """Link what an installed package has put beside others; its scripts stay where they are."""
    for name in {file.parts[0] for file in package.files or () if file.parts[0] not in ("..", "__pycache__")}:
        link = site_packages / name
        if not link.exists():
            link.symlink_to(Path(str(package.locate_file(name))))
