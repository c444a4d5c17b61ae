"""Phases by name: one dialogue over a stream, a request and its answer over HTTP."""

from __future__ import annotations

import pytest

from healthcheck.engine.phases import list_phases, name_phase
from healthcheck.engine.types import Phase, PhaseTimes

TIMES = PhaseTimes(resolve_us=1, connect_us=2, tls_us=4, headers_us=8, body_us=16)


@pytest.mark.parametrize(
    ("kind", "phases"),
    [
        ("http", [("resolve", 1), ("connect", 2), ("tls", 4), ("headers", 8), ("body", 16)]),
        ("tcp", [("resolve", 1), ("connect", 2), ("tls", 4), ("dialogue", 24)]),
        ("icmp", [("resolve", 1), ("connect", 2), ("tls", 4), ("echo", 24)]),
    ],
)
def test_phases_are_listed_by_the_names_of_their_kind(kind: str, phases: list[tuple[str, int]]) -> None:
    assert list_phases(TIMES, kind) == phases


def test_what_is_said_and_heard_is_the_dialogue() -> None:
    assert [name_phase(phase, "tcp") for phase in (Phase.TLS, Phase.REQUEST, Phase.BODY)] == ["tls", *["dialogue"] * 2]
    assert name_phase(Phase.REQUEST, "http") == "request"
