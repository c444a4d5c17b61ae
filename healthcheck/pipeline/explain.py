"""Probes something right now and tells all that was seen. Touches no database: nothing is loaded, nothing recorded.

The one door for whoever wants to see before saving: a form, a command. Everything in an `Explanation` is capped,
sanitised and without secrets, so that it can be shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from healthcheck.engine.assertions import Assertion, parse_assertion
from healthcheck.engine.assertions.grammar import MAX_ASSERTIONS
from healthcheck.engine.credentials import EngineCredential, UnusableCredential
from healthcheck.engine.credentials.fit import name_headers
from healthcheck.engine.curl import write_curl
from healthcheck.engine.details import Details, Exchange
from healthcheck.engine.dig import write_dig
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.loop import get_engine_loop
from healthcheck.engine.masking import mask_url
from healthcheck.engine.openssl import write_openssl
from healthcheck.engine.phases import speaks_freely
from healthcheck.engine.ping import write_ping
from healthcheck.engine.probes import load_probe
from healthcheck.engine.probes.http_options import HttpOptions
from healthcheck.engine.redaction import MASK, Redactor
from healthcheck.engine.runner import probe_all
from healthcheck.engine.suggestions import suggest_assertions
from healthcheck.engine.types import (
    AssertionOutcome,
    Certificate,
    ConfigurationError,
    Echoes,
    ErrorKind,
    Evidence,
    Observation,
    Outcome,
    Phase,
    PhaseTimes,
    State,
    SubResult,
    Target,
)
from healthcheck.pipeline.facts import choose_parts, write_assertion, write_certificate, write_part
from healthcheck.pipeline.limits import build_limits
from healthcheck.pipeline.text import sanitise

MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS = 0.1, 600.0
# The check's own deadline is the one that ends it; these are for what it does not cover.
GROUP_MARGIN_SECONDS, LOOP_MARGIN_SECONDS = 1.0, 5.0
HELD_SENTENCE = "It answered as expected."
EXCERPT_CHARS = 2000
_TEXT_CHARS, _HEADER_CHARS, _URL_CHARS = 300, 500, 2000
_MAX_HEADERS = 60


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a check saw and how it was judged. `address` is the one that was connected to; `chain` begins with the leaf.

    `exchanges` are the requests in their order, redirects included. `suggestions` are texts of assertions that would
    hold. `own_headers` are those that the definition sets, `credential_headers` those of the credential, in lower case;
    None without a credential. Everything is safe to show: capped, sanitised, secrets hidden.
    """

    verdict: State
    observed_at: datetime
    sentence: str
    phases: PhaseTimes
    error_kind: ErrorKind | None = None
    phase: Phase | None = None
    expected: str = ""
    found: str = ""
    http_status: int = 0
    latency_us: int = 0
    attempts: int = 1
    address: str = ""
    certificate: Certificate | None = None
    chain: tuple[Certificate, ...] = ()
    redirects: tuple[str, ...] = ()
    assertions: tuple[AssertionOutcome, ...] = ()
    parts: tuple[SubResult, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    body_size: int = 0
    charset: str = ""
    excerpt: str = ""
    suggestions: tuple[str, ...] = ()
    curl: str = ""
    own_headers: frozenset[str] = frozenset()
    credential_headers: frozenset[str] | None = None
    kind: str = "http"
    # Of a connection without requests: the version of TLS that it agreed on, and a line that repeats the handshake.
    encryption: str = ""
    openssl: str = ""
    # Of echo requests: how many came back and how evenly, and a line that sends them again.
    echoes: Echoes | None = None
    ping: str = ""
    # Of a question to a name server.
    dig: str = ""


def probe_now(  # noqa: PLR0913 - an endpoint's whole configuration, which is saved nowhere
    kind: str,
    address: str,
    options: Mapping[str, Any],
    *,
    now: datetime,
    assertions: Sequence[str] = (),
    timeout_seconds: float = 10.0,
    credential: EngineCredential | None = None,
) -> Explanation:
    """Probe once, as a run would, under the deployment's address policy; wait for the end and explain it.

    `assertions` are texts, `credential` is the engine's value, `now` is aware. Raises ConfigurationError, whose
    sentence names the cure, before anything is sent.
    """
    if not MIN_TIMEOUT_SECONDS <= timeout_seconds <= MAX_TIMEOUT_SECONDS:
        raise ConfigurationError(
            f"The timeout must lie between {MIN_TIMEOUT_SECONDS:g} and {MAX_TIMEOUT_SECONDS:g} seconds; correct it.",
            field="timeout_seconds",
        )
    if not isinstance(options, Mapping):
        raise ConfigurationError("The options must be a JSON object such as {}.", field="options")
    target = Target(
        endpoint_id=0,
        kind=kind,
        address=address,
        options=load_probe(kind).parse(address, options),
        assertions=_parse_assertions(assertions),
        timeout_seconds=timeout_seconds,
        credential=credential,
    )
    return explain_outcome(target, _probe(target, now))


def _parse_assertions(texts: Sequence[str]) -> tuple[Assertion, ...]:
    if len(texts) > MAX_ASSERTIONS:
        raise ConfigurationError(f"Use at most {MAX_ASSERTIONS} assertions for one endpoint.", field="assertions")
    try:
        return tuple(parse_assertion(text) for text in texts)
    except ConfigurationError as error:
        raise ConfigurationError(error.sentence, field="assertions", position=error.position) from None


def _probe(target: Target, now: datetime) -> Outcome:
    limits = build_limits(target.timeout_seconds + GROUP_MARGIN_SECONDS)
    loop = get_engine_loop()
    future = loop.submit(probe_all([target], limits, now=now, lag=loop.lag, details=True))
    try:
        return future.result(limits.deadline_seconds + LOOP_MARGIN_SECONDS)[0]
    except (CancelledError, TimeoutError) as error:
        # The process is stopping, or the engine kept no deadline: our own doing, and nothing was measured.
        evidence = Evidence(SENTENCES[ErrorKind.INTERNAL], found=type(error).__name__)
        return Outcome(State.UNKNOWN, now, error_kind=ErrorKind.INTERNAL, attempts=0, evidence=evidence)
    finally:
        # For whoever interrupts the wait; after the end it changes nothing.
        future.cancel()


def explain_outcome(target: Target, outcome: Outcome) -> Explanation:
    """Explain the outcome of a check that was asked for details."""
    details, evidence = outcome.details or Details(), outcome.evidence or Evidence(HELD_SENTENCE)
    observation = details.observation or Observation(0)
    chain = details.chain or evidence.chain
    certificate = observation.certificate or evidence.certificate
    redirects = observation.redirects or evidence.redirects
    credential_headers = _name_credential_headers(target)
    return Explanation(
        verdict=outcome.verdict,
        observed_at=outcome.observed_at,
        sentence=evidence.sentence,
        error_kind=outcome.error_kind,
        phase=outcome.phase,
        expected=sanitise(evidence.expected, _TEXT_CHARS),
        found=sanitise(evidence.found, _TEXT_CHARS),
        http_status=outcome.http_status,
        latency_us=outcome.latency_us,
        phases=outcome.phases,
        attempts=outcome.attempts,
        address=sanitise(observation.address or evidence.address, _TEXT_CHARS),
        certificate=_clean_certificate(certificate, details.redactor) if certificate is not None else None,
        chain=tuple(_clean_certificate(each, details.redactor) for each in chain),
        redirects=tuple(sanitise(details.redactor.clean(mask_url(hop)), _URL_CHARS) for hop in redirects),
        assertions=tuple(_clean_assertion(each) for each in details.assertions),
        parts=tuple(_clean_part(each) for each in choose_parts(details.parts or evidence.parts)),
        exchanges=tuple(_clean_exchange(each, credential_headers or frozenset()) for each in details.exchanges),
        body_size=observation.body_size,
        charset=observation.charset if details.observation is not None else "",
        excerpt=sanitise(details.excerpt.replace("\r\n", "\n"), EXCERPT_CHARS),
        suggestions=_suggest(details, outcome),
        curl=write_curl(target, exchanges=details.exchanges),
        own_headers=_name_own_headers(target),
        credential_headers=credential_headers,
        kind=target.kind,
        encryption=sanitise(observation.protocol, _TEXT_CHARS) if speaks_freely(target.kind) else "",
        openssl=write_openssl(target),
        echoes=observation.echoes,
        ping=write_ping(target),
        dig=write_dig(target),
    )


def _name_own_headers(target: Target) -> frozenset[str]:
    headers = target.options.headers if isinstance(target.options, HttpOptions) else ()
    return frozenset(name.lower() for name, _ in headers)


def _name_credential_headers(target: Target) -> frozenset[str] | None:
    if target.credential is None:
        return None
    return frozenset() if isinstance(target.credential, UnusableCredential) else name_headers(target.credential)


def _suggest(details: Details, outcome: Outcome) -> tuple[str, ...]:
    seen, redactor = details.observation, details.redactor
    if seen is None:
        return ()
    is_encrypted = seen.certificate is not None
    return suggest_assertions(seen, now=outcome.observed_at, is_encrypted=is_encrypted, redactor=redactor)


def _clean_certificate(certificate: Certificate, redactor: Redactor) -> Certificate:
    written = write_certificate(redactor.clean_certificate(certificate))
    return replace(certificate, subject=written["subject"], issuer=written["issuer"])


def _clean_assertion(outcome: AssertionOutcome) -> AssertionOutcome:
    written = write_assertion(outcome)
    return AssertionOutcome(written["text"], written["expected"], written["found"], outcome.verdict)


def _clean_part(part: SubResult) -> SubResult:
    written = write_part(part)
    return replace(part, name=written["name"], found=written["found"])


def _clean_exchange(exchange: Exchange, secret_names: frozenset[str]) -> Exchange:
    # A credential may use the name of a harmless header, too.
    sent = [(name, MASK if name.lower() in secret_names else value) for name, value in exchange.request_headers]
    return replace(
        exchange,
        url=sanitise(exchange.url, _URL_CHARS),
        request_headers=_clean_headers(sent),
        headers=_clean_headers(exchange.headers),
    )


def _clean_headers(headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((sanitise(n, _HEADER_CHARS), sanitise(v, _HEADER_CHARS)) for n, v in headers[:_MAX_HEADERS])


def describe_explanation(explanation: Explanation) -> dict[str, Any]:
    """Return plain JSON values. The keys are for programs to rely on: none is ever left out, none changes its meaning.

    Durations are milliseconds, instants ISO 8601 in UTC; what there is none of is null or an empty list.
    """
    certificate = explanation.certificate
    return {
        "verdict": explanation.verdict.word,
        "error_kind": explanation.error_kind.word if explanation.error_kind else None,
        "phase": explanation.phase.word if explanation.phase else None,
        "sentence": explanation.sentence,
        "http_status": explanation.http_status or None,
        "latency_ms": _to_ms(explanation.latency_us),
        "phases": _describe_phases(explanation.phases),
        "address": explanation.address or None,
        "certificate": write_certificate(certificate) if certificate is not None else None,
        "redirects": list(explanation.redirects),
        "assertions": [write_assertion(each) for each in explanation.assertions],
        "attempts": explanation.attempts,
        "expected": explanation.expected,
        "found": explanation.found,
        "observed_at": explanation.observed_at.isoformat(),
        "chain": [write_certificate(each) for each in explanation.chain],
        "exchanges": [_describe_exchange(each) for each in explanation.exchanges],
        "body": {"size": explanation.body_size, "charset": explanation.charset, "excerpt": explanation.excerpt},
        "suggestions": list(explanation.suggestions),
        "curl": explanation.curl,
        "kind": explanation.kind,
        "encryption": explanation.encryption or None,
        "openssl": explanation.openssl,
        "echoes": _describe_echoes(explanation.echoes),
        "ping": explanation.ping,
        "dig": explanation.dig,
        "parts": [write_part(each) for each in explanation.parts],
    }


def _describe_echoes(echoes: Echoes | None) -> dict[str, Any] | None:
    if echoes is None:
        return None
    return {
        "sent": echoes.sent,
        "received": echoes.received,
        "jitter_ms": None if echoes.jitter_us is None else _to_ms(echoes.jitter_us),
    }


def _to_ms(duration_us: int) -> float:
    return round(duration_us / 1000, 3)


def _describe_phases(phases: PhaseTimes) -> dict[str, float]:
    return {
        "resolve": _to_ms(phases.resolve_us),
        "connect": _to_ms(phases.connect_us),
        "tls": _to_ms(phases.tls_us),
        "headers": _to_ms(phases.headers_us),
        "body": _to_ms(phases.body_us),
    }


def _describe_exchange(exchange: Exchange) -> dict[str, Any]:
    tls = exchange.tls
    return {
        "request": {
            "method": exchange.method,
            "url": exchange.url,
            "headers": [list(pair) for pair in exchange.request_headers],
            "body_size": exchange.request_body_size,
        },
        "address": exchange.address or None,
        "protocol": exchange.protocol or None,
        "tls": {"version": tls.version, "cipher": tls.cipher, "alpn": tls.alpn} if tls else None,
        "status": exchange.status,
        "headers": [list(pair) for pair in exchange.headers],
    }
