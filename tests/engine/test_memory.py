"""What large bodies took is given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

from healthcheck.engine.memory import give_back_large_blocks

# Blocks as large bodies are, between small ones that stay; the first one is what teaches glibc to keep such blocks.
PROGRAM = """
from pathlib import Path
from healthcheck.engine.memory import give_back_large_blocks

def read_kib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4

if {gives_back}:
    give_back_large_blocks()
bytearray(b"x") * 20_000_000
before = read_kib()
large = []
small = []
for _ in range(20):
    large.append(bytearray(b"x") * 2_000_000)
    small.append(bytearray(b"x") * 100_000)
large.clear()
print(read_kib() - before)
"""


def measure(*, gives_back: bool) -> int:
    command = [sys.executable, "-c", PROGRAM.format(gives_back=gives_back)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not give_back_large_blocks(), reason="glibc alone has a say in this")
def test_memory_of_large_blocks_is_given_back() -> None:
    # Of 40 MB: most of it stays unless it is given back.
    assert measure(gives_back=False) > 20_000
    assert measure(gives_back=True) < 5_000
