"""A kind of probe that does what its target says, and the runner on top of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from healthcheck.engine.assertions import parse_assertions
from healthcheck.engine.check import CheckSession
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import Probe
from healthcheck.engine.runner import probe_all
from healthcheck.engine.types import (
    AddressMode,
    AddressRules,
    ErrorKind,
    Limits,
    Observation,
    Outcome,
    Phase,
    Target,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OK = Observation(latency_us=1000, status=200, body=b"ready", address="192.0.2.1")
Script = Callable[[CheckSession], Awaitable[Observation]]


class ScriptedProbe:
    """A kind whose targets carry what to do."""

    kind = "scripted"
    uses_credentials = False
    defaults: Mapping[str, Any] = MappingProxyType({})

    def parse(self, address: str, options: Mapping[str, Any]) -> Any:
        raise NotImplementedError

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        observation: Observation = await target.options(session)
        return observation


def load(kind: str) -> Probe:
    assert kind == "scripted"
    return ScriptedProbe()


def make_target(script: Script, *, timeout: float = 10.0, endpoint_id: int = 1, assertions: str = "") -> Target:
    return Target(
        endpoint_id=endpoint_id,
        kind="scripted",
        address="secret.example",
        options=script,
        assertions=parse_assertions(assertions),
        timeout_seconds=timeout,
    )


def make_limits(deadline: float = 20.0, concurrency: int = 256) -> Limits:
    rules = AddressRules(mode=AddressMode.EVERYTHING)
    return Limits(deadline_seconds=deadline, concurrency=concurrency, address_rules=rules, control_name="")


async def run(lag: LagMeter, *targets: Target, limits: Limits | None = None) -> list[Outcome]:
    return await probe_all(targets, limits or make_limits(), now=NOW, lag=lag, load=load)


async def answer(session: CheckSession) -> Observation:
    return OK


async def hang(session: CheckSession) -> Observation:
    with session.stopwatch.measure(Phase.BODY):
        await asyncio.Event().wait()
    raise AssertionError


def fail_first(*steps: ProbeFailure | Observation, seen: list[CheckSession]) -> Script:
    """Take one step per attempt, and keep the sessions."""

    async def script(session: CheckSession) -> Observation:
        session.address = f"192.0.2.{len(seen) + 1}"
        seen.append(session)
        step = steps[len(seen) - 1]
        if isinstance(step, ProbeFailure):
            raise step
        return step

    return script


REFUSED = ProbeFailure(ErrorKind.REFUSED, Phase.CONNECT, "ECONNREFUSED")
