"""Adds to an outcome what explains it, and hides in all of it the secrets that the check itself sent."""

from __future__ import annotations

from dataclasses import replace

from healthcheck.engine.assertions import Judgement
from healthcheck.engine.check import CheckSession
from healthcheck.engine.details import Details, Exchange, read_excerpt
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.masking import list_url_secrets, mask_named_values, mask_url
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.types import Certificate, Evidence, Observation, Outcome, Target


def describe_failure(session: CheckSession, failure: ProbeFailure) -> Details | None:
    """Return what was seen until a failure; None when nobody asked."""
    if session.trace is None:
        return None
    session.trace.note_address(session.address)
    return Details(exchanges=tuple(session.trace.exchanges), chain=failure.chain)


def describe_answer(session: CheckSession, observation: Observation, judgement: Judgement) -> Details | None:
    """Return what was seen of a target that answered; None when nobody asked."""
    if session.trace is None:
        return None
    return Details(
        exchanges=tuple(session.trace.exchanges),
        chain=_read_chain(observation),
        assertions=judgement.assertions,
        excerpt=read_excerpt(observation),
        observation=observation,
    )


def add_chain(evidence: Evidence | None, observation: Observation) -> Evidence | None:
    """Return the evidence with the whole chain that was presented, where there is both."""
    chain = _read_chain(observation) if evidence is not None else ()
    return replace(evidence, chain=chain) if evidence is not None and chain else evidence


def _read_chain(observation: Observation) -> tuple[Certificate, ...]:
    return observation.read_chain() if observation.read_chain is not None else ()


def list_secrets(target: Target) -> tuple[str, ...]:
    """Return what the address and the options of a target say in confidence."""
    return (*getattr(target.options, "secrets", ()), *list_url_secrets(target.address))


def redact_outcome(outcome: Outcome, redactor: Redactor) -> Outcome:
    """Hide the secrets wherever the target repeated them, and what it gives away beside a secret's name."""
    evidence, details = outcome.evidence, outcome.details
    if evidence is not None:
        evidence = redactor.clean_evidence(evidence)
        redirects = tuple(mask_url(hop) for hop in evidence.redirects)
        evidence = replace(evidence, excerpt=mask_named_values(evidence.excerpt), redirects=redirects)
    if details is not None:
        details = replace(
            details,
            exchanges=tuple(_redact_exchange(each, redactor) for each in details.exchanges),
            chain=tuple(redactor.clean_certificate(each) for each in details.chain),
            assertions=redactor.clean_assertions(details.assertions),
            parts=redactor.clean_parts(details.parts),
            excerpt=redactor.clean(details.excerpt),
            redactor=redactor,
        )
    return replace(outcome, evidence=evidence, details=details)


def _redact_exchange(exchange: Exchange, redactor: Redactor) -> Exchange:
    headers = tuple((name, redactor.clean(value)) for name, value in exchange.headers)
    return replace(exchange, url=redactor.clean(exchange.url), headers=headers)
