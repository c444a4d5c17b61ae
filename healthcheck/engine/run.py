"""What the checks of one run share: limits, clocks, a way to the network, and places."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from healthcheck.engine.check import CheckSession
from healthcheck.engine.dialer import Dialer
from healthcheck.engine.explaining import describe_failure
from healthcheck.engine.faults import SENTENCES, VERDICTS, ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import Probe
from healthcheck.engine.types import Evidence, Limits, Outcome, Phase


@dataclass(slots=True, kw_only=True)
class Run:
    """What the checks of one call of `probe_all` share."""

    limits: Limits
    now: datetime
    lag: LagMeter
    load: Callable[[str], Probe]
    dialer: Dialer
    details: bool = False
    started: float = field(default_factory=time.monotonic)
    hard_deadline: float = field(init=False)
    places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.hard_deadline = asyncio.get_running_loop().time() + self.limits.deadline_seconds
        self.places = asyncio.Semaphore(self.limits.concurrency)

    def read_clock(self) -> datetime:
        """The instant now, counted from the caller's one reading of the clock."""
        return self.now + timedelta(seconds=time.monotonic() - self.started)

    def fail(
        self, failure: ProbeFailure, *, phase: Phase | None, session: CheckSession | None = None, attempts: int = 1
    ) -> Outcome:
        """Return the outcome of a failure, with what the session saw until then."""
        evidence = Evidence(
            sentence=SENTENCES[failure.kind],
            expected=failure.expected,
            found=failure.found,
            address=session.address if session else "",
            certificate=failure.certificate,
            redirects=tuple(session.redirects) if session else (),
            chain=failure.chain,
        )
        outcome = Outcome(
            verdict=VERDICTS[failure.kind],
            observed_at=self.read_clock(),
            error_kind=failure.kind,
            phase=phase,
            attempts=attempts,
            evidence=evidence,
        )
        if session is None:
            return outcome
        watch, details = session.stopwatch, describe_failure(session, failure)
        return replace(outcome, latency_us=watch.latency_us, phases=watch.phases, details=details)
