"""What the start page knows: what is wrong now, worst first, and what waits. A fixed number of bounded queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet
from django.utils.translation import gettext

from healthcheck.admin.desk.desk_processes import Processes, load_processes
from healthcheck.admin.desk.desk_slots import Slots, load_slots
from healthcheck.admin.overview import latest_state
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import CheckRun, Endpoint, EndpointGroup, EndpointState, RunStatus, Transition, Version
from healthcheck.models.run import UNFINISHED
from healthcheck.web.words import describe_last_check

# What one person can take in; the lists behind the links hold the rest.
WRONG_SHOWN, UNKNOWN_SHOWN, PAUSED_SHOWN, CHANGES_SHOWN = 50, 20, 10, 8


@dataclass(frozen=True, slots=True)
class Trouble:
    """An endpoint that is not well at a location, or of which nothing is known."""

    endpoint: Endpoint
    state: State
    since: datetime | None
    sentence: str
    run_id: int
    observed_at: datetime | None
    location: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """Runs that nobody has begun, the oldest slot of them, and runs under way."""

    waiting: int
    oldest_at: datetime | None
    running: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything on the page, as of `now`. `counts` leaves out what is paused, by itself or with its group."""

    now: datetime
    counts: Mapping[State, int]
    paused_count: int
    wrong: Sequence[Trouble]
    unknown: Sequence[Trouble]
    slots: Slots
    processes: Processes
    queue: Queue
    changes: Sequence[Version]
    paused_groups: Sequence[EndpointGroup]
    paused_endpoints: Sequence[Endpoint]
    has_been_up: bool
    newest_run: CheckRun | None

    @property
    def total(self) -> int:
        return sum(self.counts.values()) + self.paused_count


def load_desk(now: datetime, *, kinds: Sequence[str] = ()) -> Desk:
    """Load the page; `kinds` are the models whose changes the person may see."""
    counts, paused_count = _count_states(now)
    changes = Version.objects.filter(kind__in=kinds).order_by("-pk")[:CHANGES_SHOWN]
    return Desk(
        now=now,
        counts=counts,
        paused_count=paused_count,
        wrong=_find_wrong(now),
        unknown=_find_unknown(now),
        slots=load_slots(now),
        processes=load_processes(now),
        queue=_load_queue(),
        changes=list(changes),
        paused_groups=list(EndpointGroup.objects.existing().filter(is_paused=True)[:PAUSED_SHOWN]),
        paused_endpoints=list(_find_paused()),
        # Kept for ever, unlike results: an outage of everything is no first day.
        has_been_up=Transition.objects.filter(to_state=State.UP).exists(),
        newest_run=CheckRun.objects.order_by("-pk").first(),
    )


def _find_checked() -> QuerySet[Endpoint]:
    return Endpoint.objects.checked().filter(group__is_paused=False, group__deleted_at__isnull=True)


def _find_paused() -> QuerySet[Endpoint]:
    alone = Endpoint.objects.existing().filter(is_paused=True, group__is_paused=False, group__deleted_at__isnull=True)
    return alone.select_related("group").order_by("group__position", "group_id", "position", "pk")[:PAUSED_SHOWN]


def _count_states(now: datetime) -> tuple[dict[State, int], int]:
    """Return how many endpoints are in each state, wherever it is worst, and how many rest."""
    resting = Q(is_paused=True) | Q(group__is_paused=True)
    # How many are at least that bad somewhere, in one join: naming each one's worst state takes several times that.
    at_least = {
        state.word: Count(
            "pk", distinct=True, filter=~resting & Q(states__valid_until__gt=now, states__state__gte=state)
        )
        for state in (State.UP, State.DEGRADED, State.DOWN)
    }
    endpoints = Endpoint.objects.existing().filter(group__deleted_at__isnull=True).order_by()
    counted = endpoints.aggregate(
        paused=Count("pk", distinct=True, filter=resting),
        checked=Count("pk", distinct=True, filter=~resting),
        **at_least,
    )
    known, troubled, down = (counted[state.word] for state in (State.UP, State.DEGRADED, State.DOWN))
    counts = {
        State.UNKNOWN: counted["checked"] - known,
        State.UP: known - troubled,
        State.DEGRADED: troubled - down,
        State.DOWN: down,
    }
    return counts, counted["paused"]


def _find_wrong(now: datetime) -> list[Trouble]:
    rows = EndpointState.objects.filter(
        valid_until__gt=now,
        state__gte=State.DEGRADED,
        endpoint__deleted_at__isnull=True,
        endpoint__is_paused=False,
        endpoint__group__is_paused=False,
        endpoint__group__deleted_at__isnull=True,
    ).select_related("endpoint__group", "location")
    return [
        Trouble(
            row.endpoint,
            State(row.state),
            row.since,
            describe_last_check(State(row.state), State(row.last_verdict), _read_kind(row)),
            row.last_run_id,
            row.last_observed_at,
            row.location.name,
        )
        for row in rows.order_by("-state", "since", "pk")[:WRONG_SHOWN]
    ]


def _find_unknown(now: datetime) -> list[Trouble]:
    known = EndpointState.objects.filter(endpoint=OuterRef("pk"), valid_until__gt=now, state__gt=State.UNKNOWN)
    endpoints = _find_checked().filter(~Exists(known)).select_related("group").prefetch_related("states")
    found = endpoints.order_by("group__position", "group_id", "position", "pk")[:UNKNOWN_SHOWN]
    return [_describe_unknown(endpoint, latest_state(endpoint.states.all()), now) for endpoint in found]


def _describe_unknown(endpoint: Endpoint, seen: EndpointState | None, now: datetime) -> Trouble:
    if seen is None:
        return Trouble(endpoint, State.UNKNOWN, None, "", 0, None)
    expired_at = seen.valid_until if seen.valid_until is not None and seen.valid_until <= now else None
    since = expired_at if State(seen.state) is not State.UNKNOWN else seen.since or expired_at
    return Trouble(endpoint, State.UNKNOWN, since, _name_error(seen), seen.last_run_id, seen.last_observed_at)


def _name_error(row: EndpointState) -> str:
    kind = _read_kind(row)
    return gettext(SENTENCES[kind]) if kind else ""


def _read_kind(row: EndpointState) -> ErrorKind | None:
    return ErrorKind(row.last_error_kind) if row.last_error_kind else None


def _load_queue() -> Queue:
    is_queued = Q(status=RunStatus.QUEUED)
    found = CheckRun.objects.filter(status__in=UNFINISHED).aggregate(
        waiting=Count("pk", filter=is_queued),
        oldest_at=Min("scheduled_for", filter=is_queued),
        running=Count("pk", filter=~is_queued),
    )
    return Queue(**found)
