"""Writes values of the engine as plain JSON: capped, sanitised, safe to store and to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from healthcheck.engine.types import AssertionOutcome, Certificate, Evidence, State, SubResult
from healthcheck.pipeline.text import sanitise

_TEXT_LIMITS = {"sentence": 300, "expected": 300, "found": 300, "address": 100, "excerpt": 1000}
_REDIRECT_LIMIT = 500
# Certificates of a chain; real ones have two to four.
_CHAIN_LIMIT = 6
_NAME_LIMIT = 300
# An endpoint has up to fifty assertions and a failure keeps the outcome of each: 30 KB at the worst.
_ASSERTION_LIMIT = 200
# As many as a table can hold that somebody reads, and 17 KB at the worst.
MAX_PARTS = 32
_PART_LIMIT = 200


def write_evidence(evidence: Evidence) -> dict[str, Any]:
    """Return what is stored of the evidence; what is absent or empty has no key."""
    facts: dict[str, Any] = {
        key: sanitise(text, limit) for key, limit in _TEXT_LIMITS.items() if (text := getattr(evidence, key))
    }
    if evidence.redirects:
        facts["redirects"] = [sanitise(hop, _REDIRECT_LIMIT) for hop in evidence.redirects]
    if evidence.certificate is not None:
        facts["certificate"] = write_certificate(evidence.certificate)
    if evidence.chain:
        facts["chain"] = [write_certificate(certificate) for certificate in evidence.chain[:_CHAIN_LIMIT]]
    if evidence.assertions:
        facts["assertions"] = [write_assertion(each) for each in evidence.assertions]
    if evidence.parts:
        facts["parts"] = [write_part(each) for each in choose_parts(evidence.parts)]
    return facts


def write_certificate(certificate: Certificate) -> dict[str, Any]:
    """Return the facts of a certificate, its instants in ISO 8601."""
    return {
        "subject": sanitise(certificate.subject, _NAME_LIMIT),
        "issuer": sanitise(certificate.issuer, _NAME_LIMIT),
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "fingerprint_sha256": certificate.fingerprint_sha256,
        "key_type": certificate.key_type,
        "key_bits": certificate.key_bits,
        "signature": certificate.signature,
    }


def write_assertion(outcome: AssertionOutcome) -> dict[str, Any]:
    """Return what an assertion made of an answer, the verdict as a word."""
    return {
        "text": sanitise(outcome.text, _ASSERTION_LIMIT),
        "expected": sanitise(outcome.expected, _ASSERTION_LIMIT),
        "found": sanitise(outcome.found, _ASSERTION_LIMIT),
        "verdict": outcome.verdict.word,
        "held": outcome.held,
    }


def choose_parts(parts: Sequence[SubResult]) -> list[SubResult]:
    """Return at most `MAX_PARTS` in their order; of more than that, those that are up leave first."""
    if len(parts) <= MAX_PARTS:
        return list(parts)
    first_up_last = sorted(range(len(parts)), key=lambda place: parts[place].verdict is State.UP)
    return [parts[place] for place in sorted(first_up_last[:MAX_PARTS])]


def write_part(part: SubResult) -> dict[str, Any]:
    """Return one part of a check, the verdict as a word, the latency in milliseconds; null is what there is none of."""
    return {
        "name": sanitise(part.name, _PART_LIMIT),
        "verdict": part.verdict.word,
        "error_kind": part.error_kind.word if part.error_kind else None,
        "phase": part.phase.word if part.phase else None,
        "latency_ms": round(part.latency_us / 1000, 3),
        "found": sanitise(part.found, _PART_LIMIT),
    }
