"""The options of a heartbeat: typed, bounded, refused with the cure at their field."""

from __future__ import annotations

from typing import Any

import pytest

from healthcheck.engine.probes import is_judged, load_kind
from healthcheck.engine.probes.heartbeat import HeartbeatKind, HeartbeatOptions
from healthcheck.engine.types import ConfigurationError

KIND = HeartbeatKind()


def test_the_kind_asks_nobody() -> None:
    assert (is_judged("heartbeat"), type(load_kind("heartbeat"))) == (True, HeartbeatKind)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"period_seconds": 300, "grace_seconds": 60, "max_run_seconds": 30},
        {"cron": "0 3 * * *", "timezone": "Europe/Berlin"},
    ],
)
def test_options_round_trip(options: dict[str, Any]) -> None:
    parsed = KIND.parse("", options)
    assert parsed == HeartbeatOptions(**options)
    assert KIND.parse("", parsed.to_dict()) == parsed


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"period_seconds": 0}, "period_seconds"),
        ({"period_seconds": 366 * 86_400 + 1}, "period_seconds"),
        ({"period_seconds": True}, "period_seconds"),
        ({"period_seconds": 60.5}, "period_seconds"),
        ({"period_seconds": 300, "cron": "0 3 * * *"}, "period_seconds"),
        ({"grace_seconds": 0}, "grace_seconds"),
        ({"max_run_seconds": -1}, "max_run_seconds"),
        ({"cron": "0 3 * *"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"cron": "*" * 101}, "cron"),
        ({"cron": ["*"]}, "cron"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"token": "a"}, "token"),
    ],
)
def test_nonsense_is_refused_at_its_field(options: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        KIND.parse("", options)
    assert (caught.value.field, caught.value.sentence[-1]) == (field, ".")


def test_an_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="connects to nothing; empty the address"):
        KIND.parse("https://example.com/", {})
