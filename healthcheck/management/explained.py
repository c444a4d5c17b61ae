"""An explanation in words, line by line: for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from healthcheck.engine.details import Exchange
from healthcheck.engine.phases import list_phases, name_phase, speaks_freely
from healthcheck.engine.types import Certificate, Echoes, ErrorKind, Phase, SubResult
from healthcheck.management.screen import QUIET, STRONG, Screen, Span, name_state
from healthcheck.pipeline.explain import Explanation

_INDENT = "  "
MAX_EXCERPT_LINES = 12
BLOCKED_CURE = (
    "If it is to be checked, allow its network in the setting ADDRESS_ALLOW, or set "
    "HEALTHCHECK_ADDRESS_MODE=everything on a machine of your own."
)


def tell_explanation(explanation: Explanation, url: str, screen: Screen) -> None:
    """Write the verdict first, then what it rests on, then what to do with it."""
    took = f"in {describe_duration(explanation.latency_us)}"
    answered = f"{explanation.http_status} {took}" if explanation.http_status else took
    screen.write(name_state(explanation.verdict), Span(f"  {url}  "), Span(answered, QUIET))
    screen.write(Span(explanation.sentence, STRONG))
    if explanation.found:
        expected = f"expected {explanation.expected}, found " if explanation.expected else "found "
        screen.write(Span(f"{expected}{explanation.found}"))
    if explanation.error_kind is ErrorKind.BLOCKED:
        screen.write(Span(BLOCKED_CURE))
    screen.write()
    screen.write_table((), [[Span(what, QUIET), Span(seen)] for what, seen in _list_facts(explanation)])
    _tell_parts(explanation, screen)
    _tell_assertions(explanation, screen)
    _tell_headers(explanation.exchanges, screen)
    _tell_excerpt(explanation, screen)
    _tell_list("Assertions that would hold", explanation.suggestions, screen)
    repeating = explanation.curl or explanation.openssl or explanation.ping or explanation.dig
    _tell_list("To repeat it", [repeating] if repeating else [], screen)


def _list_facts(explanation: Explanation) -> Iterator[tuple[str, str]]:
    for exchange in explanation.exchanges:
        yield "request", f"{exchange.method} {exchange.url}"
        yield "answer", _describe_answer(exchange)
    if explanation.address and not explanation.exchanges:
        yield "address", explanation.address
    if explanation.error_kind is not None:
        yield "error", _describe_error(explanation.error_kind, explanation.phase, explanation.kind)
    if explanation.encryption:
        yield "encryption", explanation.encryption
    if explanation.echoes is not None:
        yield "echoes", _describe_echoes(explanation.echoes)
    yield "phases", _describe_phases(explanation)
    if explanation.attempts > 1:
        yield "attempts", str(explanation.attempts)
    for place, certificate in enumerate(explanation.chain):
        yield ("certificate" if place == 0 else "issued by"), _describe_certificate(certificate)


def _describe_error(error: ErrorKind, phase: Phase | None, kind: str) -> str:
    return f"{error.word} in phase {name_phase(phase, kind)}" if phase else error.word


def _describe_answer(exchange: Exchange) -> str:
    parts = [str(exchange.status) if exchange.status is not None else "none"]
    parts += [exchange.protocol] if exchange.protocol else []
    parts += [f"{exchange.tls.version} {exchange.tls.cipher}"] if exchange.tls else []
    parts += [f"from {exchange.address}"] if exchange.address else []
    return ", ".join(parts)


def _describe_certificate(certificate: Certificate) -> str:
    return f"{certificate.subject}, valid until {certificate.not_after:%Y-%m-%d %H:%M} UTC"


def _describe_echoes(echoes: Echoes) -> str:
    jitter = f", jitter {describe_duration(echoes.jitter_us)}" if echoes.jitter_us is not None else ""
    return f"{echoes.received} of {echoes.sent} came back{jitter}"


def _describe_phases(explanation: Explanation) -> str:
    spent = list_phases(explanation.phases, explanation.kind)
    return ", ".join(f"{name} {describe_duration(each)}" for name, each in spent if each) or "none"


def describe_duration(duration_us: int) -> str:
    """Return milliseconds, with a decimal where that says something."""
    return f"{duration_us / 1000:.1f} ms" if duration_us < 100_000 else f"{duration_us / 1000:.0f} ms"


def _tell_parts(explanation: Explanation, screen: Screen) -> None:
    if not explanation.parts:
        return
    screen.write()
    rows = [_draw_part(each, explanation.kind) for each in explanation.parts]
    screen.write_table(("Verdict", "Part", "Latency", "Error", "Found"), rows)


def _draw_part(part: SubResult, kind: str) -> list[Span]:
    return [
        name_state(part.verdict),
        Span(part.name),
        Span(describe_duration(part.latency_us) if part.latency_us else "", QUIET),
        Span(_describe_error(part.error_kind, part.phase, kind) if part.error_kind else ""),
        Span(part.found),
    ]


def _tell_assertions(explanation: Explanation, screen: Screen) -> None:
    if not explanation.assertions:
        return
    screen.write()
    rows = [
        [Span("holds", "up") if each.held else Span("fails", each.verdict.word), Span(each.text), Span(each.found)]
        for each in explanation.assertions
    ]
    screen.write_table(("Verdict", "Assertion", "Found"), rows)


def _tell_headers(exchanges: Sequence[Exchange], screen: Screen) -> None:
    headers = exchanges[-1].headers if exchanges else ()
    _tell_list("Headers", [f"{name}: {value}" for name, value in headers], screen)


def _tell_excerpt(explanation: Explanation, screen: Screen) -> None:
    lines = explanation.excerpt.splitlines()
    if len(lines) > MAX_EXCERPT_LINES:
        lines = [*lines[:MAX_EXCERPT_LINES], "…"]
    if lines:
        heard = "Answer" if explanation.dig else "Heard" if speaks_freely(explanation.kind) else "Body"
        _tell_list(f"{heard}, {explanation.body_size} bytes, {explanation.charset}", lines, screen)


def _tell_list(title: str, lines: Sequence[str], screen: Screen) -> None:
    if not lines:
        return
    screen.write()
    screen.write(Span(title, STRONG))
    for line in lines:
        screen.write(Span(_INDENT), Span(line))
