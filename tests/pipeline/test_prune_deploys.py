"""What is forgotten of deploys, and what stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from healthcheck.models import DeployCall, DeployWindow, MaintenanceSpan, MaintenanceWindow
from healthcheck.pipeline.prune import prune
from healthcheck.pipeline.prune_deploys import CALL_RETENTION, DEPLOY_RETENTION
from tests.deploys import KEY
from tests.factories import NOW, make_deploy_hook, make_endpoint, make_group, make_window
from tests.pipeline.test_deploys import say

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}


@pytest.mark.parametrize("batch", [1, 2000])
def test_deploys_go_after_a_quarter_and_the_spans_of_their_windows_stay(batch: int) -> None:
    endpoint = make_endpoint(make_group())
    hook = make_deploy_hook()
    endpoint.tags.set(hook.tags.all())
    for name in ("a", "b"):
        say(hook, "started", name)
        say(hook, "finished", name, now=NOW + SECOND)
    say(hook, "started", "younger", now=NOW + DAY)
    make_window("by hand", at=NOW - 400 * DAY)
    prune(NOW + DEPLOY_RETENTION, retention=DAY, budget_seconds=30, batch=batch)
    assert DeployWindow.objects.count() == 3
    MaintenanceWindow.objects.filter(title="Deploy younger").update(recurrence="FREQ=DAILY")
    prune(NOW + DEPLOY_RETENTION + SECOND, retention=DAY, budget_seconds=30, batch=batch)
    kept = set(MaintenanceWindow.objects.values_list("title", flat=True))
    assert (kept, MaintenanceSpan.objects.count()) == ({"Deploy younger", "by hand"}, 3)


def test_calls_of_a_hook_that_is_silent_go_after_a_day() -> None:
    hook = make_deploy_hook()
    say(hook, "finished")
    until = DeployCall.objects.get().until
    for at, left in ((until + CALL_RETENTION, 1), (until + CALL_RETENTION + SECOND, 0)):
        prune(at, retention=DAY, budget_seconds=30)
        assert DeployCall.objects.count() == left
