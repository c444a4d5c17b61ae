"""One gather per group: every target gets exactly one outcome, in order; one target's trouble never touches another."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from healthcheck.engine.attempts import WHOLE, Check, Leg, raise_if_cancelled
from healthcheck.engine.dialer import Dialer, get_dialer
from healthcheck.engine.every_address import check_every_address
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.lag import LagMeter
from healthcheck.engine.probes import Probe, load_probe
from healthcheck.engine.probes.address_rule import asks_every_address
from healthcheck.engine.run import Run
from healthcheck.engine.types import ErrorKind, Limits, Outcome, Phase, Target
from healthcheck.engine.uplink import excuse_lost_uplink

logger = logging.getLogger(__name__)


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
    outcome as soon as it is there, and once more where it turns out that it was our own uplink; it must neither block
    nor raise.

    `now` is the aware instant of the call, `lag` meters the running loop. Cancellation ends all checks and is raised,
    as is what ends a process; a defect of ours becomes UNKNOWN(internal) of its target alone. Raises
    ConfigurationError before anything is probed when the address rules cannot be read.
    """
    dialer = dialer or get_dialer(limits)
    run = Run(limits=limits, now=now, lag=lag, load=load, dialer=dialer, details=details)
    checks = [_guard(run, target) for target in targets]
    if on_outcome is not None:
        checks = [_report(check, partial(on_outcome, place)) for place, check in enumerate(checks)]
    results = await asyncio.gather(*checks, return_exceptions=True)
    outcomes: list[Outcome] = []
    for result in results:
        # `_guard` lets only cancellation and the end of the process through, and neither is a result.
        if isinstance(result, BaseException):
            raise result
        outcomes.append(result)
    judged = await excuse_lost_uplink(outcomes, limits, dialer)
    if on_outcome is not None:
        _correct(outcomes, judged, on_outcome)
    return judged


def _correct(told: Sequence[Outcome], judged: Sequence[Outcome], tell: Callable[[int, Outcome], None]) -> None:
    for place, (before, after) in enumerate(zip(told, judged, strict=True)):
        if after is not before:
            tell(place, after)


async def _report(check: Coroutine[Any, Any, Outcome], tell: Callable[[Outcome], None]) -> Outcome:
    outcome = await check
    tell(outcome)
    return outcome


async def _guard(run: Run, target: Target, leg: Leg = WHOLE) -> Outcome:
    """Check one target, whatever happens: the one place that catches what has no name."""
    try:
        if leg is WHOLE and asks_every_address(target.options):
            return await check_every_address(run, target, partial(_guard, run))
        return await _check(run, target, leg)
    except Exception as error:
        raise_if_cancelled()
        # The frames without the error's text, which may hold an address with its password.
        frames = "".join(traceback.format_tb(error.__traceback__))
        name = type(error).__qualname__
        logger.error("The check of endpoint %s failed inside the checker: %s\n%s", target.endpoint_id, name, frames)
        return run.fail(ProbeFailure(ErrorKind.INTERNAL, Phase.RESOLVE, name), phase=None)


async def _check(run: Run, target: Target, leg: Leg) -> Outcome:
    """Wait for a place, outside the check's latency and deadline, and check."""
    try:
        if run.places.locked():
            async with asyncio.timeout_at(run.hard_deadline):
                await run.places.acquire()
        else:
            await run.places.acquire()
    except TimeoutError:
        failure = ProbeFailure(ErrorKind.CAPACITY, Phase.RESOLVE, "no place became free before the group's deadline")
        return run.fail(failure, phase=None)
    try:
        check = Check(run, target, leg)
        return await check.redact(await check.conclude())
    finally:
        run.places.release()
