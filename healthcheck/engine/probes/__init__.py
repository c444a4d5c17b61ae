"""The registry of kinds: a name to the dotted name of its probe, loaded on first use so that the rest costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from healthcheck.engine.check import CheckSession
from healthcheck.engine.types import ConfigurationError, Observation, Target

PROBES: Mapping[str, str] = {
    "http": "healthcheck.engine.probes.http:HttpProbe",
    "tcp": "healthcheck.engine.probes.tcp:TcpProbe",
    "tls": "healthcheck.engine.probes.tls:TlsProbe",
}


class Probe(Protocol):
    """A way to ask. One instance serves every check of its kind in the process, so it holds no state of a check."""

    kind: str
    # Whether what a credential proves can be said over it.
    uses_credentials: bool

    # Every option that the kind has with its default, as plain JSON values.
    defaults: Mapping[str, Any]

    def parse(self, address: str, options: Mapping[str, Any]) -> Any:
        """Return the typed, frozen configuration. Raises ConfigurationError with a sentence that names the cure."""

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        """Ask the target once. Raises ProbeFailure; the deadline is the session's and cancels from outside."""


@cache
def load_probe(kind: str) -> Probe:
    """Return the probe of a kind. Raises ConfigurationError for a kind nobody registered."""
    dotted = PROBES.get(kind)
    if dotted is None:
        raise ConfigurationError(f"There is no kind “{kind}”; choose one of {', '.join(sorted(PROBES))}.", field="kind")
    module, _, name = dotted.partition(":")
    probe: Probe = getattr(import_module(module), name)()
    return probe


def read_defaults(kind: str) -> Mapping[str, Any]:
    """Return the options of a kind with their defaults; none of a kind nobody registered."""
    return load_probe(kind).defaults if kind in PROBES else {}


@cache
def collect_defaults() -> Mapping[str, Any]:
    """Return the options of all kinds by name. One that several kinds have means the same, so it has one default."""
    return {name: value for kind in PROBES for name, value in read_defaults(kind).items()}


def list_kinds_with(option: str) -> list[str]:
    """Return the kinds that have the option, in the registry's order."""
    return [kind for kind in PROBES if option in read_defaults(kind)]
