"""Connections that the address policy forbids: every spelling and every way to be led there, counted by the kernel.

See `tests/golden/reach.py`. The size is not used: all of it is tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.figures.table import Row
from tests.golden.namespace import run_inside
from tests.golden.reach import ALLOWED, Report


def measure(size: int) -> Iterator[Row]:
    del size
    with run_inside("tests.golden.reach", "all") as process:
        output, complaints = process.communicate()
    if process.returncode:
        raise RuntimeError(complaints)
    for report in (Report(**json.loads(line)) for line in output.splitlines()):
        if report.mode != "everything":
            yield _describe(report)


def _describe(report: Report) -> Row:
    forbidden = report.opened - report.reached[ALLOWED] + report.echoes
    forbidden += sum(count for address, count in report.reached.items() if address != ALLOWED)
    how = (
        f"{report.spellings} spellings and {report.answers} answers of name servers, {sum(report.attempts.values()):,} "
    )
    how += f"attempts in {len(report.attempts)} ways; {report.refused:,} could not be saved"
    return Row(f"connections that the policy forbids, {report.mode}", "0", str(forbidden), how)
