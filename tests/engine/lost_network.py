"""`python -m tests.engine.lost_network SCENARIO`: a check that loses its network half-way, in one of its own; JSON.

No lag is measured, so that nothing else can excuse the check.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import load_probe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressMode, AddressRules, Limits, Outcome, Target
from tests.golden.namespace import call

LIMITS = Limits(10.0, address_rules=AddressRules(AddressMode.EVERYTHING), control_name="")
TIMEOUT_SECONDS = 1.0
LOCAL, REMOTE = "127.0.0.1", "203.0.113.5"
ROUTE = ("local", "203.0.113.0/24", "dev", "lo")


class Scenario(NamedTuple):
    """What is lost as soon as the target has the request, and what comes back before its time is over."""

    address: str
    loss: Sequence[str] = ()
    repair: Sequence[str] = ()


DOWN, UP = ("link", "set", "lo", "down"), ("link", "set", "lo", "up")
SCENARIOS = {
    "nothing lost": Scenario(LOCAL),
    "link down": Scenario(LOCAL, DOWN),
    "link down, IPv6": Scenario("::1", DOWN),
    "link down and up again": Scenario(LOCAL, DOWN, UP),
    "route deleted": Scenario(REMOTE, ("route", "del", *ROUTE)),
}


def main() -> None:
    call("ip", *UP)
    call("ip", "route", "add", *ROUTE)
    outcome = asyncio.run(_check(SCENARIOS[sys.argv[1]]))
    kind, evidence = outcome.error_kind, outcome.evidence
    seen = [outcome.verdict.word, kind.word if kind else "", evidence.found if evidence else ""]
    sys.stdout.write(json.dumps(seen))


async def _check(scenario: Scenario) -> Outcome:
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    family = socket.AF_INET6 if ":" in scenario.address else socket.AF_INET
    server = await asyncio.start_server(stay_silent, scenario.address, 0, family=family)
    port = server.sockets[0].getsockname()[1]
    host = f"[{scenario.address}]" if ":" in scenario.address else scenario.address
    url = f"http://{host}:{port}/"
    target = Target(1, "http", url, load_probe("http").parse(url, {}), (), TIMEOUT_SECONDS)
    check = asyncio.ensure_future(probe_all([target], LIMITS, now=datetime.now(UTC), lag=LagMeter()))
    await asked.wait()
    _call(scenario.loss)
    loop.call_later(TIMEOUT_SECONDS / 2, _call, scenario.repair)
    [outcome] = await check
    return outcome


def _call(arguments: Sequence[str]) -> None:
    if arguments:
        call("ip", *arguments)


if __name__ == "__main__":
    main()
