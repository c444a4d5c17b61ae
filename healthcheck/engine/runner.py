"""One gather per group: every target gets exactly one outcome, in order; one target's trouble never touches another."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from healthcheck.engine.assertions import evaluate
from healthcheck.engine.check import CheckSession
from healthcheck.engine.details import Trace
from healthcheck.engine.dialer import Dialer, get_dialer
from healthcheck.engine.explaining import (
    add_chain,
    describe_answer,
    describe_failure,
    list_secrets,
    redact_outcome,
)
from healthcheck.engine.faults import SENTENCES, VERDICTS, ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import Probe, load_probe
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.types import ErrorKind, Evidence, Limits, Observation, Outcome, Phase, State, Target

logger = logging.getLogger(__name__)

# What a check may lose of its deadline to us, by stalls of our loop or by the group's end, before its failure is ours.
OUR_SHARE = 0.1
# How long a timeout in the resolver may wait for the control name beyond the group's deadline. A resolver that is
# alive answers in milliseconds.
CONTROL_GRACE_SECONDS = 0.25

_SILENT_SERVER = (
    "The token server did not answer before the check's time was over; see to it, or raise the check's timeout."
)


async def probe_all(  # noqa: PLR0913 - the clock and every collaborator are passed in
    targets: Sequence[Target],
    limits: Limits,
    *,
    now: datetime,
    lag: LagMeter,
    load: Callable[[str], Probe] = load_probe,
    dialer: Dialer | None = None,
    details: bool = False,
    on_outcome: Callable[[int, Outcome], None] | None = None,
) -> list[Outcome]:
    """Check every target; return their outcomes in the order of the targets.

    With `details` each outcome tells all that was seen. `on_outcome` is called on the loop with a target's place and
    outcome as soon as it is there; it must neither block nor raise.

    `now` is the aware instant of the call, `lag` meters the running loop. Cancellation ends all checks and is raised,
    as is what ends a process; a defect of ours becomes UNKNOWN(internal) of its target alone. Raises
    ConfigurationError before anything is probed when the address rules cannot be read.
    """
    dialer = dialer or get_dialer(limits)
    run = _Run(limits=limits, now=now, lag=lag, load=load, dialer=dialer, details=details)
    checks = [run.guard(target) for target in targets]
    if on_outcome is not None:
        checks = [_report(check, partial(on_outcome, place)) for place, check in enumerate(checks)]
    results = await asyncio.gather(*checks, return_exceptions=True)
    outcomes: list[Outcome] = []
    for result in results:
        # `guard` lets only cancellation and the end of the process through, and neither is a result.
        if isinstance(result, BaseException):
            raise result
        outcomes.append(result)
    return outcomes


async def _report(check: Coroutine[Any, Any, Outcome], tell: Callable[[Outcome], None]) -> Outcome:
    outcome = await check
    tell(outcome)
    return outcome


@dataclass(slots=True, kw_only=True)
class _Run:
    """What the checks of one call share."""

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

    async def guard(self, target: Target) -> Outcome:
        """Check one target, whatever happens: the one place that catches what has no name."""
        try:
            return await self.check(target)
        except Exception as error:
            _raise_if_cancelled()
            # The frames without the error's text, which may hold an address with its password.
            frames = "".join(traceback.format_tb(error.__traceback__))
            name = type(error).__qualname__
            logger.error("The check of endpoint %s failed inside the checker: %s\n%s", target.endpoint_id, name, frames)
            return self.fail(ProbeFailure(ErrorKind.INTERNAL, Phase.RESOLVE, name), phase=None)

    async def check(self, target: Target) -> Outcome:
        """Wait for a place, outside the check's latency and deadline, and check."""
        try:
            async with asyncio.timeout_at(self.hard_deadline):
                await self.places.acquire()
        except TimeoutError:
            failure = ProbeFailure(
                ErrorKind.CAPACITY, Phase.RESOLVE, "no place became free before the group's deadline"
            )
            return self.fail(failure, phase=None)
        try:
            check = _Check(self, target)
            return check.redact(await check.conclude())
        finally:
            self.places.release()

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


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt's outcome, how long our loop was late in it (seconds), and why its failure is ours, if it is."""

    outcome: Outcome
    lag: float
    excuse: str = ""

    def conclude(self) -> Outcome:
        return _excuse(self.outcome, self.excuse) if self.excuse else self.outcome


class _Check:
    """One target's check under its one deadline: an attempt, and a second one when the first says down."""

    def __init__(self, run: _Run, target: Target) -> None:
        self.run = run
        self.target = target
        self.started = time.monotonic()
        self.due = asyncio.get_running_loop().time() + target.timeout_seconds
        self.deadline = asyncio.timeout_at(min(self.due, run.hard_deadline))
        self.secrets: list[str] = []
        self.session = self._open_session()

    def redact(self, outcome: Outcome) -> Outcome:
        """Take out of what is told what the target was told in confidence, and may have said back."""
        # Only what is shown to somebody can give something away.
        if outcome.evidence is None and outcome.details is None:
            return outcome
        return redact_outcome(outcome, Redactor((*self.secrets, *list_secrets(self.target))))

    def _open_session(self, avoid_address: str | None = None) -> CheckSession:
        return CheckSession(
            self.run.dialer,
            self.deadline,
            self.run.hard_deadline,
            avoid_address=avoid_address,
            secrets=self.secrets,
            trace=Trace() if self.run.details else None,
        )

    async def conclude(self) -> Outcome:
        """Return the outcome that counts. Raises only what has no name, and cancellation from outside."""
        first: _Attempt | None = None
        outcome: Outcome | None = None
        try:
            async with self.deadline:
                first = await self._attempt()
                outcome = first.conclude()
                if self._is_worth_confirming(first):
                    self.session = self._open_session(avoid_address=self.session.address or None)
                    outcome = replace((await self._attempt()).conclude(), attempts=2)
        except Exception:
            # Whatever a probe made of its cancellation, a deadline that has passed is the reason for it.
            if not self.deadline.expired():
                raise
        if not self.deadline.expired() and outcome is not None:
            return outcome
        if first is not None:
            # The second attempt had not enough time to contradict the first.
            return replace(first.conclude(), observed_at=self.run.read_clock(), attempts=2)
        return await self._time_out()

    async def _attempt(self) -> _Attempt:
        session, run = self.session, self.run
        try:
            observation = await run.load(self.target.kind).observe(self.target, session)
            _raise_if_cancelled()
        except ProbeFailure as failure:
            _raise_if_cancelled()
            lag = self._measure_lag(session.stopwatch.started)
            outcome = run.fail(failure, phase=failure.phase, session=session)
            return _Attempt(outcome, lag, self._blame(lag) if outcome.verdict is State.DOWN else "")
        return await self._judge(observation)

    async def _judge(self, observation: Observation) -> _Attempt:
        lag = self._measure_lag(self.session.stopwatch.started)
        clock = self.run.read_clock()
        with self.session.stopwatch.measure(Phase.ASSERT):
            judgement = await evaluate(self.target.assertions, observation, now=clock, details=self.run.details)
        outcome = Outcome(
            verdict=judgement.verdict,
            observed_at=self.run.read_clock(),
            error_kind=judgement.error_kind,
            phase=judgement.phase,
            latency_us=observation.latency_us,
            phases=observation.phases,
            http_status=observation.status or 0,
            evidence=add_chain(judgement.evidence, observation),
            details=describe_answer(self.session, observation, judgement),
        )
        is_ours = judgement.excess_us is not None and lag > judgement.excess_us / 1e6
        return _Attempt(outcome, lag, f"our event loop was late by {lag:.1f} s of that" if is_ours else "")

    def _is_worth_confirming(self, first: _Attempt) -> bool:
        """Whether it is down for another reason than time, and as much time as the target took for that is left."""
        outcome = first.outcome
        if outcome.verdict is not State.DOWN or outcome.error_kind is ErrorKind.TIMEOUT:
            return False
        due = self.deadline.when()
        left = (due or 0.0) - asyncio.get_running_loop().time()
        return left > outcome.latency_us / 1e6 - first.lag

    async def _time_out(self) -> Outcome:
        session, phase = self.session, self.session.stopwatch.phase
        failure = ProbeFailure(ErrorKind.TIMEOUT, phase, f"no end within {self.target.timeout_seconds:g} s")
        if session.is_aside:
            failure = ProbeFailure(ErrorKind.CREDENTIAL, phase, _SILENT_SERVER)
        # Read before the resolver is asked, so that asking is not part of the latency.
        outcome = self.run.fail(failure, phase=phase, session=session)
        reason = self._find_own_fault() or await self._find_silent_resolver()
        return _excuse(outcome, reason) if reason else outcome

    def _find_own_fault(self) -> str:
        """Return why a deadline that has passed says nothing about the target; empty when it does."""
        if self.session.is_waiting:
            return "it waited for a place of ours when its time ended"
        if self.session.stopwatch.phase is Phase.ASSERT:
            return "it answered, but judging the answer took us too long"
        due = self.due + self.session.stopwatch.waited
        if due - self.run.hard_deadline > OUR_SHARE * self.target.timeout_seconds:
            return "the group's deadline came before its own"
        return self._blame(self._measure_lag(self.started))

    def _measure_lag(self, since: float) -> float:
        return self.run.lag.total_between(since, time.monotonic())

    def _blame(self, lag: float) -> str:
        is_ours = lag > OUR_SHARE * self.target.timeout_seconds
        return f"our event loop stalled for {lag:.1f} s" if is_ours else ""

    async def _find_silent_resolver(self) -> str:
        if self.session.stopwatch.phase is not Phase.RESOLVE:
            return ""
        latest = max(self.run.hard_deadline, asyncio.get_running_loop().time() + CONTROL_GRACE_SECONDS)
        try:
            async with asyncio.timeout_at(latest):
                is_silent = await self.run.dialer.resolver.is_silent()
        except TimeoutError:
            is_silent = True
        return "our resolver does not answer for any name" if is_silent else ""


def _excuse(outcome: Outcome, reason: str) -> Outcome:
    """Return no data in the place of a failure that is our own doing."""
    kind = ErrorKind.CAPACITY
    evidence = replace(outcome.evidence or Evidence(), sentence=SENTENCES[kind], expected="", found=reason)
    return replace(outcome, verdict=VERDICTS[kind], error_kind=kind, evidence=evidence)


def _raise_if_cancelled() -> None:
    """Cancel again where a library turned a cancellation into an error or an answer of its own."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
