"""Check now: a run that a person asked for. It joins a run that is under way and never blocks a slot."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from healthcheck.engine.types import ConfigurationError
from healthcheck.models import CheckRun, EndpointGroup, Location, Trigger
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.dispatch import LEASE_MARGIN, build_run


def request_check(group_id: int, now: datetime) -> int:
    """Return the id of the run that answers: one under way, or a new one. The caller publishes it.

    Raises EndpointGroup.DoesNotExist when the group is gone.
    """
    group = EndpointGroup.objects.existing().get(pk=group_id)
    location = Location.objects.default()
    under_way = _find_unfinished(group, location)
    if under_way is not None:
        return under_way
    run = build_run_now(group, location, now, trigger=Trigger.MANUAL)
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        # Somebody else asked in the same moment; theirs is ours.
        joined = _find_unfinished(group, location)
        if joined is None:
            raise
        return joined
    return run.pk


def build_run_now(
    group: EndpointGroup, location: Location, now: datetime, *, trigger: Trigger, **columns: object
) -> CheckRun:
    """Return an unsaved run that is no slot, and whose evidence is as good as a slot's."""
    open_until = now + group.deadline + LEASE_MARGIN
    run = build_run(group, location, now, open_until=open_until, trigger=trigger, **columns)
    run.valid_until = max(run.valid_until, _find_slot_expiry(group, location, now))
    return run


def _find_slot_expiry(group: EndpointGroup, location: Location, now: datetime) -> datetime:
    # Its evidence is as good as a slot's: without this a check of a daily group would expire within the minute.
    try:
        following = group.schedule.plan(now, now, deadline=group.deadline).next_run_at
    except ConfigurationError:
        # A schedule that cannot be read is no reason not to look now.
        following = now
    return build_run(group, location, now, open_until=following).valid_until


def _find_unfinished(group: EndpointGroup, location: Location) -> int | None:
    # A queued run before a running one: it will see what the person has just changed.
    unfinished = CheckRun.objects.filter(group=group, location=location, status__in=UNFINISHED)
    return unfinished.order_by("status", "id").values_list("pk", flat=True).first()
