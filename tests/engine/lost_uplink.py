"""`python -m tests.engine.lost_uplink`: runs behind an uplink that swallows everything, in a network of its own; JSON.

Packets to FAR vanish without a word, those to BEYOND are refused a way by our own router. NEAR is this machine, where
control targets really listen, or nobody does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import load_probe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import AddressMode, AddressRules, Limits, Target
from tests.golden.namespace import call

TIMEOUT_SECONDS = 0.5
FAR, ALSO_FAR, BEYOND = "203.0.113.5", "203.0.113.9", "198.51.100.5"
SETUP = (
    ("link", "set", "lo", "up"),
    # Not local, and nobody forwards it.
    ("route", "add", "203.0.113.0/24", "dev", "lo"),
    ("route", "add", "unreachable", "198.51.100.0/24"),
)
LISTENING, CLOSED, SILENT = "listening", "closed", "silent"


class Scenario(NamedTuple):
    """Who is checked and who is asked. `LISTENING` and `CLOSED` are a port of this machine, `SILENT` is far away."""

    hosts: Sequence[str]
    control: Sequence[str]


SCENARIOS = {
    "all silent": Scenario([FAR, ALSO_FAR], [SILENT, SILENT]),
    "no way": Scenario([BEYOND, FAR], [SILENT]),
    "one endpoint": Scenario([FAR], [SILENT]),
    "one control target listens": Scenario([FAR, ALSO_FAR], [SILENT, LISTENING]),
    "one control target refuses": Scenario([FAR], [SILENT, CLOSED]),
    "no control target": Scenario([FAR], []),
    "one endpoint is reached": Scenario([FAR, LISTENING], [LISTENING]),
    "one endpoint refuses": Scenario([FAR, CLOSED], [LISTENING]),
    "all is well": Scenario([LISTENING], [LISTENING]),
}


class Ground:
    """This machine: a port with a listener that counts, and one with nobody."""

    def __init__(self) -> None:
        self.asked = 0
        self.ports: dict[str, int] = {}

    async def prepare(self) -> None:
        server = await asyncio.start_server(self._count, "127.0.0.1", 0)
        self.ports[LISTENING] = server.sockets[0].getsockname()[1]
        closed = await asyncio.start_server(self._count, "127.0.0.1", 0)
        self.ports[CLOSED] = closed.sockets[0].getsockname()[1]
        closed.close()
        await closed.wait_closed()

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        writer.close()

    def place(self, name: str, number: int) -> tuple[str, int]:
        if name in self.ports:
            return "127.0.0.1", self.ports[name]
        return (ALSO_FAR if name == SILENT else name), 443 + number


async def main() -> None:
    ground = Ground()
    await ground.prepare()
    sys.stdout.write(json.dumps({name: await _run(scenario, ground) for name, scenario in SCENARIOS.items()}))


async def _run(scenario: Scenario, ground: Ground) -> dict[str, object]:
    targets = [_aim(number, *ground.place(host, number)) for number, host in enumerate(scenario.hosts)]
    control = tuple(ground.place(name, number) for number, name in enumerate(scenario.control))
    rules = AddressRules(AddressMode.EVERYTHING)
    limits = Limits(5.0, address_rules=rules, control_name="", control_targets=control)
    before = ground.asked
    outcomes = await probe_all(targets, limits, now=datetime.now(UTC), lag=LagMeter())
    kinds = [outcome.error_kind.word if outcome.error_kind else "" for outcome in outcomes]
    reached = sum(host == LISTENING for host in scenario.hosts)
    # A connection that was accepted is counted a moment later.
    await asyncio.sleep(0.05)
    return {
        "verdicts": [outcome.verdict.word for outcome in outcomes],
        "kinds": kinds,
        "found": outcomes[0].evidence.found if outcomes[0].evidence else "",
        "control targets asked": ground.asked - before - reached,
    }


def _aim(number: int, host: str, port: int) -> Target:
    address = f"tcp://{host}:{port}"
    return Target(number, "tcp", address, load_probe("tcp").parse(address, {}), (), TIMEOUT_SECONDS)


if __name__ == "__main__":
    for arguments in SETUP:
        call("ip", *arguments)
    asyncio.run(main())
