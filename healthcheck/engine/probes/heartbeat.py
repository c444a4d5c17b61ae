"""The heartbeat: jobs tell how they fare, and silence past the time that was agreed is a failure. Asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from healthcheck.engine.heartbeats import Expectation, Heard, judge_heartbeat
from healthcheck.engine.probes.option_values import check_no_address, parse_count, refuse_unknown
from healthcheck.engine.schedule import parse_cron
from healthcheck.engine.types import ConfigurationError, Outcome, Target

DAY_SECONDS = 86_400
# A job that runs once in a leap year is the rarest that anybody has asked for.
MAX_PERIOD_SECONDS = 366 * DAY_SECONDS
MAX_GRACE_SECONDS = 30 * DAY_SECONDS
MAX_RUN_SECONDS = 30 * DAY_SECONDS
MAX_CRON_LENGTH, MAX_ZONE_LENGTH = 100, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatOptions:
    """`period_seconds` counts where `cron` is empty; with `max_run_seconds` 0 nobody minds how long a run takes."""

    period_seconds: int = DAY_SECONDS
    cron: str = ""
    timezone: str = "UTC"
    grace_seconds: int = 3600
    max_run_seconds: int = 0

    def build_expectation(self) -> Expectation:
        """Return when the job is to be heard. Raises ConfigurationError for a schedule that nobody can read."""
        return Expectation(
            period=timedelta(seconds=self.period_seconds),
            cron=parse_cron(self.cron, self.timezone) if self.cron else None,
            grace=timedelta(seconds=self.grace_seconds),
            max_run=timedelta(seconds=self.max_run_seconds) if self.max_run_seconds else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values from which `parse` makes the same options."""
        return asdict(self)


class HeartbeatKind:
    """Judges by what was heard of a job; see `engine/heartbeats.py`."""

    kind = "heartbeat"
    uses_credentials = False
    defaults: Mapping[str, Any] = HeartbeatOptions().to_dict()

    def parse(self, address: str, options: Mapping[str, Any]) -> HeartbeatOptions:
        """Return the typed options. Raises ConfigurationError with a sentence that names the cure."""
        check_no_address(address, self.kind)
        refuse_unknown(self.kind, options, _PARSERS)
        parsed = HeartbeatOptions(**{name: _PARSERS[name](value) for name, value in options.items()})
        # The default says nothing: it is what a file or a row holds beside a cron expression that was chosen.
        if parsed.cron and parsed.period_seconds != DAY_SECONDS:
            raise ConfigurationError(
                "Give either a period or a cron expression, not both; empty one of them.", field="period_seconds"
            )
        parsed.build_expectation()
        return parsed

    def judge(self, target: Target, facts: Heard | None, now: datetime) -> Outcome:
        """Judge what was heard until `now`."""
        options: HeartbeatOptions = target.options
        return judge_heartbeat(options.build_expectation(), facts or Heard(), now)


def _parse_text(value: Any, limit: int, *, field: str) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise ConfigurationError(f"{field} must be text of at most {limit} characters; shorten it.", field=field)
    return value.strip()


def _parse_zone(value: Any) -> str:
    zone = _parse_text(value, MAX_ZONE_LENGTH, field="timezone")
    parse_cron("0 0 * * *", zone)
    return zone


def _count(field: str, low: int, high: int) -> Callable[[Any], int]:
    return partial(parse_count, low=low, high=high, field=field)


_PARSERS: Mapping[str, Callable[[Any], Any]] = {
    "period_seconds": _count("period_seconds", 1, MAX_PERIOD_SECONDS),
    "cron": partial(_parse_text, limit=MAX_CRON_LENGTH, field="cron"),
    "timezone": _parse_zone,
    "grace_seconds": _count("grace_seconds", 1, MAX_GRACE_SECONDS),
    "max_run_seconds": _count("max_run_seconds", 0, MAX_RUN_SECONDS),
}
