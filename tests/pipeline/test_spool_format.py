from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.types import ErrorKind, Evidence, Limits, Outcome, Phase, PhaseTimes, State
from healthcheck.models import Trigger
from healthcheck.pipeline.execute import TakenRun
from healthcheck.pipeline.record import Finding
from healthcheck.pipeline.spool_format import (
    Line,
    SpooledRun,
    _frame,
    count_results,
    read_lines,
    read_run,
    write_line,
)
from tests.factories import NOW


def build_run(run_id: int = 7, *, results: int = 1, found: str = "500") -> SpooledRun:
    taken = TakenRun(
        run_id=run_id,
        token=1,
        group_id=3,
        group_name="Web – ü\n",
        location_id=1,
        trigger=Trigger.SCHEDULED,
        slot_at=NOW,
        next_slot_at=NOW + timedelta(minutes=1),
        valid_until=NOW + timedelta(minutes=3),
        started_at=NOW + timedelta(milliseconds=5),
        interval_seconds=60,
        targets=(),
        unreadable=(),
        limits=Limits(30.0),
        in_maintenance=frozenset({2, 5}),
    )
    outcome = Outcome(
        State.DOWN,
        NOW + timedelta(microseconds=123_456),
        ErrorKind.STATUS,
        Phase.HEADERS,
        1500,
        PhaseTimes(1, 2, 3, 4, 5),
        500,
        2,
        Evidence(sentence="It answered.", found=found),
    )
    return SpooledRun(taken, [Finding(endpoint_id, outcome) for endpoint_id in range(1, results + 1)], 2000)


def read(text: bytes) -> list[Line]:
    return list(read_lines(BytesIO(text)))


def read_ids(text: bytes) -> list[int]:
    return [read_run(line.body).taken.run_id for line in read(text) if line.body is not None]


def test_line_holds_all_that_recording_needs() -> None:
    run = build_run(results=2)
    [line] = read(write_line(run))
    assert line.body is not None
    again = read_run(line.body)
    assert (again.taken, again.wall_us, line.results) == (run.taken, 2000, 2)
    for before, after in zip(run.findings, again.findings, strict=True):
        assert replace(before.outcome, evidence=None) == after.outcome
        assert (before.endpoint_id, before.write_facts()) == (after.endpoint_id, after.write_facts())


def test_line_holds_of_evidence_what_would_be_stored() -> None:
    line = write_line(build_run(found="x" * 5000 + "\N{RIGHT-TO-LEFT OVERRIDE}"))
    [finding] = json.loads(read(line)[0].body or b"")["findings"]
    assert finding[-1] == {"sentence": "It answered.", "found": "x" * 299 + "…"}
    assert line.isascii()
    assert line.count(b"\n") == 1


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_damaged_byte_loses_at_most_its_own_line(place: int, change: int) -> None:
    lines = [write_line(build_run(number)) for number in (1, 2, 3)]
    text = bytearray(b"".join(lines))
    place %= len(text)
    text[place] ^= change
    hit = next(number for number in (1, 2, 3) if place < sum(map(len, lines[:number])))
    assert set(read_ids(bytes(text))) >= {1, 2, 3} - {hit}
    assert set(read_ids(bytes(text))) <= {1, 2, 3}


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_torn_end_is_told_and_everything_before_it_is_read(cut: int) -> None:
    whole = write_line(build_run(1)) + write_line(build_run(2))
    torn = whole + write_line(build_run(3))[:-cut]
    expected = [1, 2, 3] if cut == 1 else [1, 2]
    assert read_ids(torn) == expected
    assert [line.is_torn for line in read(torn)] == [False, False, cut != 1]


def test_end_of_zeros_after_a_crash_is_torn() -> None:
    lines = read(write_line(build_run(1)) + bytes(4096))
    assert [(line.body is None, line.is_torn) for line in lines] == [(False, False), (True, True)]


def test_line_of_another_release_is_whole_and_says_its_version() -> None:
    [line] = read(_frame(2, 5, b"[]"))
    assert (line.version, line.results, line.body) == (2, 5, b"[]")


def test_count_results_reads_headers_only_and_steps_over_damage() -> None:
    text = write_line(build_run(1, results=2)) + b"nonsense\n" + write_line(build_run(2, results=3))
    assert count_results(BytesIO(text)) == 5
    assert count_results(BytesIO(b"")) == 0
