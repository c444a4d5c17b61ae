"""The registry of kinds: a name to the dotted name of its class, loaded on first use so that the rest costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from healthcheck.engine.check import CheckSession
from healthcheck.engine.probes.plugins import Found, PluginFault, ThirdPartyProbe, find_plugins, open_plugin
from healthcheck.engine.types import ConfigurationError, Observation, Outcome, Target

PROBES: Mapping[str, str] = {
    "http": "healthcheck.engine.probes.http:HttpProbe",
    "tcp": "healthcheck.engine.probes.tcp:TcpProbe",
    "tls": "healthcheck.engine.probes.tls:TlsProbe",
    "icmp": "healthcheck.engine.probes.icmp:IcmpProbe",
    "dns": "healthcheck.engine.probes.dns:DnsProbe",
}
# Kinds that ask nobody: `pipeline/judge.py` loads what they are judged from. They have no address and no assertions.
JUDGED: Mapping[str, str] = {
    "heartbeat": "healthcheck.engine.probes.heartbeat:HeartbeatKind",
    "group": "healthcheck.engine.probes.group:GroupJudge",
}


class Kind(Protocol):
    """What every kind is. One instance serves the whole process, so it holds no state of a check."""

    kind: str
    # Whether what a credential proves can be said over it.
    uses_credentials: bool

    # Every option that the kind has with its default, as plain JSON values.
    defaults: Mapping[str, Any]

    def parse(self, address: str, options: Mapping[str, Any]) -> Any:
        """Return the typed, frozen configuration. Raises ConfigurationError with a sentence that names the cure."""


@cache
def _collect_ours() -> Mapping[str, Any]:
    return {name: value for kind in (*PROBES, *JUDGED) for name, value in load_kind(kind).defaults.items()}


@cache
def _find_plugins() -> Found:
    return find_plugins({*PROBES, *JUDGED})


@cache
def _open_plugins() -> Mapping[str, ThirdPartyProbe | PluginFault]:
    """Load them all, one after another: of two that disagree about an option, the first by name is right."""
    known = dict(_collect_ours())
    opened: dict[str, ThirdPartyProbe | PluginFault] = {}
    for kind, entry in _find_plugins().kinds.items():
        found = opened[kind] = open_plugin(entry, known)
        if isinstance(found, ThirdPartyProbe):
            known |= found.defaults
    return opened


def _load_plugin(kind: str) -> ThirdPartyProbe:
    found = _open_plugins()[kind]
    if isinstance(found, PluginFault):
        raise ConfigurationError(
            f"The kind {kind}, of {found.distribution}, cannot be used. {found.sentence}", field="kind"
        )
    return found


def list_third_party() -> list[ThirdPartyProbe | PluginFault]:
    """Return every kind of a third party, or what is wrong with it."""
    return [*_open_plugins().values(), *_find_plugins().faults]


def is_under_policy(kind: str) -> bool:
    """Say whether all that a kind connects goes through the dialer: ours do, others say so themselves."""
    if kind not in _find_plugins().kinds:
        return True
    found = _open_plugins()[kind]
    return isinstance(found, ThirdPartyProbe) and found.uses_dialer


def is_hidden_option(name: str) -> bool:
    """Say whether an option is a third party's and may be secret for all that we know: numbers and yes or no are not.

    So is one of a kind that is not installed any more.
    """
    return name not in _collect_ours() and not isinstance(collect_defaults().get(name), bool | int | float)


class Probe(Kind, Protocol):
    """A way to ask."""

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        """Ask the target once. Raises ProbeFailure; the deadline is the session's and cancels from outside."""


class Judge(Kind, Protocol):
    """A way to judge without asking, from facts that were loaded beforehand."""

    def judge(self, target: Target, facts: Any, now: datetime) -> Outcome:
        """Return the judgement. Pure and bounded; `facts` is what the kind's loader found, None for nothing."""


@cache
def load_kind(kind: str) -> Kind:
    """Return what a kind is. Raises ConfigurationError for a kind nobody registered."""
    return load_judge(kind) if kind in JUDGED else load_probe(kind)


@cache
def load_probe(kind: str) -> Probe:
    """Return the probe of a kind. Raises ConfigurationError for a kind nobody registered, or that asks nobody."""
    if kind in JUDGED:
        raise ConfigurationError(
            f"A check of the kind {kind} asks nobody, so there is nothing to try; check its group instead.",
            field="kind",
        )
    if kind in _find_plugins().kinds:
        return _load_plugin(kind)
    if kind not in PROBES:
        known = ", ".join(sorted(list_kinds()))
        raise ConfigurationError(f"There is no kind “{kind}”; choose one of {known}.", field="kind")
    probe: Probe = _make(PROBES[kind])
    return probe


@cache
def load_judge(kind: str) -> Judge:
    """Return the judge of a kind that asks nobody; `kind` is one of `JUDGED`."""
    judge: Judge = _make(JUDGED[kind])
    return judge


def _make(dotted: str) -> Any:
    module, _, name = dotted.partition(":")
    return getattr(import_module(module), name)()


def list_kinds() -> list[str]:
    """Return the names of all kinds, in the order in which they are shown."""
    return [*PROBES, *JUDGED, *_find_plugins().kinds]


def is_judged(kind: str) -> bool:
    """Say whether a kind asks nobody: without an address, without assertions."""
    return kind in JUDGED


def list_asked_kinds() -> list[str]:
    """Return the kinds that ask somebody, in the registry's order."""
    return [kind for kind in list_kinds() if not is_judged(kind)]


def read_defaults(kind: str) -> Mapping[str, Any]:
    """Return the options of a kind with their defaults; none of a kind nobody registered."""
    if kind in _find_plugins().kinds:
        found = _open_plugins()[kind]
        return found.defaults if isinstance(found, ThirdPartyProbe) else {}
    return load_kind(kind).defaults if kind in list_kinds() else {}


@cache
def collect_defaults() -> Mapping[str, Any]:
    """Return the options of all kinds by name. One that several kinds have means the same, so it has one default."""
    return {name: value for kind in list_kinds() for name, value in read_defaults(kind).items()}


def list_kinds_with_credentials() -> list[str]:
    """Return the kinds over which a credential can be proven: none of a third party's."""
    return [kind for kind in (*PROBES, *JUDGED) if load_kind(kind).uses_credentials]


def list_kinds_with(option: str) -> list[str]:
    """Return the kinds that have the option, in the registry's order."""
    return [kind for kind in list_kinds() if option in read_defaults(kind)]
