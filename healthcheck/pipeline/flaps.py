"""Holds incidents open whose members go down and up again and again, so that people hear of it once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from healthcheck.engine.flapping import CALM, WINDOW, describe_flapping, is_flapping, suggest_threshold
from healthcheck.engine.incidents import Event
from healthcheck.engine.types import State
from healthcheck.models import EndpointState, IncidentUpdate, IncidentUpdateKind, Transition
from healthcheck.pipeline.incident_cases import Case

_IS_DOWN = Q(to_state=State.DOWN) & ~Q(from_state=State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Fallen:
    """How often an endpoint failed within the window, and how often it went down, from whatever it was."""

    failures: int = 0
    downs: int = 0


def settle_flapping(cases: Collection[Case], location_id: int, now: datetime) -> None:
    """Resolve the cases that all have left, and say that others became worse; but what flaps is held and kept quiet.

    One statement where any is to be looked at, and two where one begins to be held.
    """
    ending, worse = [each for each in cases if not each.row.open_count], [each for each in cases if each.is_worse]
    if not ending and not worse:
        return
    fallen = _load_fallen([pk for case in (*ending, *worse) for pk in case.members], location_id, now)
    for case in worse:
        if not is_flapping(max(fallen.get(pk, Fallen()).downs for pk in case.open_members)):
            case.events.add(Event.GREW)
    held = []
    for case in ending:
        last_at = case.last_leave_at or now
        if last_at > now - CALM and any(is_flapping(fallen[pk].failures) for pk in case.members if pk in fallen):
            held.append(case)
        else:
            case.resolve(last_at)
    if held:
        _tell_held(held, fallen, location_id)


def _load_fallen(endpoint_ids: Collection[int], location_id: int, now: datetime) -> dict[int, Fallen]:
    rows = Transition.objects.filter(endpoint_id__in=endpoint_ids, location_id=location_id, at__gt=now - WINDOW)
    failures = Count("pk", filter=Q(from_state=State.UP, to_state__gt=State.UP))
    counted = rows.order_by().values("endpoint_id").annotate(failures=failures, downs=Count("pk", filter=_IS_DOWN))
    return {pk: Fallen(*counts) for pk, *counts in counted.values_list("endpoint_id", "failures", "downs")}


def _tell_held(cases: Sequence[Case], fallen: dict[int, Fallen], location_id: int) -> None:
    """Say that a case flaps, once."""
    said = IncidentUpdate.objects.filter(
        incident_id__in=[case.row.pk for case in cases], kind=IncidentUpdateKind.FLAPPING
    )
    told = set(said.values_list("incident_id", flat=True))
    worst = {
        case: max(case.members, key=lambda pk: fallen.get(pk, Fallen()).failures)
        for case in cases
        if case.row.pk not in told
    }
    if not worst:
        return
    states = EndpointState.objects.filter(endpoint_id__in=worst.values(), location_id=location_id)
    strips = dict(states.values_list("endpoint_id", "strip"))
    for case, pk in worst.items():
        case.text = describe_flapping(fallen[pk].failures, suggest_threshold(strips.get(pk, "")))
        case.events.add(Event.UPDATED)
