"""What no worker has taken: runs that wait in the queue, and runs that were missed there before anything was started.

A short slot is over, and its run missed, before anybody would call it late: queued runs alone say little.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, OuterRef, QuerySet, Subquery

from healthcheck.models import CheckRun, EndpointGroup, EndpointState, Reason, RunStatus, Trigger

_MISSED = {"status": RunStatus.MISSED, "reason": Reason.QUEUE}


@dataclass(frozen=True, slots=True)
class Untaken:
    """The oldest slot whose run is still queued, the oldest that was missed for the queue since a run was started, and
    when that was, as far as it is known."""

    queued_at: datetime | None = None
    missed_at: datetime | None = None
    started_at: datetime | None = None

    @property
    def oldest_at(self) -> datetime | None:
        """The longest wait, whatever else is taken meanwhile."""
        return min((at for at in (self.queued_at, self.missed_at) if at is not None), default=None)

    @property
    def unserved_at(self) -> datetime | None:
        """The longest wait since anything was started; None while workers start runs."""
        waits = [at for at in (self.queued_at, self.missed_at) if at is not None]
        return min((at for at in waits if self.started_at is None or at > self.started_at), default=None)


def load_untaken(groups: QuerySet[EndpointGroup]) -> Untaken:
    """Return what no worker has taken of these groups, in two queries, and two more after a miss."""
    queued = CheckRun.objects.filter(status=RunStatus.QUEUED, group__in=groups.order_by().values("pk"))
    queued_at = queued.aggregate(at=Min("scheduled_for"))["at"]
    newest = list(_find_newest_runs(groups))
    started_at = max((run.started_at for run in newest if run.started_at is not None), default=None)
    missed = [run for run in newest if (run.status, run.reason) == (RunStatus.MISSED, Reason.QUEUE)]
    if not _keep_since(missed, started_at):
        return Untaken(queued_at, None, started_at)
    # The newest run of a group hides the one that was started before it; its results do not.
    states = EndpointState.objects.filter(endpoint__group__in=groups.order_by().values("pk"))
    observed_at = states.aggregate(at=Max("last_observed_at"))["at"]
    started_at = max((at for at in (started_at, observed_at) if at is not None), default=None)
    return Untaken(queued_at, _find_oldest_missed(_keep_since(missed, started_at), started_at), started_at)


def _find_newest_runs(groups: QuerySet[EndpointGroup]) -> QuerySet[CheckRun]:
    """One run per group, each found at the end of its index: the newest that is not queued."""
    own = CheckRun.objects.filter(group=OuterRef("pk")).exclude(status=RunStatus.QUEUED).order_by("-pk")
    # Nobody is to start the runs of a paused group.
    active = groups.filter(is_paused=False).order_by()
    newest = active.annotate(newest=Subquery(own.values("pk")[:1])).values("newest")
    return CheckRun.objects.filter(pk__in=newest).only("status", "reason", "started_at", "scheduled_for")


def _keep_since(runs: list[CheckRun], instant: datetime | None) -> list[CheckRun]:
    return [run for run in runs if instant is None or run.scheduled_for > instant]


def _find_oldest_missed(newest: list[CheckRun], since: datetime | None) -> datetime | None:
    """Return the oldest slot after `since` that was missed in the groups and locations of these runs.

    Each is the first entry of an index of slots: a week without a worker costs as much as a minute.
    """
    bound: dict[str, Any] = {} if since is None else {"scheduled_for__gt": since}
    place = {"trigger": Trigger.SCHEDULED, "group": OuterRef("group"), "location": OuterRef("location")}
    first = CheckRun.objects.filter(**place, **bound, **_MISSED).order_by("scheduled_for").values("scheduled_for")[:1]
    firsts = CheckRun.objects.filter(pk__in=[run.pk for run in newest]).annotate(first=Subquery(first))
    slots = [*firsts.values_list("first", flat=True), *(run.scheduled_for for run in newest)]
    return min((at for at in slots if at is not None), default=None)
