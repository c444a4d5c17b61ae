"""What all assertions of one judgement may do together, over documents and texts that are as dear as they can be."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from random import Random

import pytest

from healthcheck.engine.assertions import judge, parse_assertions
from healthcheck.engine.assertions.condition import Condition, Operator
from healthcheck.engine.assertions.json_path import NS_PER_STEP, compile_path
from healthcheck.engine.assertions.judge import Judgement
from healthcheck.engine.assertions.patterns import compile_pattern
from healthcheck.engine.assertions.work import TOO_MUCH_TOGETHER, TooMuchTogetherError, limit_work
from healthcheck.engine.types import Observation, State

NOW = datetime(2026, 1, 2, tzinfo=UTC)
NESTED = json.dumps([{"a": {"b": [1, 2]}}] * 9000).encode()
# Digits in which every place could begin what the slow expressions look for.
DIGITS = bytes(Random(0).choices(b"01", k=350_000))
# CPU of one judgement, on a machine of any age; measured are 4 s and 7 s. Without the limit it is a minute.
STATED_SECONDS = 20.0


def judge_many(lines: list[str], body: bytes) -> Judgement:
    observation = Observation(1, status=200, body=body, body_size=len(body))
    before = time.thread_time()
    judgement = judge(parse_assertions("\n".join(lines)), observation, now=NOW)
    assert time.thread_time() - before < STATED_SECONDS
    return judgement


@pytest.mark.parametrize(
    ("line", "body", "held"),
    [
        ("json $..x{} not exists", NESTED, "nothing at that path"),
        ('body not matches "[01]*1[01]{{{}}}x"', DIGITS, "not in the body"),
    ],
)
def test_dear_assertions_share_their_work(line: str, body: bytes, held: str) -> None:
    judgement = judge_many(["status 200", *(line.format(40 + number) for number in range(48)), "size > 0"], body)
    found = [each.found for each in judgement.assertions]
    assert judgement.evidence
    assert judgement.evidence.found == TOO_MUCH_TOGETHER
    # Those that came first were looked at, and the others say what to do.
    dear = found[1:-1]
    first = dear.index(TOO_MUCH_TOGETHER)
    assert first > 1
    assert dear == [held] * first + [TOO_MUCH_TOGETHER] * (48 - first)
    # What needs no work is judged all the same.
    assert judgement.assertions[-1].held


def test_common_assertions_are_far_from_the_limit() -> None:
    members = [{"name": f"n{number}", "status": "ok", "load": number % 7} for number in range(1000)]
    body = json.dumps({"version": "v1.2", "items": members}).encode()
    lines = [f'json $.items[{number}].status == "ok"' for number in range(20)]
    lines += [
        "json $.items[*].load < 7",
        'json $.items[?@.status != "ok"] not exists',
        'json $..name matches "^n[0-9]+$"',
    ]
    lines += [f'body matches "n{number}[^0-9]"' for number in range(20)]
    assert judge_many(lines, body).verdict is State.UP


def test_work_is_counted_where_it_is_done() -> None:
    path = compile_path("$..a")
    with limit_work(5 * NS_PER_STEP):
        # Each list inside is a step.
        assert list(path.select([[], []])) == []
        assert list(path.select([[], [], []])) == []
        with pytest.raises(TooMuchTogetherError):
            list(path.select([]))
    assert list(path.select([])) == []


@pytest.mark.parametrize("pattern", [None, compile_pattern("a")])
def test_texts_are_paid_for_by_their_length(pattern: object) -> None:
    condition = Condition(Operator.CONTAINS, "a", ("a",), pattern)  # type: ignore[arg-type]
    with limit_work(10 * condition.ns_per_byte):
        for _ in range(2):
            assert condition.holds_for_text("bbbba", NOW)
        with pytest.raises(TooMuchTogetherError):
            condition.holds_for_text("a", NOW)
    assert condition.holds_for_text("a", NOW)


def test_path_that_only_names_members_pays_nothing() -> None:
    path = compile_path("$.items[0]")
    with limit_work(1):
        for _ in range(3):
            assert list(path.select({"items": [1] * 10_000})) == [1]
