"""What the lists show of many groups or endpoints at once, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Case, Count, F, OuterRef, Q, QuerySet, SmallIntegerField, Subquery, Value, When

from healthcheck.engine.freshness import is_expired
from healthcheck.engine.types import State
from healthcheck.models import CheckRun, Endpoint, EndpointGroup, EndpointState


@dataclass(slots=True)
class GroupOverview:
    """The members of a group counted by state, the newest standing error of a member, and the latest run."""

    counts: dict[State, int] = field(default_factory=dict)
    paused: int = 0
    error: EndpointState | None = None
    last_run: CheckRun | None = None

    @property
    def size(self) -> int:
        return self.paused + sum(self.counts.values())


def believe_state(row: EndpointState, now: datetime) -> State:
    """Return the state, or unknown once its evidence has expired: nobody else says so while no scheduler runs."""
    return State.UNKNOWN if is_expired(row.valid_until, now) else State(row.state)


def overall_state(rows: Iterable[EndpointState], now: datetime) -> State:
    """Return the worst state that any location knows; unknown where none does."""
    return max((believe_state(row, now) for row in rows), default=State.UNKNOWN)


def latest_state(rows: Iterable[EndpointState]) -> EndpointState | None:
    """Return what was seen last, wherever from; None before the first result."""
    seen = [row for row in rows if row.last_observed_at is not None]
    return max(seen, key=lambda row: (row.last_observed_at, row.pk), default=None)


def load_overviews(group_ids: Sequence[int], now: datetime) -> dict[int, GroupOverview]:
    """Return one overview per group in four queries, however many groups there are."""
    overviews = {group_id: GroupOverview() for group_id in group_ids}
    for group_id, is_paused, state, count in _count_members(group_ids, now):
        if is_paused:
            overviews[group_id].paused += count
        else:
            overviews[group_id].counts[State(state)] = count
    pointers = list(_find_latest(group_ids))
    errors = EndpointState.objects.select_related("endpoint").in_bulk([error for _, error, _ in pointers if error])
    runs = CheckRun.objects.in_bulk([run for _, _, run in pointers if run])
    for group_id, error_id, run_id in pointers:
        overviews[group_id].error = errors.get(error_id) if error_id else None
        overviews[group_id].last_run = runs.get(run_id) if run_id else None
    return overviews


def filter_by_state(endpoints: QuerySet[Endpoint], state: State, now: datetime) -> QuerySet[Endpoint]:
    """Keep the endpoints in this state; an endpoint without fresh evidence is unknown."""
    fresh = _is_fresh(now)
    known = endpoints.filter(fresh, states__state__gt=State.UNKNOWN).values("pk")
    if state is State.UNKNOWN:
        return endpoints.exclude(pk__in=known)
    return endpoints.filter(pk__in=endpoints.filter(fresh, states__state=state).values("pk"))


def _is_fresh(now: datetime) -> Q:
    """Say in SQL that evidence has not expired, as `engine.freshness` does; false without any."""
    return Q(states__valid_until__gt=now)


def _count_members(group_ids: Sequence[int], now: datetime) -> Iterable[tuple[int, bool, int, int]]:
    believed = Case(
        When(_is_fresh(now), then=F("states__state")),
        default=Value(State.UNKNOWN.value),
        output_field=SmallIntegerField(),
    )
    members = Endpoint.objects.existing().filter(group_id__in=group_ids).annotate(believed=believed)
    counted = members.order_by().values("group_id", "is_paused", "believed").annotate(count=Count("pk", distinct=True))
    return counted.values_list("group_id", "is_paused", "believed", "count")


def _find_latest(group_ids: Sequence[int]) -> Iterable[tuple[int, int | None, int | None]]:
    errors = EndpointState.objects.filter(
        endpoint__group=OuterRef("pk"),
        endpoint__deleted_at__isnull=True,
        endpoint__is_paused=False,
        last_error_kind__gt=0,
    ).order_by("-last_observed_at", "-pk")
    runs = CheckRun.objects.filter(group=OuterRef("pk")).order_by("-pk")
    return (
        EndpointGroup.objects.filter(pk__in=group_ids)
        .order_by()
        .annotate(error_id=Subquery(errors.values("pk")[:1]), run_id=Subquery(runs.values("pk")[:1]))
        .values_list("pk", "error_id", "run_id")
    )
