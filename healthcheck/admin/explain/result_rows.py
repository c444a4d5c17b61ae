"""A stored result in the words of the operator, its evidence included. Values are plain text: templates escape them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from healthcheck.admin.explain.errors import describe_error
from healthcheck.admin.explain.parts import describe_parts
from healthcheck.admin.explain.waterfall import draw_waterfall
from healthcheck.admin.look.badges import draw_maintenance, draw_state
from healthcheck.admin.look.words import describe_duration, describe_instant
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import ErrorKind, Phase, State
from healthcheck.models import CheckResult, CheckRun, Endpoint, Evidence


@dataclass(frozen=True, slots=True)
class ResultRow:
    """Words only, but for the badge. `phases` and `evidence` are pairs of a label and a text."""

    run_id: int
    endpoint_id: int
    time: str
    badge: SafeString
    error: str
    sentence: str
    latency: str
    phases: Sequence[tuple[str, str]]
    http_status: str
    attempts: int
    # A badge, empty where it was not in maintenance.
    maintenance: SafeString | str
    evidence: Sequence[tuple[str, str]]


def load_endpoint_rows(endpoint: Endpoint, results: Sequence[CheckResult]) -> list[ResultRow]:
    """Describe results of one endpoint with their runs and evidence, in two queries."""
    run_ids = [result.run_id for result in results]
    runs = CheckRun.objects.in_bulk(run_ids)
    found = Evidence.objects.filter(endpoint_id=endpoint.pk, run_id__in=run_ids)
    evidence = {row.run_id: row for row in found}
    return [
        describe_result(
            result, run=runs.get(result.run_id), evidence=evidence.get(result.run_id), endpoint_kind=endpoint.kind
        )
        for result in results
    ]


def load_run_rows(run: CheckRun, endpoints: Sequence[Endpoint]) -> dict[int, ResultRow]:
    """Describe a run's results by endpoint in two queries. By endpoint, because the one index begins with it."""
    kinds = {endpoint.pk: endpoint.kind for endpoint in endpoints}
    results = CheckResult.objects.filter(endpoint_id__in=list(kinds), run_id=run.pk)
    found = Evidence.objects.filter(endpoint_id__in=list(kinds), run_id=run.pk)
    evidence = {row.endpoint_id: row for row in found}
    return {
        result.endpoint_id: describe_result(
            result,
            run=run,
            evidence=evidence.get(result.endpoint_id),
            endpoint_kind=kinds[result.endpoint_id],
        )
        for result in results
    }


def describe_result(
    result: CheckResult, *, run: CheckRun | None, evidence: Evidence | None, endpoint_kind: str
) -> ResultRow:
    kind = ErrorKind(result.error_kind) if result.error_kind else None
    bars = draw_waterfall(result, result.latency_us, kind=endpoint_kind)
    return ResultRow(
        run_id=result.run_id,
        endpoint_id=result.endpoint_id,
        time=describe_instant(run.started_at or run.scheduled_for) if run else "",
        badge=draw_state(State(result.verdict)),
        error=describe_error(kind, Phase.read(result.phase), endpoint_kind),
        sentence=_(SENTENCES[kind]) if kind else "",
        latency=describe_duration(result.latency_us) if result.latency_us else "",
        phases=[(bar.label, bar.duration) for bar in bars],
        http_status=str(result.http_status) if result.http_status else "",
        attempts=result.attempts,
        maintenance=draw_maintenance() if result.in_maintenance else "",
        evidence=describe_evidence(evidence.facts, endpoint_kind) if evidence else (),
    )


def describe_evidence(facts: Mapping[str, Any], endpoint_kind: str) -> list[tuple[str, str]]:
    """Return what is there as pairs of a label and a text, in a fixed order."""
    labels = {
        "sentence": _("What happened"),
        "expected": _("Expected"),
        "found": _("Found"),
        "parts": _("Parts"),
        "address": _("Address"),
        "certificate": _("Certificate"),
        "redirects": _("Redirected to"),
        "excerpt": _("Excerpt"),
    }
    shown = {**facts, "parts": [each.line for each in describe_parts(facts, endpoint_kind)]}
    return [(label, _to_text(shown[key])) for key, label in labels.items() if shown.get(key)]


def _to_text(value: object) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{str(key).replace('_', ' ')}: {each}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return "\n".join(str(each) for each in value)
    return str(value)
