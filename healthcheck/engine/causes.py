"""What failures have in common: which of them are one incident, and the line that names its cause. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import urlsplit

from healthcheck.engine.incidents import Severity
from healthcheck.engine.types import ErrorKind, State

# As long as a column has room for; a name in the DNS is shorter.
MAX_HOST_LENGTH = 255
T = TypeVar("T")
# Something that failures can share: what it is, and its value.
Trait = tuple[str, str | int]


@dataclass(frozen=True, slots=True)
class Failure:
    """An endpoint that is not up since `at`. `host` is whom its address names, `address` what was connected to.

    `roots` are the endpoints that it depends on, are down, and depend on nothing that is: they explain it alone.
    """

    endpoint_id: int
    state: State
    at: datetime
    error_kind: int = 0
    host: str = ""
    address: str = ""
    roots: frozenset[int] = frozenset()

    def list_traits(self) -> set[Trait]:
        if self.roots:
            return {("root", each) for each in self.roots}
        named: tuple[Trait, ...] = (("kind", self.error_kind), ("host", self.host), ("address", self.address))
        return {(name, value) for name, value in named if value}


@dataclass(frozen=True, slots=True)
class Cause:
    """What some failures have in common: 0 and nothing where they differ."""

    error_kind: int
    host: str
    # Names the cause among the open incidents of a group and location.
    name: str


def group_failures(failures: Sequence[Failure]) -> list[list[Failure]]:
    """Return the failures in groups of those that share something, directly or through others; all in order."""
    sharing: dict[Trait, list[int]] = {}
    for place, failure in enumerate(failures):
        for trait in failure.list_traits():
            sharing.setdefault(trait, []).append(place)
    left = dict(enumerate(failures))
    groups = []
    for first in range(len(failures)):
        if first in left:
            del left[first]
            groups.append([failures[place] for place in sorted(_follow_traits(first, failures, sharing, left))])
    return groups


def _follow_traits(
    first: int, failures: Sequence[Failure], sharing: dict[Trait, list[int]], left: dict[int, Failure]
) -> list[int]:
    """Return the places of all that hang together with the first, and take them from what is left.

    Whoever shares a trait is looked up once for all of them, so that the work is linear.
    """
    found = [first]
    for place in found:
        for trait in failures[place].list_traits():
            found += [each for each in sharing.pop(trait, ()) if left.pop(each, None) is not None]
    return found


def find_cause(failures: Sequence[Failure]) -> Cause:
    """Return what all of the failures share. Those of a group have roots together, or none of them has."""
    error_kind = _find_common([failure.error_kind for failure in failures]) or 0
    host = _find_common([failure.host for failure in failures]) or ""
    roots = frozenset[int]().union(*(failure.roots for failure in failures))
    if roots:
        name = f"root:{min(roots)}"
    elif error_kind:
        name = f"kind:{error_kind}"
    elif host:
        name = f"host:{host}"
    else:
        name = f"endpoint:{min(failure.endpoint_id for failure in failures)}"
    return Cause(error_kind, host, name)


def describe_cause(severity: Severity, count: int, checked: int, *, error_kind: int = 0, host: str = "") -> str:
    """Return one line such as "17 of 20 down: dns, all on example.test"."""
    counted = f"{count} of {checked} {severity.word}" if checked > 1 else severity.word
    place = f"all on {host}" if count > 1 else f"on {host}"
    details = [ErrorKind(error_kind).word.replace("_", " ")] if error_kind else []
    details += [place] if host else []
    return f"{counted}: {', '.join(details)}" if details else counted


def find_host(address: str) -> str:
    """Return the host that an endpoint's address names, whatever its kind; empty where there is none to be found."""
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname
    except ValueError:
        return ""
    return (host or "")[:MAX_HOST_LENGTH]


def find_severity(states: Collection[int]) -> Severity:
    """Return that of the worst of the states, none of which is up."""
    return Severity.DOWN if State.DOWN in states else Severity.DEGRADED


def _find_common(values: Sequence[T]) -> T | None:
    return values[0] if len(set(values)) == 1 else None
