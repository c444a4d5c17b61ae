"""What is asserted of echo requests: how many came back, and how evenly."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from healthcheck.engine.assertions import judge, parse_assertions
from healthcheck.engine.assertions.judge import Judgement
from healthcheck.engine.types import Echoes, Observation, State

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SEEN = Observation(latency_us=12_000, echoes=Echoes(sent=3, received=2, jitter_us=30_500))


def look(text: str, observation: Observation = SEEN) -> Judgement:
    return judge(parse_assertions(text), observation, now=NOW, details=True)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("loss < 34%", "33.33%, 2 of 3 came back"),
        ("loss in 33.3% to 33.4%", "33.33%, 2 of 3 came back"),
        ("loss != 0%", "33.33%, 2 of 3 came back"),
        ("jitter < 31ms", "30.5ms"),
        ("jitter in 30ms to 31ms", "30.5ms"),
        ("latency < 100ms", "12ms"),
    ],
)
def test_what_holds_says_what_was_found(text: str, found: str) -> None:
    judgement = look(text)
    assert (judgement.verdict, judgement.assertions[0].found) == (State.UP, found)


@pytest.mark.parametrize(
    ("text", "verdict", "found"),
    [
        ("loss <= 33.333% degraded", State.DEGRADED, "33.33%, 2 of 3 came back"),
        ("loss == 0%", State.DOWN, "33.33%, 2 of 3 came back"),
        ("jitter < 30ms", State.DOWN, "30.5ms"),
    ],
)
def test_what_fails_says_what_was_found(text: str, verdict: State, found: str) -> None:
    judgement = look(text)
    assert judgement.evidence is not None
    assert (judgement.verdict, judgement.evidence.found) == (verdict, found)


def test_nothing_holds_of_what_was_not_sent() -> None:
    for text in ("loss <= 100%", "jitter < 600s"):
        evidence = look(text, Observation(latency_us=1)).evidence
        assert evidence is not None
        assert evidence.found == "no echo requests were sent"


def test_one_reply_has_no_jitter() -> None:
    evidence = look("jitter < 600s", Observation(latency_us=1, echoes=Echoes(1, 1))).evidence
    assert evidence is not None
    assert evidence.found == "fewer than two replies to compare"


def test_only_jitter_may_be_excused_by_our_own_lag() -> None:
    assert look("jitter < 10ms").excess_us == 20_500
    assert look("jitter > 40ms").excess_us is None
    assert look("loss == 0%\njitter < 10ms").excess_us is None
