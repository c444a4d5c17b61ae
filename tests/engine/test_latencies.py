"""The histogram of latencies against exact percentiles: the error that is stated, and that merging loses nothing."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthcheck.engine.latencies import MAX_US, CorruptedLatenciesError, Latencies, Part

ERROR = Fraction(2, 100)
# Spread over the magnitudes: half of all evenly chosen ones would last over a quarter of an hour.
MICROS = st.one_of(st.integers(1, 200), st.integers(1, 31).flatmap(lambda bits: st.integers(1, 2**bits)))
CHECKS = st.lists(st.tuples(*[st.one_of(st.just(0), MICROS)] * len(Part)), max_size=60)
PERCENTS = st.integers(1, 100)


def build(checks: list[tuple[int, ...]]) -> Latencies:
    latencies = Latencies()
    for total_us, *phases_us in checks:
        latencies.add(total_us, *phases_us)
    return latencies


def find_exactly(values: list[int], percent: int) -> int | None:
    return sorted(values)[math.ceil(Fraction(len(values) * percent, 100)) - 1] if values else None


def is_near(found: int | None, exact: int | None) -> bool:
    if found is None or exact is None:
        return found is exact
    return abs(Fraction(found, exact) - 1) <= ERROR


@given(CHECKS, PERCENTS)
def test_percentile_is_within_two_percent_of_the_exact_one(checks: list[tuple[int, ...]], percent: int) -> None:
    latencies = build(checks)
    for part in Part:
        values = [check[part] for check in checks if check[part]]
        assert is_near(latencies.find_percentile(percent, part), find_exactly(values, percent))
        assert latencies.count(part) == len(values)


@pytest.mark.parametrize("bits", range(32))
def test_every_magnitude_is_within_two_percent(bits: int) -> None:
    step = max(1, 2**bits // 500)
    for value in [*range(2**bits, min(2 ** (bits + 1), MAX_US + 1), step), 2**bits]:
        assert is_near(build([(value,)]).find_percentile(50), value), value


@given(st.lists(CHECKS, max_size=4))
def test_merge_is_the_histogram_of_all_together(parts: list[list[tuple[int, ...]]]) -> None:
    merged = Latencies()
    for checks in parts:
        merged.merge(build(checks))
    assert merged == build([check for checks in parts for check in checks])


@given(CHECKS, CHECKS)
def test_add_all_counts_as_add_does(first: list[tuple[int, ...]], second: list[tuple[int, ...]]) -> None:
    latencies = build(first)
    latencies.add_all(zip(*second, strict=True))
    assert latencies == build(first + second)


@given(CHECKS, st.integers(0, 3))
def test_what_is_packed_is_unpacked_as_it_was(checks: list[tuple[int, ...]], doublings: int) -> None:
    latencies = build(checks)
    for _ in range(8 * doublings):
        latencies.merge(Latencies.unpack(latencies.pack()))
    packed = latencies.pack()
    assert Latencies.unpack(packed) == latencies
    assert (packed == b"") == (not any(map(any, checks)))


@given(st.binary(max_size=40))
def test_any_bytes_are_unpacked_or_refused(packed: bytes) -> None:
    try:
        latencies = Latencies.unpack(b"\x01" + packed)
    except CorruptedLatenciesError:
        return
    assert Latencies.unpack(latencies.pack()) == latencies


ONE = build([(1_000, 10, 20, 30, 40, 50)]).pack()


@pytest.mark.parametrize(
    ("packed", "sentence"),
    [
        (b"\x02" + ONE[1:], "version 2"),
        (ONE[:-1], "fewer bytes"),
        (ONE + b"\x00", "more bytes"),
        (b"\x01\x81", "end within a number"),
        (b"\x01" + b"\xff" * 10, "too long"),
        (b"\x01\x01\x7f\x00\x01" + b"\x00" * 5, "do not exist"),
        (b"\x01\x01\x00\x00\x00" + b"\x00" * 5, "hold nothing"),
        (b"\x01\x02\x00\x00\x00\x01\x01" + b"\x00" * 5, "do not ascend"),
        (b"\x01\xff\xff\x01", "fewer bytes"),
    ],
)
def test_corrupted_bytes_are_refused_with_one_error(packed: bytes, sentence: str) -> None:
    with pytest.raises(CorruptedLatenciesError, match=sentence):
        Latencies.unpack(packed)


def test_what_takes_longer_than_the_range_counts_as_its_end() -> None:
    assert build([(10 * MAX_US,)]) == build([(MAX_US,)])


def test_buckets_are_those_that_were_stored_by_earlier_releases() -> None:
    # The bytes of version 1 mean these values for ever.
    packed = bytes.fromhex("010300003140010203" + "0000000000")
    latencies = Latencies.unpack(packed)
    assert [latencies.find_percentile(percent) for percent in (10, 40, 90)] == [1, 52, 694]
    assert latencies.pack() == packed


def test_buckets_hold_every_microsecond_once() -> None:
    found = [build([(value,)]).find_percentile(50) for value in range(1, 5000)]
    assert all(after is not None and before is not None and after >= before for before, after in pairwise(found))
