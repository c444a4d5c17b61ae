"""What a phase is called: a bare stream has no header and no body but a dialogue, ICMP an echo, a name an answer."""

from __future__ import annotations

from healthcheck.engine.types import Phase, PhaseTimes

DIALOGUE, ECHO, ANSWER = "dialogue", "echo", "answer"
# By kind, where what is said and heard is one thing.
_WORDS = {"tcp": DIALOGUE, "tls": DIALOGUE, "icmp": ECHO, "dns": ANSWER}
# What is said and heard over a stream, and measured as the wait for an answer.
_SPOKEN = frozenset({Phase.REQUEST, Phase.HEADERS, Phase.BODY})


def speaks_freely(kind: str) -> bool:
    """Say whether a check of this kind has a dialogue where others have a request and its answer."""
    return kind in {"tcp", "tls"}


def asks_names(kind: str) -> bool:
    """Say whether a check of this kind asks a name server."""
    return kind == "dns"


def sends_echoes(kind: str) -> bool:
    """Say whether a check of this kind asks for nothing but its own packets back."""
    return kind == "icmp"


def name_phase(phase: Phase, kind: str) -> str:
    """Return the word of a phase for checks of this kind."""
    return _WORDS[kind] if kind in _WORDS and phase in _SPOKEN else phase.word


def list_phases(times: PhaseTimes, kind: str) -> list[tuple[str, int]]:
    """Return the phases of such a check by name, with their microseconds, in the order in which they come."""
    measured = {
        Phase.RESOLVE: times.resolve_us,
        Phase.CONNECT: times.connect_us,
        Phase.TLS: times.tls_us,
        Phase.HEADERS: times.headers_us,
        Phase.BODY: times.body_us,
    }
    spent: dict[str, int] = {}
    for phase, spent_us in measured.items():
        name = name_phase(phase, kind)
        spent[name] = spent.get(name, 0) + spent_us
    return list(spent.items())
