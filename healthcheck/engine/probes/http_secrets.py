"""What of an HTTP check's options may have been set in confidence: it is hidden wherever the target repeats it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

from healthcheck.engine.probes.http_redirects import BODY_HEADERS, HARMLESS_HEADERS
from healthcheck.engine.probes.http_values import FORM, JSON, Pairs, encode_body, read_form
from healthcheck.engine.types import ConfigurationError

# Shorter values, such as `1` or `en`, are no secrets, and evidence would be full of holes.
MIN_SECRET_CHARS = 6
# Each is looked for in several spellings; a body with more texts than that is hidden as a whole only.
MAX_BODY_SECRETS = 100


def list_secrets(*, headers: Pairs, query: Pairs, body: str, body_type: str) -> tuple[str, ...]:
    """Return the body and the texts in it, the values of parameters and of headers that are not harmless, and the
    last words of these, which is what stands behind `Bearer`."""
    values = [value for name, value in headers if name.lower() not in HARMLESS_HEADERS | BODY_HEADERS]
    words = [value.rsplit(" ", 1)[-1] for value in values]
    # It names whoever asks, and some put a key into it. It is sent on, as every agent's name is, and not quoted.
    agents = [value for name, value in headers if name.lower() == "user-agent"]
    parameters = [value for _, value in query]
    texts = (*values, *words, *agents, *parameters, body, *_list_body_secrets(body, body_type))
    return tuple(text for text in texts if len(text) >= MIN_SECRET_CHARS)


def _list_body_secrets(body: str, body_type: str) -> list[str]:
    if body_type == FORM:
        with suppress(ConfigurationError):
            pairs = read_form(body)
            return [encode_body(body, body_type).decode("ascii"), *(value for _, value in pairs[:MAX_BODY_SECRETS])]
    if body_type == JSON:
        with suppress(ValueError, RecursionError):
            texts = _walk(json.loads(body, parse_int=str, parse_float=str))
            return [text for text, _ in zip(texts, range(MAX_BODY_SECRETS), strict=False)]
    return []


def _walk(value: object) -> Iterator[str]:
    # Without recursion: how deep a document is, whoever wrote it says.
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, dict):
            waiting += each.values()
