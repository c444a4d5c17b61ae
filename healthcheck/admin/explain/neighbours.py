"""The other endpoints of a run, failing ones first, and what those that failed have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from healthcheck.admin.explain.errors import describe_error
from healthcheck.admin.look.badges import draw_state
from healthcheck.admin.look.words import describe_duration
from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.models import CheckResult, CheckRun, Endpoint, Evidence

NEIGHBOURS_PER_PAGE = 50
# Endpoints of a group that are looked at: each is a lookup in the index, 1,000 of them about 10 ms.
MAX_LOOKED_AT = 1000
# Failures whose addresses are compared; more of them say nothing new.
MAX_COMPARED = 200

_SEVERITIES = {state: place for place, state in enumerate((State.DOWN, State.DEGRADED, State.UNKNOWN, State.UP))}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One endpoint in the run, in words but for the badge."""

    endpoint: Endpoint | None
    endpoint_id: int
    badge: SafeString
    error: str
    latency: str


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """One page of a run's endpoints. `cause` is empty where nothing points to a common one.

    `is_cut` says that the group is so large that only its first endpoints were looked at.
    """

    rows: Sequence[Neighbour] = ()
    cause: str = ""
    previous: int | None = None
    following: int | None = None
    is_cut: bool = False


def load_neighbourhood(run: CheckRun, result: CheckResult, page: int, *, kind: str) -> Neighbourhood:
    """Return a page of the endpoints that were checked with `result`, in three queries whatever the group's size.

    `kind` is that of the result's endpoint.
    """
    results = _load_results(run)
    start = (page - 1) * NEIGHBOURS_PER_PAGE
    shown = results[start : start + NEIGHBOURS_PER_PAGE]
    endpoints = Endpoint.objects.in_bulk([each.endpoint_id for each in shown])
    return Neighbourhood(
        rows=[_describe(each, endpoints.get(each.endpoint_id)) for each in shown],
        cause=_find_common_cause(run, result, results, kind=kind),
        previous=page - 1 if page > 1 else None,
        following=page + 1 if len(results) > start + NEIGHBOURS_PER_PAGE else None,
        is_cut=len(results) == MAX_LOOKED_AT,
    )


def _load_results(run: CheckRun) -> list[CheckResult]:
    # By endpoint, because the one index of the results begins with it. Deleted ones, too: the run saw them.
    members = Endpoint.objects.filter(group_id=run.group_id).order_by("position", "pk").values("pk")[:MAX_LOOKED_AT]
    results = CheckResult.objects.filter(endpoint_id__in=members, run_id=run.pk)
    return sorted(results, key=lambda each: (_SEVERITIES[State(each.verdict)], each.endpoint_id))


def _describe(result: CheckResult, endpoint: Endpoint | None) -> Neighbour:
    return Neighbour(
        endpoint=endpoint,
        endpoint_id=result.endpoint_id,
        badge=draw_state(State(result.verdict)),
        error=_name_error(result, endpoint.kind if endpoint else "http"),
        latency=describe_duration(result.latency_us) if result.latency_us else "",
    )


def _name_error(result: CheckResult, endpoint_kind: str) -> str:
    kind = ErrorKind(result.error_kind) if result.error_kind else None
    return describe_error(kind, Phase.read(result.phase), endpoint_kind)


def _find_common_cause(run: CheckRun, result: CheckResult, results: Sequence[CheckResult], *, kind: str) -> str:
    if not (error := _name_error(result, kind)):
        return ""
    alike = [each.endpoint_id for each in results if _name_error(each, kind) == error]
    evidence = Evidence.objects.filter(endpoint_id__in=alike[:MAX_COMPARED], run_id=run.pk)
    addresses = set(evidence.values_list("facts__address", flat=True))
    if len(alike) < 2:
        return ""
    words = {"count": len(alike), "kind": error, "address": next(iter(addresses), None)}
    if len(addresses) == 1 and words["address"]:
        return (
            _(
                "%(count)s endpoints of this run failed in the same way (%(kind)s), all at the address %(address)s: "
                "look at that host first."
            )
            % words
        )
    return (
        _("%(count)s endpoints of this run failed in the same way (%(kind)s): look for what they share first.") % words
    )
