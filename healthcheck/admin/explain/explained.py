"""Collects what is stored about one result of an endpoint: a fixed number of queries, each by an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from healthcheck.admin.explain.answers import Answer, AssertionWords, Seen, describe_answer
from healthcheck.admin.explain.neighbours import Neighbourhood, load_neighbourhood
from healthcheck.admin.explain.streak import describe_streak, find_standing
from healthcheck.admin.look.badges import draw_state
from healthcheck.engine.transitions import Thresholds
from healthcheck.engine.types import ConfigurationError, ErrorKind, Phase, State
from healthcheck.models import CheckResult, CheckRun, Endpoint, Evidence, Version
from healthcheck.models.endpoint import MAX_THRESHOLD


@dataclass(frozen=True, slots=True)
class Stored:
    """What is there of one result. Each of them may have been removed already, the result itself included."""

    endpoint: Endpoint
    run_id: int
    run: CheckRun | None
    result: CheckResult | None
    # Newest first, this result's leading where it is there.
    verdicts: Sequence[State]
    previous_id: int | None
    next_id: int | None

    @property
    def at(self) -> datetime | None:
        """When it was checked, as far as the run still says so."""
        return (self.run.started_at or self.run.scheduled_for) if self.run else None


@dataclass(frozen=True, slots=True)
class _Definition:
    """What was expected when a result was made."""

    assertions: Sequence[str]
    thresholds: Thresholds
    changes_since: int


@dataclass(frozen=True, slots=True)
class Explained:
    """A stored result, explained. `notes` say what is missing or has changed since."""

    answer: Answer
    streak: str
    notes: Sequence[str]
    neighbourhood: Neighbourhood


def load_stored(endpoint: Endpoint, run_id: int) -> Stored:
    """Read the result, its run and those before and after it, in three queries."""
    results = CheckResult.objects.filter(endpoint_id=endpoint.pk)
    # As many as a threshold can count, and the one before them.
    recent = list(results.filter(run_id__lte=run_id).order_by("-run_id")[: MAX_THRESHOLD + 1])
    result = recent[0] if recent and recent[0].run_id == run_id else None
    before = recent[1:] if result else recent
    return Stored(
        endpoint=endpoint,
        run_id=run_id,
        run=CheckRun.objects.filter(pk=run_id).first(),
        result=result,
        verdicts=[State(each.verdict) for each in recent] if result else (),
        previous_id=before[0].run_id if before else None,
        next_id=results.filter(run_id__gt=run_id).order_by("run_id").values_list("run_id", flat=True).first(),
    )


def explain(stored: Stored, result: CheckResult, *, page: int) -> Explained:
    """Explain a result that is there; `page` is that of its neighbours."""
    endpoint, run = stored.endpoint, stored.run
    evidence = Evidence.objects.filter(endpoint_id=endpoint.pk, run_id=stored.run_id).first()
    definition = _read_definition(endpoint, stored.at)
    answer = describe_answer(_read_seen(result, evidence, at=stored.at, kind=endpoint.kind))
    if not answer.assertions:
        answer = replace(answer, assertions=_assume(definition.assertions, is_held=answer.state is State.UP))
    standing = find_standing(run, endpoint.pk)
    return Explained(
        answer=answer,
        streak=describe_streak(stored.verdicts, standing, definition.thresholds),
        notes=_list_notes(stored, answer, definition=definition, has_evidence=evidence is not None),
        neighbourhood=load_neighbourhood(run, result, page, kind=endpoint.kind) if run else Neighbourhood(),
    )


def _read_seen(result: CheckResult, evidence: Evidence | None, *, at: datetime | None, kind: str) -> Seen:
    return Seen(
        verdict=State(result.verdict),
        error_kind=ErrorKind(result.error_kind) if result.error_kind else None,
        phase=Phase.read(result.phase),
        latency_us=result.latency_us,
        times=result,
        http_status=result.http_status,
        attempts=result.attempts,
        facts=evidence.facts if evidence else {},
        at=at,
        endpoint_kind=kind,
    )


def _read_definition(endpoint: Endpoint, at: datetime | None) -> _Definition:
    """Return what was expected at that time as far as versions tell, in three queries; else what is expected now."""
    versions = Version.objects.filter(kind="endpoint", object_id=endpoint.pk)
    newer = versions.filter(at__gt=at).count() if at else 0
    then = versions.filter(at__lte=at).order_by("-number").first() if newer else None
    document: Mapping[str, Any] = then.definition if then else {}
    lines = document.get("assertions")
    if not isinstance(lines, list):
        lines = [assertion.text for assertion in endpoint.assertions.all()]
    return _Definition(
        assertions=[str(line) for line in lines],
        thresholds=Thresholds(
            int(document.get("failure_threshold") or endpoint.failure_threshold),
            int(document.get("recovery_threshold") or endpoint.recovery_threshold),
        ),
        changes_since=newer,
    )


def _assume(lines: Sequence[str], *, is_held: bool) -> list[AssertionWords]:
    """Return the assertions of a result that kept no word about them: those of one that is up have all held."""
    badge = draw_state(State.UP, word=_("holds")) if is_held else ""
    return [AssertionWords(line, badge=badge, held=True if is_held else None) for line in lines]


def _list_notes(stored: Stored, answer: Answer, *, definition: _Definition, has_evidence: bool) -> list[str]:
    endpoint, notes = stored.endpoint, []
    if endpoint.deleted_at is not None:
        notes.append(_("This endpoint was deleted; what is left of it is removed in time."))
    elif endpoint.is_paused or endpoint.group.is_paused:
        notes.append(_("It is paused now, so nothing newer comes in."))
    if stored.run is None:
        notes.append(
            _("The run of this result was removed already: its time and its neighbours are not known any more.")
        )
    if answer.error and not has_evidence:
        notes.append(_("The evidence of this failure was removed already, or never stored."))
    if definition.changes_since:
        sentence = ngettext(
            "The endpoint was changed %(count)s time since this result.",
            "The endpoint was changed %(count)s times since this result.",
            definition.changes_since,
        )
        notes.append(sentence % {"count": definition.changes_since})
    try:
        endpoint.parse_options()
    except ConfigurationError as error:
        notes.append(_("Its configuration cannot be read: %(sentence)s") % {"sentence": error.sentence})
    return notes
