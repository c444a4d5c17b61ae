"""Writes values of the engine as plain JSON: capped, sanitised, safe to store and to show."""

from __future__ import annotations

from typing import Any

from healthcheck.engine.types import AssertionOutcome, Certificate
from healthcheck.pipeline.text import sanitise

_NAME_LIMIT = 300
# An endpoint has up to fifty assertions and a failure keeps the outcome of each: 30 KB at the worst.
_ASSERTION_LIMIT = 200


def write_certificate(certificate: Certificate) -> dict[str, str]:
    """Return the facts of a certificate, its instants in ISO 8601."""
    return {
        "subject": sanitise(certificate.subject, _NAME_LIMIT),
        "issuer": sanitise(certificate.issuer, _NAME_LIMIT),
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "fingerprint_sha256": certificate.fingerprint_sha256,
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
