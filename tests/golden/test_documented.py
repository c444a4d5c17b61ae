"""The page that says what an error means knows every kind and phase that the golden table does."""

from __future__ import annotations

import re
from pathlib import Path

from tests.golden.table import CASES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "explain.md").read_text()


def test_page_says_what_every_error_means() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([a-z, ]+) \|", PAGE, re.MULTILINE)
    documented = {(kind, phase) for kind, phases in rows for phase in phases.split(", ")}
    named = {
        (case.becomes.kind.word, case.becomes.phase.word) for case in CASES if case.becomes.kind and case.becomes.phase
    }
    assert documented == named
