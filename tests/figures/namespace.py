"""Measures in a network of its own, where a device may be cut and every name is answered by a server of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from tests.figures.children import ROOT, leashed
from tests.figures.table import Row
from tests.golden.namespace import enter_command, find_obstacle


def measure_inside(module: str, size: int, *, seconds: int) -> Iterator[Row]:
    """Yield the rows of a module's `measure` as they come; it may take so many seconds."""
    if obstacle := find_obstacle():
        raise RuntimeError(f"there can be no network of its own here: {obstacle}")
    command = enter_command(sys.executable, "-m", "tests.figures.inside", module, str(size))
    with subprocess.Popen(leashed(*command, seconds=seconds), cwd=ROOT, stdout=subprocess.PIPE, text=True) as inside:
        assert inside.stdout is not None
        for line in inside.stdout:
            yield Row(*json.loads(line))
    if inside.returncode:
        raise RuntimeError(f"{module} ended with status {inside.returncode}")
