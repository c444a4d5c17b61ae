"""The parts of a check that consists of several, such as the addresses of a name, in the words of the operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from healthcheck.admin.explain.errors import describe_error
from healthcheck.admin.look.badges import STATE_WORDS, draw_state
from healthcheck.admin.look.words import describe_duration
from healthcheck.engine.types import ErrorKind, Phase, State

# What a result can hold; nobody knows who wrote more.
_MAX_MS = 2**31 / 1000
_STATES = {state.word: state for state in State}
_ERRORS = {kind.word: kind for kind in ErrorKind}
_PHASES = {phase.word: phase for phase in Phase}


@dataclass(frozen=True, slots=True)
class PartWords:
    """One part. What is empty was not seen."""

    name: str
    verdict: State
    badge: SafeString
    error: str
    latency: str
    found: str

    @property
    def is_failed(self) -> bool:
        return self.verdict in (State.DEGRADED, State.DOWN)

    @property
    def line(self) -> str:
        """All of it in one line of plain text."""
        told = (str(STATE_WORDS[self.verdict]), self.error, self.latency, self.found)
        return f"{self.name}: {', '.join(each for each in told if each)}"


def describe_parts(facts: Mapping[str, Any], endpoint_kind: str) -> list[PartWords]:
    """Return the parts that evidence holds, which is JSON that other versions may have written."""
    parts = facts.get("parts")
    listed: Sequence[object] = parts if isinstance(parts, list | tuple) else ()
    return [_describe_part(each, endpoint_kind) for each in listed if isinstance(each, Mapping)]


def _describe_part(part: Mapping[str, Any], endpoint_kind: str) -> PartWords:
    verdict = _STATES.get(str(part.get("verdict")), State.UNKNOWN)
    kind = part.get("error_kind")
    error = _ERRORS.get(str(kind), ErrorKind.OTHER) if kind else None
    return PartWords(
        name=str(part.get("name") or ""),
        verdict=verdict,
        badge=draw_state(verdict),
        error=describe_error(error, _PHASES.get(str(part.get("phase"))), endpoint_kind),
        latency=_describe_latency(part.get("latency_ms")),
        found=str(part.get("found") or ""),
    )


def _describe_latency(milliseconds: object) -> str:
    if not isinstance(milliseconds, int | float) or not 0 < milliseconds < _MAX_MS:
        return ""
    return describe_duration(round(milliseconds * 1000))
