"""Asks every address of a name on its own: one lookup, then one whole check per address, all of them at once.

Each of them takes a place of the run, as any check does, so that no run opens more connections than it may.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol

from healthcheck.engine.attempts import Leg
from healthcheck.engine.check import CheckSession, Pin
from healthcheck.engine.combined import Part, combine_parts
from healthcheck.engine.destination import Destination
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes import Probe
from healthcheck.engine.probes.address_rule import MAX_ADDRESSES
from healthcheck.engine.run import Run
from healthcheck.engine.types import ErrorKind, Observation, Outcome, Phase, State, Target

Ask = Callable[[Target, Leg], Awaitable[Outcome]]


class LocatingProbe(Probe, Protocol):
    """A probe that can say beforehand which host it will connect to."""

    def locate(self, target: Target) -> Destination:
        """Return where the first connection of a check goes; only the host and how it is looked up are used."""


class _Lookup:
    """Finds out which addresses there are, as a check of its own, so that a name that is gone is told as ever."""

    kind = "lookup"
    uses_credentials = False
    defaults: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        # Each with why the address policy refuses it; empty where it does not.
        self.found: list[tuple[str, str]] = []
        self.seconds_left = 0.0

    def parse(self, address: str, options: Mapping[str, Any]) -> None:
        """Nothing can be said of it."""

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        """Raises ProbeFailure, also where the policy permits none of the addresses."""
        self.found = await session.dialer.find_addresses(session, self.destination)
        due = session.deadline.when()
        self.seconds_left = (session.hard_deadline if due is None else due) - asyncio.get_running_loop().time()
        return Observation(session.stopwatch.latency_us, session.stopwatch.phases)


async def check_every_address(run: Run, target: Target, ask: Ask) -> Outcome:
    """Return the one outcome of all addresses. `ask` checks once, in a place of the run, and raises only cancellation.

    The lookup and the addresses share the check's one timeout. Waiting for places is outside it, as ever.
    """
    probe: LocatingProbe = run.load(target.kind)  # type: ignore[assignment]
    lookup = _Lookup(probe.locate(target))
    looked_up = await ask(replace(target, assertions=()), Leg(probe=lookup))
    if looked_up.verdict is not State.UP:
        return looked_up
    parts = await _ask_each(run, target, ask, lookup=lookup, resolve_us=looked_up.phases.resolve_us)
    return combine_parts(target.options.addresses, parts, left_over=max(0, len(lookup.found) - MAX_ADDRESSES))


async def _ask_each(run: Run, target: Target, ask: Ask, *, lookup: _Lookup, resolve_us: int) -> list[Part]:
    host = lookup.destination.host
    asked: list[Awaitable[Outcome]] = []
    for address, refusal in lookup.found[:MAX_ADDRESSES]:
        if refusal:
            asked.append(_refuse(run, address, refusal))
        else:
            asked.append(ask(target, Leg(pin=Pin(host, address, resolve_us / 1e6), seconds=lookup.seconds_left)))
    # Not without exceptions, which would come back while the others still run.
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    parts: list[Part] = []
    for (address, _), outcome in zip(lookup.found, outcomes, strict=False):
        if isinstance(outcome, BaseException):
            raise outcome
        parts.append(Part(address, outcome))
    return parts


async def _refuse(run: Run, address: str, refusal: str) -> Outcome:
    outcome = run.fail(ProbeFailure(ErrorKind.BLOCKED, Phase.RESOLVE, refusal), phase=Phase.RESOLVE)
    evidence = replace(outcome.evidence, address=address) if outcome.evidence else None
    return replace(outcome, evidence=evidence)
