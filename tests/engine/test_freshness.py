from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from healthcheck.engine.freshness import is_expired

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("valid_until", "expired"), [(NOW + TICK, False), (NOW, True), (NOW - TICK, True), (None, True)]
)
def test_evidence_expires_at_its_very_instant(valid_until: datetime | None, expired: bool) -> None:
    assert is_expired(valid_until, NOW) is expired
