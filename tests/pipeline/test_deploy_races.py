"""Calls at once, on PostgreSQL: whoever comes second waits for the hook, and meets what the first has done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from healthcheck.models import DeployHook, DeployWindow, MaintenanceWindow
from healthcheck.pipeline.deploy_calls import Answer, take_deploy_call
from healthcheck.pipeline.deploys import delete_hooks
from tests.deploys import KEY, sign_call, write_body
from tests.factories import NOW, make_deploy_hook
from tests.locks import WAIT_SECONDS, in_thread, wait_for_waiting
from tests.pipeline.test_maintain_races import held

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def hook(settings: Any) -> DeployHook:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}
    return make_deploy_hook()


def follow(first: Callable[[], object], second: Callable[[], object]) -> object:
    """Act, and while that is not committed let another begin; return what that one got."""
    with ThreadPoolExecutor(2) as pool, held(pool, first) as may_end:
        waiting = in_thread(pool, second)
        wait_for_waiting()
        may_end.set()
        return waiting.result(WAIT_SECONDS)


def test_second_start_of_one_name_waits_and_finds_the_first(hook: DeployHook) -> None:
    one, other = (sign_call(hook, write_body("started")) for _ in range(2))
    answer = follow(lambda: take_deploy_call(one, NOW), lambda: take_deploy_call(other, NOW))
    assert isinstance(answer, Answer)
    assert answer.sentence.startswith("deploy build-42 was open already")
    assert (MaintenanceWindow.objects.count(), DeployWindow.objects.count()) == (1, 1)


def test_replay_at_the_same_moment_does_nothing_and_gets_the_same_answer(hook: DeployHook) -> None:
    call = sign_call(hook, write_body("started"))
    answer = follow(lambda: take_deploy_call(call, NOW), lambda: take_deploy_call(call, NOW))
    assert isinstance(answer, Answer)
    assert answer.sentence.startswith("deploy build-42 is open until")
    assert MaintenanceWindow.objects.count() == 1


def test_start_that_meets_the_deletion_of_its_hook_opens_nothing(hook: DeployHook) -> None:
    call = sign_call(hook, write_body("started"))
    assert follow(lambda: delete_hooks([hook.pk], NOW), lambda: take_deploy_call(call, NOW)) is None
    assert not MaintenanceWindow.objects.exists()


def test_deletion_that_meets_a_start_ends_what_it_opened(hook: DeployHook) -> None:
    call = sign_call(hook, write_body("started"))
    follow(lambda: take_deploy_call(call, NOW), lambda: delete_hooks([hook.pk], NOW))
    assert MaintenanceWindow.objects.get().ended_at == NOW
