"""Reading a JSON body with limits that hold before anything is built from it."""

from __future__ import annotations

import json
import re
from typing import Any

MAX_JSON_BYTES = 1024 * 1024
# Deeper than any health document; far below where recursion ends, and a visit pays for every level above a value.
MAX_JSON_DEPTH = 32
# Commas and brackets outside strings: about the number of values. Bounds the memory, some 5 MB at the worst.
MAX_JSON_VALUES = 50_000

# Never backtracks (possessive), so that an unterminated string of escaped quotes stays linear.
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)


class UnreadableJsonError(Exception):
    """The body is not JSON, or larger than we read. The text is a short reason without content of the body."""


def read_json(body: bytes) -> Any:
    """Return the document. Raises UnreadableJsonError; NaN and Infinity, which are not JSON, are refused."""
    if len(body) > MAX_JSON_BYTES:
        raise UnreadableJsonError(f"a JSON document of {len(body)} bytes, larger than {MAX_JSON_BYTES}")
    # By its first bytes, as RFC 8259 has no charset parameter; drops a byte order mark.
    text = body.decode(json.detect_encoding(body), "replace")
    _check_structure(text)
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise UnreadableJsonError(
            f"not JSON: {error.msg.lower()} in line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise UnreadableJsonError("JSON nested too deep") from None
    except ValueError:
        # The interpreter refuses integers of more than 4,300 digits.
        raise UnreadableJsonError("not JSON that can be read: a number is too long or not a number") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _check_structure(text: str) -> None:
    opened = text.count("[") + text.count("{")
    if opened <= MAX_JSON_DEPTH and opened + text.count(",") <= MAX_JSON_VALUES:
        return
    depth = values = 0
    for found in _STRUCTURE.finditer(text):
        mark = text[found.start()]
        if mark == '"':
            continue
        if mark in "]}":
            depth -= 1
            continue
        values += 1
        depth += mark != ","
        if depth > MAX_JSON_DEPTH:
            raise UnreadableJsonError(f"JSON nested deeper than {MAX_JSON_DEPTH} levels")
        if values > MAX_JSON_VALUES:
            raise UnreadableJsonError(f"JSON with more than {MAX_JSON_VALUES} values")
