"""What a request is made of, as a person writes it: method, headers, pairs, bodies. Refusals name field and cure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from healthcheck.engine.probes.option_values import has_surrogate
from healthcheck.engine.types import ConfigurationError

# Offered; any other method in capital letters may be written.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
MAX_METHOD_LENGTH = 32
MAX_REQUEST_HEADERS = 50
MAX_REQUEST_HEADER_LENGTH = 8 * 1024
MAX_REQUEST_BODY_BYTES = 256 * 1024
# Twice as many fields as servers take, and as much as is encoded in some milliseconds.
MAX_FORM_FIELDS, MAX_FORM_BYTES = 2_000, 64 * 1024
MAX_PAIRS = 50
# As they go out. Servers refuse a request line of more than 8 KiB.
MAX_QUERY_LENGTH = 6 * 1024

TEXT, JSON, FORM = BODY_TYPES = ("text", "json", "form")
CONTENT_TYPES: Mapping[str, str] = {TEXT: "", JSON: "application/json", FORM: "application/x-www-form-urlencoded"}

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Z-]+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# They say where a message ends and whose connection it is, which only the transport knows.
_OUR_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

Pairs = tuple[tuple[str, str], ...]


def parse_method(value: Any) -> str:
    """Return a method, one of the usual or one of a server's own."""
    if not isinstance(value, str) or not _METHOD.fullmatch(value) or len(value) > MAX_METHOD_LENGTH:
        raise ConfigurationError(
            f"The method must be a word of at most {MAX_METHOD_LENGTH} capital letters, such as GET or PURGE; correct "
            "it.",
            field="method",
        )
    if value == "CONNECT":
        raise ConfigurationError("CONNECT opens a tunnel and asks nothing; choose another method.", field="method")
    return value


def parse_headers(value: Any) -> Pairs:
    """Return the headers, given as a list of pairs or as an object."""
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, Sequence) or isinstance(pairs, str):
        raise ConfigurationError(
            "The headers must be a list of names and values; write them as pairs.", field="headers"
        )
    if len(pairs) > MAX_REQUEST_HEADERS:
        raise ConfigurationError(f"There are more than {MAX_REQUEST_HEADERS} headers; remove some.", field="headers")
    return tuple(_parse_header(pair) for pair in pairs)


def _parse_header(pair: Any) -> tuple[str, str]:
    if not _is_pair(pair):
        raise ConfigurationError("Each header must be a pair of a name and a value; write both.", field="headers")
    name, value = pair
    if not _TOKEN.fullmatch(name):
        raise ConfigurationError("A header's name must be letters, digits and hyphens; correct it.", field="headers")
    if name.lower() == "host":
        raise ConfigurationError("The header Host has a field of its own; write it there (host).", field="headers")
    if name.lower() in _OUR_HEADERS:
        raise ConfigurationError(f"The header {name} is set by the checker itself; remove it.", field="headers")
    if _VALUE_CONTROL.search(value) or has_surrogate(value):
        raise ConfigurationError(
            f"The value of {name[:50]} holds a line break or another control character; remove it.", field="headers"
        )
    if len(name) + len(value) > MAX_REQUEST_HEADER_LENGTH:
        raise ConfigurationError(
            f"The header {name[:50]} is longer than {MAX_REQUEST_HEADER_LENGTH} characters; shorten it.",
            field="headers",
        )
    return name, value.strip(" \t")


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(each, str) for each in pair)


def parse_query(value: Any) -> Pairs:
    """Return the parameters, given as a list of pairs or as an object."""
    pairs = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(pairs, Sequence) or isinstance(pairs, str):
        raise ConfigurationError(
            "The parameters must be a list of names and values; write them as pairs.", field="query"
        )
    parsed = tuple(_parse_pair(pair, field="query") for pair in pairs)
    if len(parsed) > MAX_PAIRS:
        raise ConfigurationError(f"There are more than {MAX_PAIRS} parameters; remove some.", field="query")
    if len(encode_query(parsed)) > MAX_QUERY_LENGTH:
        raise ConfigurationError(
            f"The parameters are longer than {MAX_QUERY_LENGTH} characters as they are sent; shorten them.",
            field="query",
        )
    return parsed


def _parse_pair(pair: Any, *, field: str) -> tuple[str, str]:
    if not _is_pair(pair):
        raise ConfigurationError("Each parameter must be a pair of a name and a value; write both.", field=field)
    name, value = pair[0].strip(), pair[1]
    if not name or "=" in name:
        raise ConfigurationError("A parameter needs a name, without “=” in it; correct it.", field=field)
    if any(_VALUE_CONTROL.search(each) or has_surrogate(each) for each in (name, value)):
        raise ConfigurationError(
            f"The parameter {name[:50]} holds a line break or another control character; remove it.", field=field
        )
    return name, value


def read_pairs(text: str, *, field: str) -> Pairs:
    """Read one `name=value` per line; empty lines are left out. Raises ConfigurationError that names the line."""
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise ConfigurationError(f"Line {number} is no parameter; write it as name=value.", field=field)
        pairs.append(_parse_pair((name, value), field=field))
    return tuple(pairs)


def encode_query(pairs: Pairs) -> str:
    """Return the parameters as they stand in a URL: a space as %20, which every server reads."""
    return urlencode(pairs, quote_via=quote, safe="")


def parse_body(value: Any) -> str:
    """Return the body's text; what it must be like, its type says."""
    if not isinstance(value, str) or has_surrogate(value):
        raise ConfigurationError("The body must be text; correct it.", field="body")
    if len(value.encode()) > MAX_REQUEST_BODY_BYTES:
        raise ConfigurationError(f"The body is larger than {MAX_REQUEST_BODY_BYTES} bytes; shorten it.", field="body")
    return value


def parse_body_type(value: Any) -> str:
    """Return what the body is."""
    if value not in BODY_TYPES:
        raise ConfigurationError("The type of the body must be text, json or form; choose one.", field="body_type")
    return str(value)


def check_body(body: str, body_type: str) -> None:
    """Raises ConfigurationError for a body that is not what its type says."""
    if body_type == JSON:
        refusal = _refuse_json(body)
        if refusal:
            raise ConfigurationError(refusal, field="body")
    elif body_type == FORM:
        if body.count("\n") >= MAX_FORM_FIELDS or len(body.encode()) > MAX_FORM_BYTES:
            raise ConfigurationError(
                f"A form has at most {MAX_FORM_FIELDS} lines and {MAX_FORM_BYTES} bytes; shorten it, or write the body "
                "as it is sent and choose the type text.",
                field="body",
            )
        _encode_form(body)


# Every run parses its targets' options anew; a text has at most 256 KiB, so that all of these stay below 16 MiB.
@lru_cache(maxsize=64)
def _refuse_json(text: str) -> str:
    if not text.strip():
        return "The body is empty, which is not JSON; write it, or choose the type text."
    try:
        # Numbers stay texts: how long one may be is the reader's business.
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        return (
            f"Line {error.lineno}, column {error.colno} of the body is not JSON; correct it, or choose the type text."
        )
    except RecursionError:
        return "The body is nested too deeply; flatten it, or choose the type text."
    except ValueError:
        return "The body holds NaN or Infinity, which is not JSON; correct it, or choose the type text."
    return ""


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def encode_body(body: str, body_type: str) -> bytes:
    """Return the body as it is sent; JSON as it was written. Raises ConfigurationError for a form that is none."""
    return _encode_form(body) if body_type == FORM else body.encode()


# Both are filled where options are read, which is no event loop; what they keep of a form has at most 500 KiB.
@lru_cache(maxsize=64)
def _encode_form(body: str) -> bytes:
    return urlencode(read_form(body)).encode("ascii")


@lru_cache(maxsize=64)
def read_form(body: str) -> Pairs:
    """Return the fields of a form. Raises ConfigurationError that names the line."""
    return read_pairs(body, field="body")
