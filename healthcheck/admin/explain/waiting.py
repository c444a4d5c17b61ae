"""What stands between a new endpoint and its first result, so that nobody waits for what will not come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from healthcheck.admin.look.words import describe_instant
from healthcheck.models import CheckRun, Endpoint, RunStatus
from healthcheck.models.run import UNFINISHED

# A scheduler looks every second and a worker takes a run at once; after so long something does not run.
PATIENCE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Wait:
    """One sentence. `refreshes` says whether waiting can end by itself, `is_late` that something does not run."""

    sentence: str
    refreshes: bool = True
    is_late: bool = False


def describe_wait(endpoint: Endpoint, now: datetime) -> Wait:
    """Return what is waited for, in one query."""
    run = CheckRun.objects.filter(group_id=endpoint.group_id).order_by("-id").first()
    return _describe_refusal(endpoint) or _describe_run(run, now) or _describe_clock(endpoint.group.next_run_at, now)


def _describe_refusal(endpoint: Endpoint) -> Wait | None:
    if endpoint.deleted_at is not None or endpoint.group.deleted_at is not None:
        return Wait(_("It was deleted, so no result will come."), refreshes=False)
    if endpoint.is_paused or endpoint.group.is_paused:
        return Wait(_("It is paused, so no result will come. Resume it to have it checked at once."), refreshes=False)
    return None


def _describe_run(run: CheckRun | None, now: datetime) -> Wait | None:
    if run is None or run.status not in UNFINISHED:
        return None
    if run.status == RunStatus.RUNNING:
        return Wait(_("It is being checked."))
    if now - run.scheduled_for > PATIENCE:
        return Wait(_("No worker has taken the run yet. Is one running?"), is_late=True)
    return Wait(_("A worker is about to take the run."))


def _describe_clock(due_at: datetime, now: datetime) -> Wait:
    if due_at > now:
        return Wait(_("The next run is due at %(at)s.") % {"at": describe_instant(due_at)})
    if now - due_at > PATIENCE:
        return Wait(_("No scheduler has started the run that is due. Is one running?"), is_late=True)
    return Wait(_("The first run is due now; the scheduler starts it within a second."))
