"""Moves the clocks of groups."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from healthcheck.models import EndpointGroup


def restart_clocks(group_ids: Sequence[int], now: datetime) -> None:
    """Let groups run at once and then on their phase, as after a change of their schedule or a pause."""
    EndpointGroup.objects.filter(pk__in=group_ids).update(next_run_at=now)
