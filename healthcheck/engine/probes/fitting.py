"""Whether a value of somebody else is what its type says: one that is not would be met where all results are stored."""

from __future__ import annotations

import enum
import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

# More than any probe has to tell, and little enough to be looked through.
MAX_TEXT_CHARS, MAX_ITEMS, MAX_BYTES = 64 * 1024, 10_000, 32 * 1024 * 1024
# What the columns of results hold. A body is counted, whatever its size.
_MAX_INTEGER, _MAX_COUNT = 2**31 - 1, 2**53


def find_misfit(value: Any, hint: Any, name: str = "") -> str:
    """Return the name of what is not as `hint` says, or too large; empty when all of it fits."""
    found = _find_part(value, hint, name)
    return "" if found is None else found or "value"


def _find_part(value: Any, hint: Any, name: str) -> str | None:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return name if all(_find_part(value, each, name) is not None for each in get_args(hint)) else None
    if origin is tuple:
        return _find_item(value, get_args(hint), name)
    if origin is Callable:
        return None if callable(value) else name
    if isinstance(hint, type) and is_dataclass(hint):
        return _find_field(value, hint, name)
    return None if _is_plain(value, hint, name) else name


def _find_item(value: Any, hints: tuple[Any, ...], name: str) -> str | None:
    if type(value) is not tuple or len(value) > MAX_ITEMS:
        return name
    each = hints[:1] * len(value) if hints[-1] is Ellipsis else hints
    if len(each) != len(value):
        return name
    return next(
        (name for item, hint in zip(value, each, strict=True) if _find_part(item, hint, name) is not None), None
    )


def _find_field(value: Any, kind: Any, name: str) -> str | None:
    if not isinstance(value, kind):
        return name
    hints = _read_hints(kind)
    names = [each.name for each in fields(kind)]
    found = (_find_part(getattr(value, each), hints[each], each) for each in names)
    return next((each for each in found if each is not None), None)


@cache
def _read_hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _is_plain(value: Any, kind: Any, name: str) -> bool:
    if kind in (None, type(None)):
        return value is None
    if kind is int:
        return type(value) is int and 0 <= value <= (_MAX_COUNT if name == "body_size" else _MAX_INTEGER)
    if kind is str:
        return type(value) is str and len(value) <= MAX_TEXT_CHARS
    if kind is bytes:
        return type(value) is bytes and len(value) <= MAX_BYTES
    if kind is datetime:
        return isinstance(value, datetime) and value.tzinfo is not None
    return isinstance(kind, type) and issubclass(kind, enum.Enum) and isinstance(value, kind)
