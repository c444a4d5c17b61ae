"""One check under its one deadline: an attempt, a second one that confirms a failure, and whose fault it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from healthcheck.engine.assertions import evaluate
from healthcheck.engine.check import CheckSession, Pin, Stopwatch
from healthcheck.engine.details import Trace
from healthcheck.engine.explaining import add_chain, describe_answer, list_secrets, redact_outcome
from healthcheck.engine.faults import SENTENCES, VERDICTS, ProbeFailure
from healthcheck.engine.probes import Probe
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.route import find_lost_route
from healthcheck.engine.run import Run
from healthcheck.engine.types import ErrorKind, Evidence, Observation, Outcome, Phase, State, Target

# What a check may lose of its deadline to us, by stalls of our loop or by the group's end, before its failure is ours.
OUR_SHARE = 0.1
# How long a timeout in the resolver may wait for the control name beyond the group's deadline. A resolver that is
# alive answers in milliseconds.
CONTROL_GRACE_SECONDS = 0.25
# Looking for secrets of so many characters takes a millisecond; a body, and the cookies of a chain, may have many times
# that. And each secret is looked for in each assertion's outcome, up to 50 us for one in one.
MAX_SECRET_CHARS_ON_LOOP, MAX_LOOKS_ON_LOOP = 1024, 60

_SILENT_SERVER = (
    "The token server did not answer before the check's time was over; see to it, or raise the check's timeout."
)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt's outcome, how long our loop was late in it (seconds), and why its failure is ours, if it is."""

    outcome: Outcome
    lag: float
    excuse: str = ""

    def conclude(self) -> Outcome:
        return _excuse(self.outcome, self.excuse) if self.excuse else self.outcome


@dataclass(frozen=True, slots=True)
class Leg:
    """What a part of a check does otherwise: another probe, one address, what is left of the time in seconds."""

    probe: Probe | None = None
    pin: Pin | None = None
    seconds: float | None = None


WHOLE = Leg()


class Check:
    """One target's check under its one deadline: an attempt, and a second one when the first says down."""

    def __init__(self, run: Run, target: Target, leg: Leg = WHOLE) -> None:
        self.run = run
        self.target = target
        self.leg = leg
        self.started = time.monotonic()
        seconds = target.timeout_seconds if leg.seconds is None else leg.seconds
        self.due = asyncio.get_running_loop().time() + seconds
        self.deadline = asyncio.timeout_at(min(self.due, run.hard_deadline))
        self.secrets: list[str] = []
        self.session = self._open_session()
        # What our network lacked to reach the target at some time during the check.
        self.lost_route = ""
        self._next_look: asyncio.TimerHandle | None = None

    async def redact(self, outcome: Outcome) -> Outcome:
        """Take out of what is told what the target was told in confidence, and may have said back."""
        # Only what is shown to somebody can give something away.
        if outcome.evidence is None and outcome.details is None:
            return outcome
        secrets = (*self.secrets, *list_secrets(self.target))
        if _is_soon_redacted(outcome, secrets):
            return redact_outcome(outcome, Redactor(secrets))
        work_aside = partial(_redact_at_once, outcome, secrets)
        return await asyncio.get_running_loop().run_in_executor(None, work_aside)

    def _open_session(self, avoid_address: str | None = None) -> CheckSession:
        pin = self.leg.pin
        return CheckSession(
            self.run.dialer,
            self.deadline,
            self.run.hard_deadline,
            avoid_address=avoid_address,
            stopwatch=pin.start_stopwatch() if pin is not None else Stopwatch(),
            pin=pin,
            secrets=self.secrets,
            trace=Trace() if self.run.details else None,
        )

    async def conclude(self) -> Outcome:
        """Return the outcome that counts. Raises only what has no name, and cancellation from outside."""
        self._plan_look()
        try:
            return await self._conclude()
        finally:
            self._end_looks()

    async def _conclude(self) -> Outcome:
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
            probe = self.leg.probe or run.load(self.target.kind)
            observation = await probe.observe(self.target, session)
            raise_if_cancelled()
        except ProbeFailure as failure:
            raise_if_cancelled()
            lag = self._measure_lag(session.stopwatch.started)
            outcome = run.fail(failure, phase=failure.phase, session=session)
            return _Attempt(outcome, lag, self._excuse_failure(failure, lag) if outcome.verdict is State.DOWN else "")
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
        excuse = ""
        if judgement.excess_us is not None:
            is_ours = lag > judgement.excess_us / 1e6
            excuse = f"our event loop was late by {lag:.1f} s of that" if is_ours else self._describe_lost_route()
        return _Attempt(outcome, lag, excuse)

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
        elif session.awaited:
            failure = ProbeFailure(ErrorKind.CAPACITY, phase, session.awaited)
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
        return self._describe_cut() or self._blame(self._measure_lag(self.started))

    def _excuse_failure(self, failure: ProbeFailure, lag: float) -> str:
        # A probe that keeps some of its time to judge ends before the deadline does, also before that of the group.
        left = self.run.hard_deadline - asyncio.get_running_loop().time()
        is_late = failure.kind is ErrorKind.TIMEOUT and left < OUR_SHARE * self.target.timeout_seconds
        return (self._describe_cut() if is_late else "") or self._blame(lag)

    def _describe_cut(self) -> str:
        due = self.due + self.session.stopwatch.waited
        is_cut = due - self.run.hard_deadline > OUR_SHARE * self.target.timeout_seconds
        return "the group's deadline came before its own" if is_cut else ""

    def _measure_lag(self, since: float) -> float:
        return self.run.lag.total_between(since, time.monotonic())

    def _blame(self, lag: float) -> str:
        if lag > OUR_SHARE * self.target.timeout_seconds:
            return f"our event loop stalled for {lag:.1f} s"
        self._look_for_route()
        return self._describe_lost_route()

    def _look_for_route(self) -> None:
        self.lost_route = self.lost_route or find_lost_route(self.session.address)

    def _describe_lost_route(self) -> str:
        return f"our network had no route to it ({self.lost_route})" if self.lost_route else ""

    def _plan_look(self) -> None:
        """Look again and again while the check lasts: a route that is back when time is over has cost it that time.

        A look costs a tenth of a millisecond, and a check that is over before the first one nothing.
        """
        pause = OUR_SHARE * self.target.timeout_seconds
        self._next_look = asyncio.get_running_loop().call_later(pause, self._look_and_plan)

    def _look_and_plan(self) -> None:
        self._look_for_route()
        self._plan_look()

    def _end_looks(self) -> None:
        if self._next_look is not None:
            self._next_look.cancel()

    async def _find_silent_resolver(self) -> str:
        if self.session.stopwatch.phase is not Phase.RESOLVE:
            return ""
        latest = max(self.run.hard_deadline, asyncio.get_running_loop().time() + CONTROL_GRACE_SECONDS)
        try:
            async with asyncio.timeout_at(latest):
                is_silent = await self.run.dialer.resolver.is_silent(since=self.session.asked_at)
        except TimeoutError:
            is_silent = True
        return "our resolver does not answer for any name" if is_silent else ""


def _is_soon_redacted(outcome: Outcome, secrets: Sequence[str]) -> bool:
    # Details have all the headers of all exchanges; few checks are asked for them.
    if outcome.details is not None or outcome.evidence is None:
        return not secrets
    looks = len(secrets) * (1 + len(outcome.evidence.assertions))
    return looks <= MAX_LOOKS_ON_LOOP and sum(map(len, secrets)) <= MAX_SECRET_CHARS_ON_LOOP


def _redact_at_once(outcome: Outcome, secrets: Sequence[str]) -> Outcome:
    return redact_outcome(outcome, Redactor(secrets))


def _excuse(outcome: Outcome, reason: str) -> Outcome:
    """Return no data in the place of a failure that is our own doing."""
    kind = ErrorKind.CAPACITY
    evidence = replace(outcome.evidence or Evidence(), sentence=SENTENCES[kind], expected="", found=reason)
    return replace(outcome, verdict=VERDICTS[kind], error_kind=kind, evidence=evidence)


def raise_if_cancelled() -> None:
    """Cancel again where a library turned a cancellation into an error or an answer of its own."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
