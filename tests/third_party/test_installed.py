"""A distribution that adds kinds, built, installed and seen by a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

from tests.third_party.installed import install, run_inside


def test_kind_of_an_installed_distribution_goes_all_the_way(tmp_path: Path) -> None:
    """What the files hold is tested there: nothing of the distribution may reach this process."""
    installed = install(tmp_path)
    for file in ("inside.py", "inside_public.py"):
        (count,) = re.findall(r"^(\d+) passed", run_inside(installed, file), flags=re.MULTILINE)
        assert int(count) >= 6
