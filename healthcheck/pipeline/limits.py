"""What a run may use, from the settings in force, and what the address policy of them says before anything runs."""

from __future__ import annotations

import logging

from healthcheck.conf import get_settings
from healthcheck.engine.address_policy import AddressPolicy
from healthcheck.engine.probes.control_targets import FIELD, parse_control_targets
from healthcheck.engine.probes.stream_options import Place
from healthcheck.engine.resolver import is_address
from healthcheck.engine.types import ConfigurationError, Limits

logger = logging.getLogger(__name__)


def build_limits(deadline_seconds: float, *, control_targets: str = "") -> Limits:
    """Return the limits of a run with this deadline. `control_targets` are those of its location, as written there."""
    settings = get_settings()
    return Limits(
        deadline_seconds=deadline_seconds,
        concurrency=settings.concurrency_per_group,
        per_address=settings.concurrency_per_address,
        address_rules=settings.address_rules,
        control_name=settings.control_name,
        control_targets=_read_targets(control_targets),
    )


def check_control_targets(text: str) -> None:
    """Raise ConfigurationError where it cannot be read, or names an address that may not be connected to."""
    policy = AddressPolicy(get_settings().address_rules)
    for place in parse_control_targets(text):
        refusal = policy.find_refusal(place.host) if is_address(place.host) else None
        if refusal:
            sentence = f"The address policy does not allow {place.host} ({refusal}); choose another control target."
            raise ConfigurationError(sentence, field=FIELD)


def _read_targets(text: str) -> tuple[Place, ...]:
    try:
        return parse_control_targets(text)
    except ConfigurationError as error:
        # What was saved past the forms: then nobody is asked, and what is down is down.
        logger.warning("control targets cannot be read", extra={"error": error.sentence})
        return ()
