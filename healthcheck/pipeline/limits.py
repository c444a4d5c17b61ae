"""What a run may use, from the settings in force."""

from __future__ import annotations

from healthcheck.conf import get_settings
from healthcheck.engine.types import Limits


def build_limits(deadline_seconds: float) -> Limits:
    """Return the limits of a run with this deadline."""
    settings = get_settings()
    return Limits(
        deadline_seconds=deadline_seconds,
        concurrency=settings.concurrency_per_group,
        per_address=settings.concurrency_per_address,
        address_rules=settings.address_rules,
        control_name=settings.control_name,
    )
