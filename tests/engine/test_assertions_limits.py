"""Hostile bodies: every judgement is bounded in work. Without the limits each takes minutes: the bound can be wide."""

import json
import time
from datetime import UTC, datetime

import pytest

from healthcheck.engine.assertions import judge, parse_assertions
from healthcheck.engine.assertions.json_document import (
    MAX_JSON_BYTES,
    MAX_JSON_DEPTH,
    MAX_JSON_VALUES,
    UnreadableJsonError,
    read_json,
)
from healthcheck.engine.assertions.json_path import TooManyValuesError, compile_path
from healthcheck.engine.types import Observation, State

NOW = datetime(2026, 1, 2, tzinfo=UTC)
GENEROUS_SECONDS = 20.0


def find(text: str, body: bytes) -> str:
    """Return what was found instead, and "" for up."""
    before = time.monotonic()
    judgement = judge(parse_assertions(text), Observation(latency_us=1, body=body), now=NOW)
    assert time.monotonic() - before < GENEROUS_SECONDS
    assert (judgement.verdict is State.UP) is (judgement.evidence is None)
    return judgement.evidence.found if judgement.evidence else ""


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * 100_000, "JSON nested deeper than 32 levels"),
        (b'{"a":' * 100_000, "JSON nested deeper than 32 levels"),
        (b"[],{}" * 100_000, "JSON with more than 50000 values"),
        (b"[" + b"0," * 400_000 + b"0]", "JSON with more than 50000 values"),
        (b" " * (MAX_JSON_BYTES + 1), "a JSON document of 1048577 bytes, larger than 1048576"),
        (b'"' + b'\\"' * 400_000, "not JSON: unterminated string starting at in line 1, column 1"),
        (b"[" + b"9" * 5000 + b"]", "not JSON that can be read: a number is too long or not a number"),
        (b"[NaN]", "not JSON that can be read: a number is too long or not a number"),
        (b"[-Infinity]", "not JSON that can be read: a number is too long or not a number"),
        (b"<html>", "not JSON: expecting value in line 1, column 1"),
        (b"\xff\xfe\xfd", "not JSON: expecting value in line 1, column 1"),
        (b"", "not JSON: expecting value in line 1, column 1"),
    ],
)
def test_body_that_is_no_json_we_read_is_named(body: bytes, reason: str) -> None:
    assert find("json $.a", body) == reason


def test_brackets_and_commas_in_strings_are_not_counted() -> None:
    assert read_json(json.dumps(['[{,\\"' * 60_000]).encode()) == ['[{,\\"' * 60_000]


def test_limits_of_depth_and_values_are_exact() -> None:
    assert read_json(b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH)
    with pytest.raises(UnreadableJsonError):
        read_json(b"[" * (MAX_JSON_DEPTH + 1) + b"]" * (MAX_JSON_DEPTH + 1))
    assert len(read_json(b"[" + b"0," * (MAX_JSON_VALUES - 1) + b"0]")) == MAX_JSON_VALUES
    with pytest.raises(UnreadableJsonError):
        read_json(b"[" + b"0," * MAX_JSON_VALUES + b"0]")


def test_document_that_is_a_string_is_not_parsed_again() -> None:
    assert find('json $ == "[1, 2"', b'"[1, 2"') == ""
    assert find("json $[0]", b'"[1, 2]"') == "nothing at that path"


def test_duplicate_members_and_lone_surrogates_are_judged() -> None:
    assert find("json $.a == 2", b'{"a": 1, "a": 2}') == ""
    assert find('json $.a matches "x"', b'{"a": "\\ud800x"}') == ""
    assert find('json $.a == "x"', b'{"a": "\\ud800"}') == '"\ud800"'


def test_path_that_multiplies_runs_out_of_its_budget() -> None:
    path = compile_path("$" + "[*,*]" * 12)
    with pytest.raises(TooManyValuesError):
        list(path.select(_nest(12, 3)))
    assert list(path.select(_nest(12, 1))) == [1] * 2**12


def _nest(depth: int, width: int) -> list[object]:
    inner: list[object] = [1] * width
    for _ in range(depth - 1):
        inner = [inner] * width
    return inner


def test_path_over_a_wide_and_deep_document_is_bounded() -> None:
    deep = b"[" * 30 + b",".join([b"[1]"] * 20_000) + b"]" * 30
    assert find("json $..absent", deep) == "nothing at that path"
    assert find("json $..[?@.x == 1]", deep) == "a path that visits too many values"
    assert find("json $..[*, *, *, *, *, *] == 1", deep) == "a list of 1 items"


def test_long_member_name_is_not_copied_for_each_of_its_children() -> None:
    body = json.dumps({"x" * 500_000: [1] * 40_000}).encode()
    assert find("json $.*[*] == 1", body) == ""


def test_pattern_that_is_catastrophic_elsewhere_is_linear() -> None:
    assert find('body matches "(a+)+$"', b"a" * 1_000_000 + b"b") == "not in the body"


def test_pattern_that_is_too_dear_for_a_long_body_is_not_run() -> None:
    text = 'body matches "[01]*1[01]{900}x"'
    assert find(text, b"01" * 10_000) == "not in the body"
    assert find(text, b"01" * 500_000) == "a text too long for this regular expression"
    assert (
        find(text.replace("matches", "not matches"), b"01" * 500_000) == "a text too long for this regular expression"
    )
