"""What a status page shows, as frozen values: nothing in here could name an address or what a target answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from healthcheck.engine.types import ErrorKind, State
from healthcheck.engine.uptime import Totals
from healthcheck.web.freshness import CheckerFault
from healthcheck.web.uptime import Span, Uptime, add_up

# Pages with more endpoints fold the groups in which all is well.
MAX_UNFOLDED_ENDPOINTS = 40
# Looked up once: in Python 3.11 each look-up of a member on its class is a call, and a page asks for thousands.
_UP, _DEGRADED = State.UP, State.DEGRADED


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one location knows of an endpoint. `state` is the one to show; `since` belongs to it."""

    state: State
    since: datetime | None = None
    is_expired: bool = False
    last_verdict: State = State.UNKNOWN
    error_kind: ErrorKind | None = None
    latency_us: int = 0
    observed_at: datetime | None = None
    valid_until: datetime | None = None
    strip: str = ""

    @property
    def has_ceased(self) -> bool:
        """Tell whether the evidence has expired without news: an outcome that measured nothing is news, too."""
        if not self.is_expired or self.valid_until is None:
            return False
        came_later = self.observed_at is not None and self.observed_at > self.valid_until
        measured_nothing = self.last_verdict is State.UNKNOWN and self.error_kind is not None
        return not (came_later or measured_nothing)


NEVER_CHECKED = Sighting(State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class EndpointView:
    id: int
    name: str
    # Its own pause, or its group's.
    is_paused: bool
    sighting: Sighting
    # Of the period that is shown; None without a history in it.
    uptime: Uptime | None = None
    group_id: int = 0
    in_maintenance: bool = False

    @property
    def state(self) -> State:
        return self.sighting.state

    @property
    def is_checked(self) -> bool:
        """Tell whether any check of it ever ended."""
        return self.sighting.observed_at is not None

    @property
    def latency_us(self) -> int:
        """Return how long the last check took if it was answered well; a failure's time says nothing to a reader."""
        seen = self.sighting
        is_good = seen.last_verdict is _UP or seen.last_verdict is _DEGRADED
        return seen.latency_us if is_good and not seen.is_expired else 0


def choose_counted(active: Sequence[EndpointView]) -> tuple[EndpointView, ...]:
    """Return those that say something about the whole: all, unless trouble is maintenance; then all outside of it."""
    outside = tuple(endpoint for endpoint in active if not endpoint.in_maintenance)
    is_trouble = any(endpoint.in_maintenance and endpoint.state is not _UP for endpoint in active)
    return outside if is_trouble else tuple(active)


def count_maintained(endpoints: Iterable[EndpointView]) -> int:
    """Return how many are in maintenance, which is said beside each of them."""
    return sum(endpoint.in_maintenance for endpoint in endpoints)


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group with what is shown of it. Endpoints that a section shows one by one stand in one without a name."""

    id: int
    slug: str
    name: str
    is_paused: bool
    endpoints: tuple[EndpointView, ...]
    # Unlike the group's id, one of a kind on its page: a page may show a group twice.
    key: str = ""

    @property
    def is_loose(self) -> bool:
        return not self.slug

    @property
    def active(self) -> tuple[EndpointView, ...]:
        return tuple(endpoint for endpoint in self.endpoints if not endpoint.is_paused)

    @property
    def counted(self) -> tuple[EndpointView, ...]:
        return choose_counted(self.active)

    @property
    def state(self) -> State:
        return summarise_states(endpoint.state for endpoint in self.counted)

    @property
    def totals(self) -> Totals:
        """Return what the period that is shown came to, over all its endpoints."""
        return add_up(endpoint.uptime for endpoint in self.endpoints)


@dataclass(frozen=True, slots=True)
class SectionView:
    """Groups under a heading. A page without sections has one without a title."""

    groups: tuple[GroupView, ...]
    id: int = 0
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """One status page at one instant."""

    slug: str
    title: str
    description: str
    sections: tuple[SectionView, ...]
    checker_faults: tuple[CheckerFault, ...] = ()
    # None where the last checks are shown instead of a period.
    span: Span | None = None

    @property
    def groups(self) -> tuple[GroupView, ...]:
        return tuple(group for section in self.sections for group in section.groups)

    @property
    def endpoints(self) -> tuple[EndpointView, ...]:
        """Return what is shown, in order; each once, however often the page shows it."""
        shown = {endpoint.id: endpoint for group in reversed(self.groups) for endpoint in reversed(group.endpoints)}
        return tuple(reversed(shown.values()))

    @property
    def newest_result_at(self) -> datetime | None:
        seen = [endpoint.sighting.observed_at for endpoint in self.endpoints]
        return max((at for at in seen if at is not None), default=None)


def choose_sighting(sightings: Iterable[Sighting]) -> Sighting:
    """Return the sighting an endpoint is shown by: the worst of what is known; unknown only when nobody knows."""
    return max(sightings, key=lambda sighting: sighting.state, default=NEVER_CHECKED)


def summarise_states(states: Iterable[State]) -> State:
    """Return the one state of many: the worst known trouble, then any unknown, then up; unknown for none."""
    found = set(states)
    for state in (State.DOWN, State.DEGRADED, State.UNKNOWN, State.UP):
        if state in found:
            return state
    return State.UNKNOWN


def is_unfolded(group: GroupView, *, endpoint_count: int) -> bool:
    """Tell whether a group is shown open: always on a short page, and wherever something is wrong."""
    return endpoint_count <= MAX_UNFOLDED_ENDPOINTS or (bool(group.active) and group.state is not State.UP)
