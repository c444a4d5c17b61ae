"""Latencies as a histogram that can be merged: percentiles over any window, at most 2 % off. Pure.

A bucket is as wide as one whole number can stand for within that error: of single microseconds up to 49, and from there
on each about gamma = 1.02 / 0.98 times as wide as the one before (DDSketch, Masson et al., VLDB 2019, on integers).
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise, repeat

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
        self._counts: tuple[Counter[int], ...] = tuple(Counter() for _ in Part)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Latencies) and self._counts == other._counts

    __hash__ = None  # type: ignore[assignment]  # it grows

    def add(self, total_us: int, *phases_us: int) -> None:
        """Count one check, with its phases in the order of `Part`."""
        for counts, value in zip(self._counts, (total_us, *phases_us), strict=False):
            if value > 0:
                counts[bisect_right(_FIRSTS, value) - 1] += 1

    def add_all(self, columns: Iterable[Iterable[int]]) -> None:
        """Count many checks, given as what `add` takes of each, column by column: several times as fast."""
        for counts, values in zip(self._counts, columns, strict=False):
            places = Counter(map(bisect_right, repeat(_FIRSTS), values))
            # No time lies before the first bucket.
            places.pop(0, None)
            counts.update({place - 1: count for place, count in places.items()})

    def merge(self, other: Latencies) -> None:
        """Count what the other has counted as well."""
        for counts, more in zip(self._counts, other._counts, strict=True):
            counts.update(more)

    def count(self, part: Part = Part.TOTAL) -> int:
        return self._counts[part].total()

    def find_percentile(self, percent: int, part: Part = Part.TOTAL) -> int | None:
        """Return the nearest rank's value within 2 %; None where nothing took time."""
        counts = self._counts[part]
        rank = max(1, -(-counts.total() * percent // 100))
        for bucket in sorted(counts):
            rank -= counts[bucket]
            if rank <= 0:
                return _MIDDLES[bucket]
        return None

    def pack(self) -> bytes:
        """Return the few bytes that are stored; none at all where nothing was counted."""
        if not any(self._counts):
            return b""
        return bytes([VERSION]) + bytes(chain.from_iterable(map(_write_varint, self._flatten())))

    @classmethod
    def unpack(cls, packed: bytes) -> Latencies:
        """Return what was packed. Raises CorruptedLatenciesError."""
        latencies = cls()
        if packed:
            if packed[0] != VERSION:
                raise CorruptedLatenciesError(f"latencies of version {packed[0]}, which this release does not read")
            numbers = _read_varints(packed[1:])
            for counts in latencies._counts:
                counts.update(_read_buckets(numbers))
            if next(numbers, None) is not None:
                raise CorruptedLatenciesError("more bytes than latencies")
        return latencies

    def _flatten(self) -> Iterator[int]:
        """Per part: how many buckets, the first in two digits of seven bits, the steps to the others, the counts."""
        for counts in self._counts:
            buckets = sorted(counts)
            yield len(buckets)
            if buckets:
                yield from divmod(buckets[0], 128)
                yield from (after - before for before, after in pairwise(buckets))
                yield from (counts[bucket] for bucket in buckets)


def _write_varint(number: int) -> Iterator[int]:
    while number > 127:
        yield number & 127 | 128
        number >>= 7
    yield number


def _read_varints(packed: bytes) -> Iterator[int]:
    # An hour's numbers are nearly always below 128 each, and those are bytes as they stand: twelve times as fast.
    return iter(packed) if packed.isascii() else _read_long_varints(packed)


def _read_long_varints(packed: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in packed:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0
        elif shift >= 7 * _VARINT_BYTES:
            raise CorruptedLatenciesError("a number that is too long")
    if shift:
        raise CorruptedLatenciesError("bytes that end within a number")


def _read_buckets(numbers: Iterator[int]) -> dict[int, int]:
    length = _take(numbers)
    if not length:
        return {}
    if length > len(_FIRSTS):
        raise CorruptedLatenciesError("more buckets than there are")
    bucket = _take(numbers) * 128 + _take(numbers)
    buckets = [bucket]
    for step in _take_many(numbers, length - 1):
        bucket += step
        buckets.append(bucket)
    counts = dict(zip(buckets, _take_many(numbers, length), strict=True))
    if len(counts) != length or buckets[-1] >= len(_FIRSTS) or not all(counts.values()):
        raise CorruptedLatenciesError("buckets that do not ascend, do not exist or hold nothing")
    return counts


def _take(numbers: Iterator[int]) -> int:
    for number in numbers:
        return number
    raise CorruptedLatenciesError("fewer bytes than latencies")


def _take_many(numbers: Iterator[int], length: int) -> Iterable[int]:
    return [_take(numbers) for _ in range(length)]
