"""CPU of one DNS check by itself: a fresh socket, one question by UDP, its answer compared, nothing stored.

Groups of 20 targets that ask a BIND on this machine, ten groups under way at once, on the engine's own loop in this
process; counted as in `probe`. The server's CPU is not in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import trustme

from healthcheck.engine.assertions import parse_assertion
from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import AddressMode, AddressRules, Limits, Target
from tests.figures.probe import AT_ONCE, MEMBERS, PASSES, describe_cpu
from tests.figures.table import Row
from tests.name_servers import run_bind

# All of them ask one server, which is to be no reason to wait.
LIMITS = Limits(30.0, per_address=MEMBERS * AT_ONCE, address_rules=AddressRules(AddressMode.EVERYTHING))
EXPECTED = 'answers exactly "192.0.2.1", "192.0.2.2"'


def measure(size: int) -> Iterator[Row]:
    rounds = max(1, size // PASSES // (MEMBERS * AT_ONCE))
    with run_bind(Path(os.environ["HEALTHCHECK_DATA"]), trustme.CA()) as ports:
        targets = [_freeze(number, f"127.0.0.1:{ports.plain}") for number in range(MEMBERS)]
        yield describe_cpu("CPU per DNS check", targets, rounds, limits=LIMITS)


def _freeze(number: int, server: str) -> Target:
    address = "dns://web.good.example"
    options = load_probe("dns").parse(address, {"server": server})
    return Target(number, "dns", address, options, (parse_assertion(EXPECTED),), timeout_seconds=10.0)
