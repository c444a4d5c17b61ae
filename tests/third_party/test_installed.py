"""A distribution that adds kinds, built, installed and seen by a process of its own."""

from __future__ import annotations

import re
from pathlib import Path

from tests.third_party.installed import install, run_inside


def test_kind_of_an_installed_distribution_goes_all_the_way(tmp_path: Path) -> None:
    """What the files hold is tested there: nothing of the distribution may reach this process."""
    installed = install(tmp_path)
    inside = ("tests/third_party/inside.py",), ("tests/third_party/inside_public.py",)
    # And what every kind holds.
    for arguments in (*inside, ("tests/engine/probes/test_contract.py", "-k", "finger")):
        (count,) = re.findall(r"^(\d+) passed", run_inside(installed, *arguments), flags=re.MULTILINE)
        assert int(count) >= 6
