"""One tick: close what is over, claim what is due, give a sign of life. Right in any number of processes at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from healthcheck.models import SIGNED_OFF, EndpointGroup, Tick
from healthcheck.pipeline.bulk import insert_rows
from healthcheck.pipeline.dispatch import claim_due_groups
from healthcheck.pipeline.due_channels import find_due_channels
from healthcheck.pipeline.maintain import maintain
from healthcheck.pipeline.reconcile import reconcile_incidents
from healthcheck.pipeline.sweep import expire_evidence, sweep_runs


@dataclass(frozen=True, slots=True)
class TickReport:
    """`run_ids` are to be published, in this order; `next_due_at` is None where nothing is scheduled.

    `channel_ids` have something to be sent; `own_channel_ids` as well, and are about the checker itself.
    """

    run_ids: tuple[int, ...]
    next_due_at: datetime | None
    channel_ids: tuple[int, ...] = ()
    own_channel_ids: tuple[int, ...] = ()


def tick(now: datetime, *, node: str, sweeps: bool = True) -> TickReport:
    """Run one tick as `node`, the ticking process. A tick between two sweeps only claims."""
    swept = sweep(now, node=node) if sweeps else []
    claimed = claim_due_groups(now)
    channels = find_due_channels(now) if sweeps else []
    others, own = ([channel_id for channel_id, is_own in channels if is_own is which] for which in (False, True))
    return TickReport((*claimed, *swept), find_next_due(), tuple(others), tuple(own))


def sweep(now: datetime, *, node: str) -> list[int]:
    """Close what is over, let evidence expire, give a sign of life; return the runs to publish again."""
    insert_rows(Tick, ("node", "at"), [(node, now)], conflict=("node",), update=("at",))
    maintain(now)
    expire_evidence(now)
    reconcile_incidents(now)
    return sweep_runs(now)


def find_next_due() -> datetime | None:
    """Return when the next group is due; the past means at once."""
    waiting = EndpointGroup.objects.existing().filter(is_paused=False).order_by("next_run_at")
    return waiting.values_list("next_run_at", flat=True).first()


def sign_off(node: str) -> None:
    """Say that the node has stopped in good order. When it last ticked stays known; it is not missed any more."""
    with transaction.atomic():
        last = Tick.objects.filter(node=node).values_list("at", flat=True).first()
        if last is not None:
            insert_rows(Tick, ("node", "at"), [(SIGNED_OFF, last)], conflict=("node",), update=("at",))
            Tick.objects.filter(node=node).delete()
