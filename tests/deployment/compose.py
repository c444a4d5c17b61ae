"""What `docker-compose.yml` says, read from the file itself: services, commands, environment names, health checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
# ${NAME}, ${NAME:-default} and ${NAME:?message}: all that the file uses, and Compose reads more.
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<how>[-?])(?P<word>[^}]*))?\}")


class MissingVariableError(Exception):
    """A variable that the file requires is not set. The text is the file's own."""


@dataclass(frozen=True, slots=True)
class Service:
    """One service, its environment complete, with what Compose would do by itself written out."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    # Empty where there is none.
    health_check: tuple[str, ...]
    stop_signal: str
    stop_grace_seconds: float
    restart: str
    replicas: int
    needs: Mapping[str, str]
    definition: Mapping[str, Any]


def read_compose_file() -> str:
    return COMPOSE_FILE.read_text()


def use_secret_files(text: str) -> str:
    """Return the file as the `sed` command in its head leaves it."""
    return re.sub("#: ", "", re.sub(r"^.*:\?.*\n", "", text, flags=re.MULTILINE))


def load_services(text: str, variables: Mapping[str, str]) -> dict[str, Service]:
    """Return the services by name. Raises MissingVariableError for a required variable that is not there."""
    document = _interpolate(yaml.safe_load(text), variables)
    return {name: _read_service(name, definition) for name, definition in document["services"].items()}


def _read_service(name: str, definition: Mapping[str, Any]) -> Service:
    health_check = definition.get("healthcheck", {})
    needs = definition.get("depends_on", {})
    return Service(
        name=name,
        image=definition["image"],
        command=tuple(definition.get("command", ())),
        environment={key: str(value) for key, value in definition.get("environment", {}).items()},
        health_check=tuple(health_check.get("test", ("CMD",)))[1:],
        stop_signal=definition.get("stop_signal", "SIGTERM"),
        stop_grace_seconds=float(str(definition.get("stop_grace_period", "10s")).removesuffix("s")),
        restart=definition.get("restart", "no"),
        replicas=definition.get("deploy", {}).get("replicas", 1),
        needs={needed: condition["condition"] for needed, condition in needs.items()},
        definition=definition,
    )


def map_texts(node: Any, change: Callable[[str], str]) -> Any:
    """Return a copy of a parsed document with every text in it changed, keys excepted."""
    if isinstance(node, dict):
        return {key: map_texts(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [map_texts(value, change) for value in node]
    return change(node) if isinstance(node, str) else node


def _interpolate(node: Any, variables: Mapping[str, str]) -> Any:
    def fill(found: re.Match[str]) -> str:
        value = variables.get(found["name"], "")
        if not value and found["how"] == "?":
            raise MissingVariableError(found["word"])
        return value or found["word"] or ""

    return map_texts(node, lambda text: VARIABLE.sub(fill, text))
