"""What CI may say of a deploy, read from the body of its call: JSON that names a type and a deploy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from healthcheck.engine.types import ConfigurationError
from healthcheck.models.deploy import MAX_DEPLOY_LENGTH
from healthcheck.pipeline.deploys import MAX_TITLE_LENGTH
from healthcheck.pipeline.text import sanitise

STARTED, FINISHED = "deploy.started", "deploy.finished"


@dataclass(frozen=True, slots=True)
class Message:
    """`deploy` is CI's own name of this deploy; `minutes` is 0 where it says none, and may be more than is allowed."""

    type: str
    deploy: str
    minutes: int = 0
    title: str = ""


def read_message(body: bytes) -> Message:
    """Return what the body says. Raises ConfigurationError with a sentence for whoever keeps CI."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("data"), dict):
        sentence = f'the body is no such JSON as {{"type": "{STARTED}", "data": {{"deploy": "build-42"}}}}'
        raise ConfigurationError(sentence, field="body")
    if document.get("type") not in (STARTED, FINISHED):
        raise ConfigurationError(f"type is neither {STARTED} nor {FINISHED}; send one of them", field="type")
    data: dict[str, Any] = document["data"]
    return Message(
        document["type"],
        _read_name(data.get("deploy")),
        _read_minutes(data.get("minutes")),
        _read_title(data.get("title")),
    )


def _read_name(value: object) -> str:
    # Printable alone, so that two that look the same are the same.
    if not isinstance(value, str) or not _is_name(value):
        raise ConfigurationError(
            f"data.deploy is no text of 1 to {MAX_DEPLOY_LENGTH} printable characters without spaces around it; send "
            "what CI calls this deploy",
            field="deploy",
        )
    return value


def _is_name(text: str) -> bool:
    return 1 <= len(text) <= MAX_DEPLOY_LENGTH and text.isprintable() and text == text.strip()


def _read_minutes(value: object) -> int:
    if value is None:
        return 0
    if type(value) is not int or value < 1:
        raise ConfigurationError("data.minutes is no whole number of at least 1; send such a one", field="minutes")
    return value


def _read_title(value: object) -> str:
    if value is not None and not isinstance(value, str):
        raise ConfigurationError("data.title is no text; send one, or none", field="title")
    # It may be what somebody has written for a commit.
    return sanitise(" ".join((value or "").split()), MAX_TITLE_LENGTH)
