"""A hostile server, and one attempt of one check as the runner makes it, on either event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import trustme
import uvloop

from healthcheck.engine.check import CheckSession
from healthcheck.engine.dialer import get_dialer
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes import load_probe
from healthcheck.engine.types import AddressMode, AddressRules, ErrorKind, Limits, Observation, Target

LAPTOP = AddressRules(AddressMode.EVERYTHING)


@dataclass(frozen=True)
class Wanted:
    """What stands for an assertion: the probe only asks whether it needs the body."""

    needs_body: bool = True


@dataclass(frozen=True)
class Attempt:
    """One attempt to be made; seconds."""

    url: str
    options: Mapping[str, Any] = field(default_factory=dict)
    timeout: float = 5.0
    needs_body: bool = True
    rules: AddressRules = LAPTOP
    per_address: int = 32
    credential: Any = None
    kind: str = "http"

    async def observe(self) -> Observation:
        """Raises ProbeFailure; a passed deadline is one in the phase where the stopwatch stood."""
        loop = asyncio.get_running_loop()
        probe = load_probe(self.kind)
        options = probe.parse(self.url, self.options)
        target = Target(1, self.kind, self.url, options, (Wanted(self.needs_body),), self.timeout, self.credential)
        dialer = get_dialer(Limits(60.0, per_address=self.per_address, address_rules=self.rules, control_name=""))
        session = None
        try:
            async with asyncio.timeout_at(loop.time() + self.timeout) as deadline:
                session = CheckSession(dialer=dialer, deadline=deadline, hard_deadline=loop.time() + 60.0)
                return await probe.observe(target, session)
        except TimeoutError:
            assert session is not None
            raise ProbeFailure(ErrorKind.TIMEOUT, session.stopwatch.phase) from None

    async def fail(self) -> ProbeFailure:
        with pytest.raises(ProbeFailure) as caught:
            await self.observe()
        return caught.value


Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run a coroutine to its end on a fresh loop of each kind, and find nothing left of it."""
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop

    def run_to_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
        async def run_alone() -> Any:
            result = await coroutine
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return result

        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(run_alone())

    return run_to_end


def serve_with(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return a server's context that presents the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context
