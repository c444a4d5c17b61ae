"""Where the time of a check went: one bar per phase, each where the one before it ended. Drawn by the server as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext as _

from healthcheck.admin.look.words import describe_duration
from healthcheck.engine.phases import asks_names, sends_echoes, speaks_freely
from healthcheck.engine.types import Phase

# The SVG's own width, in which bars are placed; the page stretches it to whatever there is.
WIDTH = 1000
# A phase of microseconds is still seen.
MIN_WIDTH = 4


class Times(Protocol):
    """Microseconds per phase, as a stored result and the engine's `PhaseTimes` both have them."""

    @property
    def resolve_us(self) -> int: ...
    @property
    def connect_us(self) -> int: ...
    @property
    def tls_us(self) -> int: ...
    @property
    def headers_us(self) -> int: ...
    @property
    def body_us(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Bar:
    """One phase. `x` and `width` are in the SVG's units, `word` is the phase's name for the style sheet."""

    word: str
    label: str
    duration: str
    x: int
    width: int
    is_where_it_failed: bool = False


def draw_waterfall(times: Times, latency_us: int, *, failed_in: Phase | None = None, kind: str = "http") -> list[Bar]:
    """Return the bars of the phases that took time, in order; empty where nothing was measured."""
    spent = _list_phases(times, kind)
    if (speaks_freely(kind) or asks_names(kind)) and failed_in is Phase.BODY:
        # What was not heard to its end was a part of the dialogue.
        failed_in = Phase.HEADERS
    total = max(latency_us, sum(spent_us for _phase, _label, spent_us in spent))
    bars: list[Bar] = []
    started_us = 0
    for phase, label, spent_us in spent:
        is_where_it_failed = failed_in is phase or (failed_in is Phase.REQUEST and phase is Phase.HEADERS)
        if spent_us or is_where_it_failed:
            x, width = _place(started_us, spent_us, total)
            bars.append(Bar(phase.word, label, describe_duration(spent_us), x, width, is_where_it_failed))
        started_us += spent_us
    return bars


def _list_phases(times: Times, kind: str) -> Sequence[tuple[Phase, str, int]]:
    if speaks_freely(kind) or sends_echoes(kind) or asks_names(kind):
        said = _("the dialogue") if speaks_freely(kind) else _("the round trip")
        said = _("wait for the answer") if asks_names(kind) else said
        answer: Sequence[tuple[Phase, str, int]] = ((Phase.HEADERS, said, times.headers_us + times.body_us),)
    else:
        answer = (
            (Phase.HEADERS, _("wait for the answer"), times.headers_us),
            (Phase.BODY, _("read the body"), times.body_us),
        )
    return (
        (Phase.RESOLVE, _("look up the name"), times.resolve_us),
        (Phase.CONNECT, _("connect"), times.connect_us),
        (Phase.TLS, _("encrypt (TLS)"), times.tls_us),
        *answer,
    )


def _place(started_us: int, spent_us: int, total_us: int) -> tuple[int, int]:
    scale = WIDTH / total_us if total_us else 0.0
    width = max(MIN_WIDTH, round(spent_us * scale))
    return min(round(started_us * scale), WIDTH - width), width
