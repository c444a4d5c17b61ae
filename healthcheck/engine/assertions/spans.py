"""Durations and sizes as people write them, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from healthcheck.engine.assertions.scanner import Scanner

# So that every one of them can be written down again, in milliseconds and bytes if need be.
MAX_MS, MAX_BYTES = 36_500 * 86_400_000, 10**12

_MS: Mapping[str, int] = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_LONG_UNITS = {"seconds": "s", "second": "s", "minutes": "min", "minute": "min", "hours": "h", "hour": "h"} | {
    "days": "d",
    "day": "d",
}
_DURATION = re.compile(rf"(\d{{1,15}}(?:\.\d{{1,3}})?)[ \t]*({'|'.join([*_LONG_UNITS, *_MS])})(?!\w)", re.ASCII)
# The sign of micro is two characters that look the same, and what keyboards have.
_US: Mapping[str, int] = {"us": 1, "µs": 1, "μs": 1, **{unit: ms * 1000 for unit, ms in _MS.items()}}
_FINE_DURATION = re.compile(rf"(\d{{1,15}}(?:\.\d{{1,6}})?)[ \t]*({'|'.join([*_LONG_UNITS, *_US])})(?!\w)", re.ASCII)
_BYTES: Mapping[str, int] = {"": 1, "B": 1, "bytes": 1, "kB": 1000, "KiB": 1024, "MB": 10**6, "MiB": 1024**2}
_LARGE = ("MiB", "MB", "KiB", "kB")
_SIZE = re.compile(
    rf"(\d{{1,15}}(?:\.\d{{1,3}})?)(?:[ \t]*({'|'.join(unit for unit in _BYTES if unit)}))?(?![\w.])", re.ASCII
)


def take_ms(scanner: Scanner, example: str) -> int:
    """Consume a duration and return whole milliseconds. Fails with a sentence that shows the example."""
    start = scanner.position
    if (found := _DURATION.match(scanner.text, start)) is None:
        scanner.fail(f"Write a duration in ms, s, min, h or d, for example: {example}.")
    scanner.take(_DURATION)
    unit = _MS[_LONG_UNITS.get(found[2], found[2])]
    amount = _to_whole(Decimal(found[1]) * unit, scanner, start, refusal="Durations are whole milliseconds.")
    if amount > MAX_MS:
        scanner.fail("Durations are a hundred years at most.", position=start)
    return amount


def take_us(scanner: Scanner, example: str) -> int:
    """Consume a duration and return whole microseconds, for what takes less than a millisecond."""
    start = scanner.position
    if (found := _FINE_DURATION.match(scanner.text, start)) is None:
        scanner.fail(f"Write a duration in us, ms, s, min, h or d, for example: {example}.")
    scanner.take(_FINE_DURATION)
    unit = _US[_LONG_UNITS.get(found[2], found[2])]
    return _to_whole(Decimal(found[1]) * unit, scanner, start, refusal="Durations are whole microseconds.")


def write_us(amount: int) -> str:
    """Return the spelling of a limit: in milliseconds where it is whole ones."""
    return f"{amount}us" if amount % 1000 else f"{amount // 1000}ms"


def write_ms(amount: int) -> str:
    """Return the shortest spelling: whole units only, so that it reads back as the same duration."""
    unit = next(unit for unit in reversed([*_MS]) if amount % _MS[unit] == 0 and (amount or unit == "ms"))
    return f"{amount // _MS[unit]}{unit}"


def write_seconds(amount: float) -> str:
    """Return about how long it is, in the largest unit that it fills."""
    sign, left = ("-" if amount < 0 else ""), abs(amount)
    unit = next((unit for unit in reversed([*_MS]) if left * 1000 >= _MS[unit]), "ms")
    return f"{sign}{left * 1000 / _MS[unit]:.1f} {unit}"


def take_bytes(scanner: Scanner, example: str) -> int:
    """Consume a size and return bytes."""
    start = scanner.position
    if (found := _SIZE.match(scanner.text, start)) is None:
        scanner.fail(f"Write a size in bytes, kB, KiB, MB or MiB, for example: {example}.")
    scanner.take(_SIZE)
    amount = _to_whole(Decimal(found[1]) * _BYTES[found[2] or ""], scanner, start, refusal="Sizes are whole bytes.")
    if amount > MAX_BYTES:
        scanner.fail("Sizes are a terabyte at most.", position=start)
    return amount


def _to_whole(amount: Decimal, scanner: Scanner, start: int, *, refusal: str) -> int:
    if amount != int(amount):
        scanner.fail(refusal, position=start)
    return int(amount)


def write_bytes(amount: int) -> str:
    """Return the shortest spelling that reads back as the same size."""
    unit = next((unit for unit in _LARGE if amount and amount % _BYTES[unit] == 0), "B")
    return f"{amount // _BYTES[unit]}{unit}"
