"""Proposes assertions that fit what was observed. Pure; each one parses, and holds for that observation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from healthcheck.engine.assertions import parse_assertion
from healthcheck.engine.assertions.facts import Facts
from healthcheck.engine.assertions.json_document import UnreadableJsonError
from healthcheck.engine.assertions.subjects.latency import MAX_LATENCY_US
from healthcheck.engine.masking import is_secret_name, mask_named_values
from healthcheck.engine.redaction import Redactor
from healthcheck.engine.types import ConfigurationError, Observation

MAX_JSON_FACTS = 4
MAX_JSON_DEPTH = 3
# Members looked at per object; health documents have a handful.
MAX_MEMBERS = 50
MAX_TEXT_CHARS = 80
# More addresses than these belong to somebody who changes them without a word.
MAX_ANSWERS = 4
# Where a page says what it is.
_HEAD_CHARS = 64 * 1024
# Five times of what one look took leaves room for a busy hour, and never less than this.
LATENCY_FACTOR, LEAST_LATENCY_MS = 5, 200
_CERTIFICATE_DAYS = (14, 7, 3)

_TITLE = re.compile(r"<(title|h1)\b[^<>]{0,200}>([^<>]{1,500})</\1", re.IGNORECASE)
_NAMES = {"status": 0, "state": 1, "health": 2, "healthy": 2, "ready": 2, "ok": 2, "success": 2, "alive": 2, "up": 2}
_UNWELL = frozenset(
    {
        "down",
        "error",
        "errors",
        "fail",
        "failed",
        "failing",
        "failure",
        "unhealthy",
        "critical",
        "degraded",
        "no",
        "not",
    }
    | {"broken", "dead", "offline", "outage", "stopped", "unavailable", "unreachable", "warn", "warning"}
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A number in a word is a counter, a time, an id: it will be another one tomorrow.
_STEADY = re.compile(r"[^\W\d_](?:[^\W\d_]|[ ._'-])*")
_MEDIA_TYPES = ("json", "html", "xml", "text/plain")


def suggest_assertions(
    observation: Observation, *, now: datetime, is_encrypted: bool = False, redactor: Redactor | None = None
) -> tuple[str, ...]:
    """Return assertions to choose from, the most telling first; none for an answer that is itself a failure.

    `now` (aware) is what the certificate is compared with; nothing is proposed that the `redactor` would change.
    """
    if observation.status is not None and observation.status >= 500:
        return ()
    facts = Facts(observation, now)
    proposed = [
        *_suggest_status(observation),
        *_suggest_answers(observation),
        *_suggest_header(facts),
        *_suggest_body(facts),
        _suggest_latency(observation),
        *(_suggest_certificate() if is_encrypted else ()),
    ]
    kept: list[str] = []
    for text in proposed:
        if text.startswith("certificate") and any(each.startswith("certificate") for each in kept):
            continue
        if text not in kept and _is_fit_to_show(text, redactor) and _holds(text, facts):
            kept.append(text)
    return tuple(kept)


def _is_fit_to_show(text: str, redactor: Redactor | None) -> bool:
    cleaned = redactor.clean(text) if redactor is not None else text
    return text.isprintable() and mask_named_values(cleaned) == text


def _holds(text: str, facts: Facts) -> bool:
    try:
        return parse_assertion(text).find_fault(facts) is None
    except ConfigurationError:
        return False


def _suggest_status(observation: Observation) -> Iterator[str]:
    if observation.status is not None:
        yield f"status {observation.status}"


def _suggest_answers(observation: Observation) -> Iterator[str]:
    """Propose what was answered: all of it where it is little, else that there is as much."""
    found = observation.dns.answers if observation.dns is not None else ()
    if 0 < len(found) <= MAX_ANSWERS:
        yield f"answers exactly {', '.join(sorted(json.dumps(each.data, ensure_ascii=False) for each in found))}"
    elif found:
        yield f"answers count >= {len(found)}"


def _suggest_header(facts: Facts) -> Iterator[str]:
    content_type = (facts.find_header("content-type") or "").lower()
    for each in _MEDIA_TYPES:
        if each in content_type:
            yield f'header content-type contains "{each}"'
            return


def _suggest_body(facts: Facts) -> Iterator[str]:
    # What a name server says is proposed as its answers.
    if not facts.observation.body or facts.observation.dns is not None:
        return
    document = facts.document
    if isinstance(document, (dict, list)):
        yield from _suggest_json(document)
    elif isinstance(document, UnreadableJsonError):
        yield from _suggest_text(facts.text[:_HEAD_CHARS])


def _suggest_json(document: dict[str, Any] | list[Any]) -> Iterator[str]:
    telling = sorted(_find_telling(document, "$", MAX_JSON_DEPTH), key=lambda found: found[0])
    yield from (f"json {path} == {literal}" for _, path, literal in telling[:MAX_JSON_FACTS])
    if not telling and isinstance(document, dict):
        yield from (f"json {_join('$', name)}" for name in list(document)[:1])


def _find_telling(value: Any, path: str, depth: int) -> Iterator[tuple[tuple[int, int], str, str]]:
    """Yield the rank, path and literal of members whose name and value say that all is well."""
    if not isinstance(value, dict):
        return
    for name, member in list(value.items())[:MAX_MEMBERS]:
        if is_secret_name(name):
            continue
        rank = _NAMES.get(name.lower())
        if rank is not None and _is_well(member):
            yield (MAX_JSON_DEPTH - depth, rank), _join(path, name), json.dumps(member, ensure_ascii=False)
        elif depth > 1:
            yield from _find_telling(member, _join(path, name), depth - 1)


def _join(path: str, name: str) -> str:
    if _IDENTIFIER.fullmatch(name):
        return f"{path}.{name}"
    return f"{path}[{json.dumps(name, ensure_ascii=False)}]"


def _is_well(value: Any) -> bool:
    if isinstance(value, str):
        return (
            len(value) <= MAX_TEXT_CHARS
            and bool(_STEADY.fullmatch(value))
            and _UNWELL.isdisjoint(value.lower().split())
        )
    return value is True


def _suggest_text(text: str) -> Iterator[str]:
    found = _TITLE.search(text)
    if found is not None:
        line = _choose_line(found[2])
    elif "<" not in text:
        line = _choose_line(text)
        line = line if _STEADY.fullmatch(line) else ""
    else:
        line = ""
    if line:
        yield f"body contains {json.dumps(line, ensure_ascii=False)}"


def _choose_line(text: str) -> str:
    """Return the first line that says something, cut at a word."""
    line = next((stripped for each in text.splitlines() if (stripped := each.strip())), "")
    if len(line) > MAX_TEXT_CHARS:
        line = line[:MAX_TEXT_CHARS].rpartition(" ")[0] or line[:MAX_TEXT_CHARS]
    return line if line.isprintable() and "\ufffd" not in line else ""


def _suggest_latency(observation: Observation) -> str:
    wanted = max(LEAST_LATENCY_MS, observation.latency_us * LATENCY_FACTOR / 1000)
    return f"latency < {_round_up(wanted)}ms degraded"


def _round_up(wanted: float) -> int:
    step = 1
    while step * 10 <= wanted:
        step *= 10
    rounded = next(step * factor for factor in (1, 2, 3, 5, 10) if step * factor >= wanted)
    return min(rounded, MAX_LATENCY_US // 1000)


def _suggest_certificate() -> Iterator[str]:
    yield from (f"certificate > {days} days degraded" for days in _CERTIFICATE_DAYS)
