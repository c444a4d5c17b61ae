"""From assertions and an observation to a verdict. What can take long leaves the event loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from healthcheck.engine.assertions.aside import MAX_ON_LOOP_NS, work_aside
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.model import Assertion, Fault
from healthcheck.engine.assertions.subjects.dns_answer import EXPECTED_ANSWERS, EXPECTED_RCODE
from healthcheck.engine.assertions.subjects.status import StatusAssertion
from healthcheck.engine.assertions.work import TOO_MUCH_TOGETHER, TooMuchTogetherError, limit_work
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import AssertionOutcome, ErrorKind, Evidence, Observation, Phase, State

# When no assertion speaks of the status: after redirects were followed, one more is not an answer.
IMPLIED_AFTER_REDIRECTS = StatusAssertion(ranges=((200, 299),))
IMPLIED = StatusAssertion(ranges=((200, 399),))


@dataclass(frozen=True, slots=True)
class Judgement:
    """UP without anything else, or the worst failure with its kind, phase and evidence."""

    verdict: State
    error_kind: ErrorKind | None = None
    phase: Phase | None = None
    evidence: Evidence | None = None
    # Set when a limit of time decided: by how much it was missed.
    excess_us: int | None = None
    # All of them as they were written, the implied one first; of an UP only when details were asked for.
    assertions: tuple[AssertionOutcome, ...] = ()


async def evaluate(
    assertions: Sequence[Assertion], observation: Observation, *, now: datetime, details: bool = False
) -> Judgement:
    """Judge without holding up the event loop. `now` (aware) is what certificates are compared with."""
    work = sum(each.estimate_ns(observation) for each in assertions)
    if work <= MAX_ON_LOOP_NS:
        # Far from what all of them may do together: nothing needs to be counted.
        return _judge(assertions, observation, now=now, details=details)
    return await work_aside(work, partial(judge, assertions, observation, now=now, details=details))


def judge(
    assertions: Sequence[Assertion], observation: Observation, *, now: datetime, details: bool = False
) -> Judgement:
    """Judge at once. The worst failing assertion decides, among equals the first, latency last; bounded work."""
    with limit_work():
        return _judge(assertions, observation, now=now, details=details)


def _judge(assertions: Sequence[Assertion], observation: Observation, *, now: datetime, details: bool) -> Judgement:
    facts = Facts(observation, now, selectors=[each for assertion in assertions for each in assertion.selectors])
    judged = [*_imply(assertions, observation), *assertions]
    ordered = _order_by_severity(judged)
    for place, assertion in enumerate(ordered):
        fault = _find_fault(assertion, facts)
        if fault is not None:
            # Those before it hold. The others, which no longer decide, are asked for the explanation's sake.
            known = {id(each): None for each in ordered[:place]} | {id(assertion): fault}
            outcomes = _explain(judged, facts, known)
            return _make_judgement(assertion, fault, observation, outcomes=outcomes)
    outcomes = _explain(judged, facts, {id(each): None for each in judged}) if details else ()
    return Judgement(State.UP, assertions=outcomes)


def _find_fault(assertion: Assertion, facts: Facts) -> Fault | None:
    try:
        return assertion.find_fault(facts)
    except TooMuchTogetherError:
        return Fault(TOO_MUCH_TOGETHER)


def _explain(
    judged: Sequence[Assertion], facts: Facts, known: Mapping[int, Fault | None]
) -> tuple[AssertionOutcome, ...]:
    return tuple(
        each.explain(facts, known[id(each)] if id(each) in known else _find_fault(each, facts)) for each in judged
    )


def _order_by_severity(assertions: Iterable[Assertion]) -> list[Assertion]:
    # What is of time comes last among equals: our own lag may excuse it, and must not excuse what else is wrong.
    return sorted(assertions, key=lambda assertion: (-assertion.severity, assertion.is_of_time))


def _imply(assertions: Sequence[Assertion], observation: Observation) -> tuple[Assertion, ...]:
    if observation.dns is not None:
        return tuple(_imply_of_answer(assertions))
    if observation.status is None or any(assertion.speaks_of_status for assertion in assertions):
        return ()
    return (IMPLIED_AFTER_REDIRECTS if observation.redirects else IMPLIED,)


def _imply_of_answer(assertions: Sequence[Assertion]) -> Iterator[Assertion]:
    """Without a word on it, a name server has to say that the name exists, and to have what was asked for."""
    if any(each.speaks_of_rcode for each in assertions):
        return
    yield EXPECTED_RCODE
    if not any(each.speaks_of_answers for each in assertions):
        yield EXPECTED_ANSWERS


def _make_judgement(
    assertion: Assertion, fault: Fault, observation: Observation, *, outcomes: tuple[AssertionOutcome, ...]
) -> Judgement:
    evidence = Evidence(
        sentence=SENTENCES[assertion.error_kind],
        expected=assertion.expected,
        found=fault.found,
        address=observation.address,
        excerpt=fault.excerpt,
        certificate=observation.certificate,
        redirects=observation.redirects,
        assertions=outcomes,
    )
    return Judgement(assertion.severity, assertion.error_kind, Phase.ASSERT, evidence, fault.excess_us, outcomes)
