"""Latencies as a histogram that can be merged: percentiles over any window, at most 2 % off. Pure.

A bucket is as wide as one whole number can stand for within that error: of single microseconds up to 49, and from there
on each about gamma = 1.02 / 0.98 times as wide as the one before (DDSketch, Masson et al., VLDB 2019, on integers).
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise, repeat

# The largest relative error of a percentile, as a fraction: 1 / 50. What is stored hangs on it; see VERSION.
ERROR_DIVISOR = 50
MAX_US = 2**31
# The first byte of what is packed. Another error, range or layout is another version.
VERSION = 1
# Seven bits in a byte, and no number in it is larger than this many bytes hold: results of an endpoint, ever.
_VARINT_BYTES = 9


class Part(enum.IntEnum):
    """What took the time: the whole check, or one phase of it. The numbers are places in what is packed."""

    TOTAL = 0
    RESOLVE = 1
    CONNECT = 2
    TLS = 3
    HEADERS = 4
    BODY = 5


_PARTS = len(Part)


class CorruptedLatenciesError(ValueError):
    """The bytes are none that `Latencies.pack` returns."""


def _cut_buckets() -> tuple[list[int], list[int]]:
    """Return the first value of each bucket, and the one that stands for all of it."""
    firsts, middles = [], []
    first = 1
    while first <= MAX_US:
        middle = first * (ERROR_DIVISOR + 1) // ERROR_DIVISOR
        firsts.append(first)
        middles.append(middle)
        first = middle * ERROR_DIVISOR // (ERROR_DIVISOR - 1) + 1
    return firsts, middles


_FIRSTS, _MIDDLES = _cut_buckets()


class Latencies:
    """How long answered checks took, in microseconds. 0 is no time but a phase that did not take place."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        # By the number of the bucket, for each part.
        self._counts: list[dict[int, int]] = [{} for _ in range(_PARTS)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Latencies) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]  # it grows

    def add(self, total_us: int, *phases_us: int) -> None:
        """Count one check, with its phases in the order of `Part`."""
        self.add_all([value] for value in (total_us, *phases_us))

    def add_all(self, columns: Iterable[Iterable[int]]) -> None:
        """Count many checks, given as what `add` takes of each, column by column: several times as fast."""
        for counts, values in zip(self._counts, columns, strict=False):
            places = Counter(map(bisect_right, repeat(_FIRSTS), values))
            # No time lies before the first bucket.
            places.pop(0, None)
            for place, count in places.items():
                counts[place - 1] = counts.get(place - 1, 0) + count

    def merge(self, other: Latencies) -> None:
        """Count what the other has counted as well."""
        for counts, more in zip(self._counts, other._counts, strict=True):
            if not counts:
                counts.update(more)
                continue
            for bucket, count in more.items():
                counts[bucket] = counts.get(bucket, 0) + count

    def count(self, part: Part = Part.TOTAL) -> int:
        return sum(self._counts[part].values())

    def find_percentile(self, percent: int, part: Part = Part.TOTAL) -> int | None:
        """Return the nearest rank's value within 2 %; None where nothing took time."""
        counts = self._counts[part]
        rank = max(1, -(-self.count(part) * percent // 100))
        for bucket in sorted(counts):
            rank -= counts[bucket]
            if rank <= 0:
                return _MIDDLES[bucket]
        return None

    def pack(self) -> bytes:
        """Return the few bytes that are stored; none at all where nothing was counted.

        Per part: how many buckets, the first in two digits of seven bits, the steps to the others, and the counts.
        """
        if not any(self._counts):
            return b""
        numbers: list[int] = []
        for counts in self._counts:
            buckets = sorted(counts)
            numbers.append(len(buckets))
            if buckets:
                numbers += divmod(buckets[0], 128)
                numbers += [after - before for before, after in pairwise(buckets)]
                numbers += [counts[bucket] for bucket in buckets]
        return bytes([VERSION]) + _write_varints(numbers)

    @classmethod
    def unpack(cls, packed: bytes) -> Latencies:
        """Return what was packed. Raises CorruptedLatenciesError."""
        latencies = cls()
        if not packed:
            return latencies
        if packed[0] != VERSION:
            raise CorruptedLatenciesError(f"latencies of version {packed[0]}, which this release does not read")
        numbers, start = _read_varints(packed[1:]), 0
        for counts in latencies._counts:
            length = _measure_part(numbers, start)
            counts.update(_read_buckets(numbers[start + 1 : start + length]))
            start += length
        if start != len(numbers):
            raise CorruptedLatenciesError("more bytes than latencies")
        return latencies


def _write_varints(numbers: Sequence[int]) -> bytes:
    # An hour's numbers are nearly always below 128 each, and those are bytes as they stand.
    if max(numbers) < 128:
        return bytes(numbers)
    written = bytearray()
    for number in numbers:
        while number > 127:
            written.append(number & 127 | 128)
            number >>= 7  # noqa: PLW2901  # what is left of it
        written.append(number)
    return bytes(written)


def _read_varints(packed: bytes) -> list[int]:
    if packed.isascii():
        return list(packed)
    numbers: list[int] = []
    number = shift = 0
    for byte in packed:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(number)
            number = shift = 0
        elif shift >= 7 * _VARINT_BYTES:
            raise CorruptedLatenciesError("a number that is too long")
    if shift:
        raise CorruptedLatenciesError("bytes that end within a number")
    return numbers


def _measure_part(numbers: Sequence[int], start: int) -> int:
    """Return how many numbers the part at `start` has."""
    buckets = numbers[start] if start < len(numbers) else 0
    length = 2 * buckets + 2 if buckets else 1
    if start + length > len(numbers):
        raise CorruptedLatenciesError("fewer bytes than latencies")
    return length


def _read_buckets(numbers: Sequence[int]) -> dict[int, int]:
    if not numbers:
        return {}
    length = len(numbers) // 2
    high, low, *steps = numbers[: length + 1]
    buckets, counts = list(accumulate(steps, initial=high * 128 + low)), numbers[length + 1 :]
    if 0 in steps or 0 in counts or buckets[-1] >= len(_FIRSTS):
        raise CorruptedLatenciesError("buckets that do not ascend, do not exist or hold nothing")
    return dict(zip(buckets, counts, strict=True))
