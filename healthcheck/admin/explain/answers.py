"""What a check saw, in the words of the operator: the same for a stored result and for one just made.

Values are plain text, which templates escape: a target chose most of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from healthcheck.admin.explain.certificates import CertificateWords, describe_chain
from healthcheck.admin.explain.errors import describe_error
from healthcheck.admin.explain.parts import PartWords, describe_parts
from healthcheck.admin.explain.probing import Probed
from healthcheck.admin.explain.requests import RequestWords, describe_sent
from healthcheck.admin.explain.waterfall import Bar, Times, draw_waterfall
from healthcheck.admin.look.badges import draw_state
from healthcheck.admin.look.blame import BLAME_SENTENCES, BLAMES, find_first_step
from healthcheck.admin.look.words import describe_duration
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.probes import is_judged
from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.pipeline.facts import write_assertion, write_certificate, write_part


@dataclass(frozen=True, slots=True)
class Seen:
    """The facts of one check. `facts` is stored evidence, or what would be stored; `at` dates certificates."""

    verdict: State
    error_kind: ErrorKind | None
    phase: Phase | None
    latency_us: int
    times: Times
    http_status: int
    attempts: int
    facts: Mapping[str, Any]
    at: datetime | None
    # Of the endpoint: it says what a phase is called.
    endpoint_kind: str = "http"


@dataclass(frozen=True, slots=True)
class AssertionWords:
    """One expectation. `badge` is empty where nobody knows whether it held."""

    expected: str
    found: str = ""
    badge: SafeString | str = ""
    held: bool | None = None
    verdict: State = State.UNKNOWN


@dataclass(frozen=True, slots=True)
class Answer:
    """Words only, but for badges and bars. What is empty was not seen."""

    state: State
    badge: SafeString
    sentence: str
    found: str
    fault: str
    first_step: str
    error: str
    facts: Sequence[tuple[str, str]]
    bars: Sequence[Bar]
    assertions: Sequence[AssertionWords]
    parts: Sequence[PartWords]
    certificates: Sequence[CertificateWords]
    redirects: Sequence[str]
    excerpt: str
    headers: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    request: RequestWords | None = None

    @property
    def shows_found(self) -> bool:
        """Say whether anything is known of what the expectations found."""
        return any(each.found for each in self.assertions)


def describe_answer(seen: Seen) -> Answer:
    """Return what to show of a check."""
    kind, facts = seen.error_kind, seen.facts
    return Answer(
        state=seen.verdict,
        badge=draw_state(seen.verdict),
        sentence=_describe_verdict(seen),
        found=_describe_found(facts),
        fault=str(BLAME_SENTENCES[BLAMES[kind]]) if kind else "",
        first_step=find_first_step(kind, seen.endpoint_kind) if kind else "",
        error=describe_error(kind, seen.phase, seen.endpoint_kind),
        facts=_list_facts(seen),
        bars=draw_waterfall(
            seen.times, seen.latency_us, failed_in=seen.phase if kind else None, kind=seen.endpoint_kind
        ),
        assertions=[_describe_assertion(each) for each in _read_list(facts, "assertions") if isinstance(each, Mapping)],
        parts=describe_parts(facts, seen.endpoint_kind),
        certificates=describe_chain(facts, seen.at, is_problem=kind is ErrorKind.CERTIFICATE),
        redirects=[str(hop) for hop in _read_list(facts, "redirects")],
        excerpt=str(facts.get("excerpt") or ""),
    )


def describe_probed(probed: Probed, *, shows_headers: bool, shows_credential: bool) -> Answer:
    """Return what to show of a check that was made just now."""
    told = probed.explanation
    chain = told.chain or ((told.certificate,) if told.certificate else ())
    facts = {
        "expected": told.expected,
        "found": told.found,
        "address": told.address,
        "encryption": told.encryption,
        "redirects": told.redirects,
        "excerpt": told.excerpt,
        "chain": [write_certificate(each) for each in chain],
        "assertions": [write_assertion(each) for each in told.assertions],
        "parts": [write_part(each) for each in told.parts],
    }
    seen = Seen(
        verdict=told.verdict,
        error_kind=told.error_kind,
        phase=told.phase,
        latency_us=told.latency_us,
        times=told.phases,
        http_status=told.http_status,
        attempts=told.attempts,
        facts=facts,
        at=told.observed_at,
        endpoint_kind=told.kind,
    )
    note = _("It was given %(seconds)g s here, less than its own timeout.") % {"seconds": probed.timeout_seconds}
    return replace(
        describe_answer(seen),
        headers=told.exchanges[-1].headers if told.exchanges else (),
        notes=[note] if probed.is_cut else (),
        request=describe_sent(told, shows_headers=shows_headers, shows_credential=shows_credential),
    )


def _describe_verdict(seen: Seen) -> str:
    if seen.error_kind is not None:
        return _(SENTENCES[seen.error_kind])
    if seen.verdict is not State.UP:
        return _("Nothing was measured.")
    return _("All is as it should be.") if is_judged(seen.endpoint_kind) else _("It answered as expected.")


def _describe_found(facts: Mapping[str, Any]) -> str:
    expected, found = str(facts.get("expected") or ""), str(facts.get("found") or "")
    if expected and found:
        return _("Expected %(expected)s, found %(found)s.") % {"expected": expected, "found": found}
    return found or expected


def _list_facts(seen: Seen) -> list[tuple[str, str]]:
    listed = (
        (_("HTTP status"), str(seen.http_status) if seen.http_status else ""),
        (_("Latency"), describe_duration(seen.latency_us) if seen.latency_us else ""),
        (_("Address"), str(seen.facts.get("address") or "")),
        (_("Encryption"), str(seen.facts.get("encryption") or "")),
        (_("Error"), describe_error(seen.error_kind, seen.phase, seen.endpoint_kind)),
        (_("Attempts"), _("2: it failed twice in a row") if seen.attempts > 1 else str(seen.attempts or "")),
    )
    return [(label, text) for label, text in listed if text]


def _describe_assertion(outcome: Mapping[str, Any]) -> AssertionWords:
    held = bool(outcome.get("held"))
    verdicts = {state.word: state for state in State}
    verdict = State.UP if held else verdicts.get(str(outcome.get("verdict")), State.DOWN)
    return AssertionWords(
        expected=str(outcome.get("text") or outcome.get("expected") or ""),
        found=str(outcome.get("found") or ""),
        badge=draw_state(verdict, word=_("holds") if held else _("does not hold")),
        held=held,
        verdict=verdict,
    )


def _read_list(facts: Mapping[str, Any], key: str) -> Sequence[Any]:
    # Evidence is JSON that older versions wrote, too.
    value = facts.get(key)
    return value if isinstance(value, list | tuple) else ()
