"""The newest buckets of a history in one short text, so that a page of a thousand histories is a thousand rows. Pure.

Of every bucket it holds what occurred in it, a byte, and its time per condition to the millisecond. A copy: rollups are
the truth, and a strip can be made of them again.
"""

from __future__ import annotations

import binascii
import enum
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from healthcheck.engine.uptime import Condition, Totals

_CONDITIONS = len(Condition)
# Fastest, and what repeats most is a bucket that is up from end to end.
_LEVEL = 1
_DAMAGES = (binascii.Error, struct.error, zlib.error, ValueError)


class Mark(enum.IntFlag):
    """What occurred in a bucket. The numbers are stored; 0 is a bucket that nothing is known of."""

    UP = 1
    DEGRADED = 2
    DOWN = 4
    UNKNOWN = 8
    MAINTENANCE = 16
    EXCLUDED = 32
    # Down for at least half of the time that is known.
    MOSTLY_DOWN = 64


# For each field of Totals its condition, and its bit. Plain numbers: a flag of an enum is forty times as slow.
_FIELDS = (
    (Condition.UP.value, Mark.UP.value),
    (Condition.DEGRADED.value, Mark.DEGRADED.value),
    (Condition.DOWN.value, Mark.DOWN.value),
    (Condition.UNKNOWN.value, Mark.UNKNOWN.value),
    (Condition.MAINTENANCE.value, Mark.MAINTENANCE.value),
    (Condition.EXCLUDED.value, Mark.EXCLUDED.value),
)
_MOSTLY_DOWN = Mark.MOSTLY_DOWN.value


@dataclass(frozen=True, slots=True)
class Strip:
    """Buckets up to the one of number `last`. `marks` holds a byte of each, oldest first.

    `spent_ms` holds the time per condition: first of every bucket the one of condition 0, then those of 1, and so on.
    """

    last: int
    marks: bytes
    spent_ms: tuple[int, ...]

    @property
    def first(self) -> int:
        return self.last - len(self.marks) + 1

    def list_marks(self, first: int, last: int) -> bytes:
        """Return the marks of the buckets from `first` to `last`, with 0 for those that it does not hold."""
        before = max(0, min(self.first, last + 1) - first)
        held = self.marks[max(0, first - self.first) : max(0, last - self.first + 1)]
        return (bytes(before) + held).ljust(last - first + 1, b"\0")

    def sum_up(self, first: int, last: int) -> Totals:
        """Return what the buckets from `first` to `last` came to, as far as it holds them."""
        size = len(self.marks)
        start, end = max(0, first - self.first), min(size, last - self.first + 1)
        occurred = 0
        for each in set(self.marks[start:end]):
            occurred |= each
        # Most histories are of one or two conditions, and a page adds up a thousand of them.
        return Totals(
            *(
                sum(self.spent_ms[plane * size + start : plane * size + end]) if occurred & bit else 0
                for plane, bit in _FIELDS
            )
        )


def mark(totals: Totals) -> int:
    """Return the byte of a bucket that came to this."""
    spent = _order(totals)
    found = _MOSTLY_DOWN if totals.down_ms and totals.down_ms * 2 >= totals.known_ms else 0
    for condition, bit in _FIELDS:
        if spent[condition]:
            found |= bit
    return found


def splice(strip: Strip | None, buckets: Mapping[int, Totals], *, size: int) -> Strip:
    """Return the strip with these buckets by number, in the place of what it held of them; the newest `size` of all."""
    last = max([*buckets, *([strip.last] if strip else [])])
    first = max(last - size + 1, min([*buckets, *([strip.first] if strip else [])]))
    held = {number: totals for number, totals in buckets.items() if number >= first}
    marks = bytearray(strip.list_marks(first, last) if strip else bytes(last - first + 1))
    spent = [_slide(strip, plane, first, last) for plane in range(_CONDITIONS)]
    for number, totals in held.items():
        marks[number - first] = mark(totals)
        for plane, value in enumerate(_order(totals)):
            spent[plane][number - first] = value
    return Strip(last, bytes(marks), tuple(value for plane in spent for value in plane))


def pack(strip: Strip) -> str:
    spent = struct.pack(f"<{len(strip.spent_ms)}i", *strip.spent_ms)
    raw = bytes([len(strip.marks)]) + strip.marks + zlib.compress(spent, _LEVEL)
    return binascii.b2a_base64(raw, newline=False).decode()


def unpack(packed: str, last: int) -> Strip | None:
    """Return the strip that ends with bucket `last`; None for a text that is none."""
    try:
        raw = binascii.a2b_base64(packed)
        size = raw[0] if raw else 0
        spent = struct.unpack(f"<{size * _CONDITIONS}i", zlib.decompress(raw[1 + size :]))
    except _DAMAGES:
        return None
    return Strip(last, raw[1 : 1 + size], spent)


def _order(totals: Totals) -> tuple[int, ...]:
    """Return the time per condition in the order of their numbers."""
    return (
        totals.unknown_ms,
        totals.up_ms,
        totals.degraded_ms,
        totals.down_ms,
        totals.maintenance_ms,
        totals.excluded_ms,
    )


def _slide(strip: Strip | None, plane: int, first: int, last: int) -> list[int]:
    """Return the time in one condition of the buckets from `first` to `last`, 0 for those that the strip lacks."""
    if strip is None:
        return [0] * (last - first + 1)
    size = len(strip.marks)
    held = strip.spent_ms[plane * size : (plane + 1) * size][max(0, first - strip.first) :]
    before = max(0, min(strip.first, last + 1) - first)
    return [*[0] * before, *held, *[0] * (last - first + 1 - before - len(held))]
