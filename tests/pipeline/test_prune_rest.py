"""Pruning leaves room to the checks: after each batch it rests for as long as that batch took."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from healthcheck.models import CheckResult
from healthcheck.pipeline.prune import prune
from healthcheck.pipeline.roll_up import roll_up
from tests.factories import NOW, make_endpoint, make_result, make_run

pytestmark = pytest.mark.django_db


def test_rest_is_a_share_of_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = make_endpoint()
    for minute in range(5):
        make_result(make_run(endpoint.group, at=NOW + timedelta(minutes=minute)), endpoint)
    roll_up(NOW + timedelta(days=1), budget_seconds=60)
    clock, rests = iter(range(1000)), list[float]()
    # That module's alone: other threads of this process sleep as well.
    ticks = SimpleNamespace(monotonic=lambda: float(next(clock)), sleep=rests.append)
    monkeypatch.setattr("healthcheck.pipeline.prune.time", ticks)
    prune(NOW + timedelta(days=30), retention=timedelta(days=14), budget_seconds=900, batch=2, rest_share=0.5)
    assert not CheckResult.objects.exists()
    # Each batch took a second of this clock; the last of a table, which is not full, is followed by nothing.
    assert rests
    assert set(rests) == {0.5}
