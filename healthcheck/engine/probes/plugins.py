"""Kinds of third parties: entry points of the group `healthcheck.probes`, read on first use and kept at arm's length.

What is wrong with one of them is a value with the distribution's name; it never keeps a process from working.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from healthcheck.engine.check import CheckSession
from healthcheck.engine.faults import ProbeFailure
from healthcheck.engine.probes.contained import Confinement
from healthcheck.engine.probes.fitting import find_misfit
from healthcheck.engine.types import Certificate, ConfigurationError, ErrorKind, Observation, Phase, Target

GROUP = "healthcheck.probes"
# What the column of the model holds.
MAX_KIND_CHARS = 20
# Nobody fills in a longer form.
MAX_OPTIONS = 40
_KIND = re.compile(rf"[a-z][a-z0-9-]{{0,{MAX_KIND_CHARS - 1}}}")
_OPTION = re.compile(r"[a-z][a-z0-9_]{0,39}")
# A sentence is read by a person; the longest of ours is half as long.
MAX_SENTENCE_CHARS = 500
# HTTP's have three digits, and a kind that has its own shares the column.
MAX_STATUS = 999
_CHAIN = tuple[Certificate, ...]
_FAILURE, _FAILED_CHAIN = tuple[ErrorKind, Phase, str, str], tuple[Certificate | None, _CHAIN]
# Fields of the endpoint's form that are no options: a field of the same name would take their place.
RESERVED = frozenset(
    {
        *("group", "name", "position", "is_paused", "kind", "address", "timeout_seconds", "failure_threshold"),
        *("recovery_threshold", "credential", "tags", "description", "assertions", "members", "opened_version"),
        "version_comment",
    }
)


@dataclass(frozen=True, slots=True)
class PluginFault:
    """What is wrong with a kind, and whose it is: a sentence for the person who installed it."""

    kind: str
    distribution: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Found:
    """The kinds that may be loaded, by name, and what keeps others from it."""

    kinds: Mapping[str, EntryPoint] = field(default_factory=dict)
    faults: Sequence[PluginFault] = ()


class ThirdPartyProbe:
    """A probe of somebody else behind the contract: what it raises beside the two named errors stays its own."""

    uses_credentials = False

    def __init__(self, made: Any, *, kind: str, distribution: str) -> None:
        self._made = made
        self.kind = kind
        self.distribution = distribution
        self.defaults: Mapping[str, Any] = dict(made.defaults)
        # Whether all that it connects goes through the session's dialer, and so under the address policy.
        self.uses_dialer = getattr(made, "uses_dialer", False) is True
        self._confinement = Confinement(f"the kind {kind}, of {distribution}")

    def parse(self, address: str, options: Mapping[str, Any]) -> Any:
        """Return what the probe makes of it. Raises ConfigurationError, whatever the probe raises."""
        try:
            return self._made.parse(address, options)
        except ConfigurationError as error:
            sentence, name = str(error.sentence)[:MAX_SENTENCE_CHARS], str(error.field)[:MAX_SENTENCE_CHARS]
            raise ConfigurationError(sentence, field=name) from None
        except (Exception, SystemExit) as error:
            # Only its type: the text may repeat what was typed in confidence.
            raise ConfigurationError(
                f"The kind {self.kind}, of {self.distribution}, failed while reading this ({type(error).__name__}); "
                "correct what was typed, or tell its authors.",
                field="options",
            ) from None

    async def observe(self, target: Target, session: CheckSession) -> Observation:
        """Raises ProbeFailure; everything else is for the runner, which calls it our side's failure."""
        try:
            observation: Observation = await self._confinement.hold(lambda: self._made.observe(target, session))
        except ProbeFailure as failure:
            self._refuse_misfits((failure.kind, failure.phase, failure.found, failure.expected), _FAILURE)
            self._refuse_misfits((failure.certificate, failure.chain), _FAILED_CHAIN)
            raise
        finally:
            _mend(session)
        self._refuse_misfits(observation, Observation)
        if (observation.status or 0) > MAX_STATUS:
            raise TypeError(f"{self._confinement.name}, observed a status that is none")
        read_chain = observation.read_chain
        return replace(observation, read_chain=self._check_chain(read_chain)) if read_chain else observation

    def _check_chain(self, read_chain: Callable[[], Any]) -> Callable[[], tuple[Certificate, ...]]:
        def read() -> tuple[Certificate, ...]:
            chain: tuple[Certificate, ...] = read_chain()
            self._refuse_misfits(chain, _CHAIN)
            return chain

        return read

    def _refuse_misfits(self, value: Any, hint: Any) -> None:
        if name := find_misfit(value, hint):
            raise TypeError(f"{self._confinement.name}, told something of another type: {name}")

    def locate(self, target: Target) -> Any:
        """Of a kind with the option `addresses`: where it connects to."""
        return self._made.locate(target)


def find_plugins(built_in: Container[str]) -> Found:
    """Return what is installed."""
    return sort_plugins(entry_points(group=GROUP), built_in)


def sort_plugins(entries: Iterable[EntryPoint], built_in: Container[str]) -> Found:
    """Keep what has a name of its own. Of two that claim the same one neither is used: which would be chance."""
    found = sorted(set(entries), key=lambda each: (each.name, name_distribution(each), each.value))
    claims = Counter(each.name for each in found)
    kinds: dict[str, EntryPoint] = {}
    faults: list[PluginFault] = []
    for each in found:
        if sentence := _refuse_name(each.name, built_in, claims[each.name]):
            faults.append(PluginFault(each.name[:50], name_distribution(each), sentence))
        else:
            kinds[each.name] = each
    return Found(kinds, tuple(faults))


def _refuse_name(kind: str, built_in: Container[str], claims: int) -> str:
    if kind in built_in:
        return "There is a kind of this name already, and it stays; the other needs another name."
    if not _KIND.fullmatch(kind):
        return f"A kind's name is at most {MAX_KIND_CHARS} lower-case letters, digits and hyphens; rename it."
    return "Several distributions claim this name, so none of them has it; remove all but one." if claims > 1 else ""


def name_distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unknown distribution"


def open_plugin(entry: EntryPoint, known: Mapping[str, Any]) -> ThirdPartyProbe | PluginFault:
    """Load a kind; `known` are the options of others with their defaults. Total: what is wrong is returned."""
    try:
        made = entry.load()()
        sentence = _find_flaw(made, entry.name, known)
        if not sentence:
            return ThirdPartyProbe(made, kind=entry.name, distribution=name_distribution(entry))
    except (Exception, SystemExit) as error:
        sentence = f"It cannot be loaded: {type(error).__name__}: {_read_text(error)}"
    return PluginFault(entry.name, name_distribution(entry), sentence)


def _read_text(error: BaseException) -> str:
    try:
        return str(error)[:200]
    except Exception:
        # Its authors wrote that, too.
        return ""


def _mend(session: CheckSession) -> None:
    """Put right what goes into the evidence of whatever becomes of the check, a timeout included."""
    if find_misfit(session.address, str):
        session.address = ""
    session.redirects[:] = [each for each in session.redirects if not find_misfit(each, str)]
    if not isinstance(session.stopwatch.phase, Phase):
        session.stopwatch.phase = Phase.REQUEST


def _find_flaw(made: Any, kind: str, known: Mapping[str, Any]) -> str:
    if getattr(made, "kind", None) != kind:
        return f"Its attribute “kind” must be “{kind}”."
    if getattr(made, "uses_credentials", False):
        return "Kinds of third parties are given no credentials; its attribute “uses_credentials” must be False."
    if not callable(getattr(made, "parse", None)) or not callable(getattr(made, "observe", None)):
        return "It needs the methods “parse” and “observe”."
    return _find_flawed_option(getattr(made, "defaults", None), known)


def _find_flawed_option(defaults: Any, known: Mapping[str, Any]) -> str:
    if not isinstance(defaults, Mapping) or len(defaults) > MAX_OPTIONS:
        return f"Its attribute “defaults” must be a mapping of at most {MAX_OPTIONS} options."
    if json.loads(json.dumps(dict(defaults))) != dict(defaults):
        return "Its defaults must be plain JSON values."
    for name, default in defaults.items():
        if not _OPTION.fullmatch(name) or name in RESERVED:
            return f"The option “{name[:50]}” needs another name: lower-case letters, digits and underscores."
        if name in known and known[name] != default:
            return f"The option “{name}” has another default elsewhere; those of one name mean the same, so rename it."
    return ""
