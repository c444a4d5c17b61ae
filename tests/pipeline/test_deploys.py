"""What a deploy does: quiet from the answer on, for so long at most, and told afterwards what is still down."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from healthcheck.engine.types import State
from healthcheck.models import (
    DeployCall,
    DeployHook,
    DeployWindow,
    Endpoint,
    EndpointGroup,
    Incident,
    MaintenanceSpan,
    MaintenanceWindow,
    Tag,
)
from healthcheck.models.maintenance import find_endpoints_in_maintenance
from healthcheck.pipeline.deploy_calls import MAX_CALLS, TOLERANCE, Answer, take_deploy_call
from healthcheck.pipeline.deploys import MAX_OPEN, delete_hooks
from healthcheck.pipeline.tick import sweep
from tests.deploys import KEY, sign_call, write_body
from tests.factories import NOW, make_deploy_hook, make_group, make_policy
from tests.hostile import HostileServer
from tests.notifiers.receiver import Receiver
from tests.pipeline.outbox import make_webhook, pass_time, read_items
from tests.pipeline.test_incidents import add, see

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
OK, CONFLICT = HTTPStatus.OK, HTTPStatus.CONFLICT
OPEN = "deploy build-42 is open until 2026-07-01 13:00:00 UTC"


@pytest.fixture(autouse=True)
def _settings(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,), "ADDRESS_MODE": "everything"}


@pytest.fixture
def group(location: object) -> EndpointGroup:
    return make_group()


@pytest.fixture
def site(group: EndpointGroup) -> Endpoint:
    [site, _other] = add(group, "site", "other")
    site.tags.add(Tag.objects.create(name="shop"))
    return site


@pytest.fixture
def hook(site: Endpoint) -> DeployHook:
    return make_deploy_hook()


def say(hook: DeployHook, verb: str, deploy: str = "build-42", *, now: datetime = NOW, **data: Any) -> Answer:
    answer = take_deploy_call(sign_call(hook, write_body(verb, deploy, **data), at=now), now)
    assert answer is not None
    return answer


def list_quiet(at: datetime) -> list[str]:
    ids = find_endpoints_in_maintenance(list(Endpoint.objects.values_list("pk", flat=True)), at)
    return list(Endpoint.objects.filter(pk__in=ids).order_by("name").values_list("name", flat=True))


def test_deploy_holds_from_the_answer_on_over_what_its_tags_name(hook: DeployHook) -> None:
    assert say(hook, "started") == Answer(OK, OPEN)
    assert (list_quiet(NOW), list_quiet(NOW + 60 * MINUTE)) == (["site"], [])
    window = MaintenanceWindow.objects.get()
    assert (window.title, window.is_public, window.duration_seconds) == ("Deploy build-42", False, 3600)


@pytest.mark.parametrize("is_public", [True, False])
def test_pages_announce_it_where_the_hook_says_so(hook: DeployHook, is_public: bool) -> None:
    DeployHook.objects.update(is_public=is_public)
    say(hook, "started")
    assert MaintenanceWindow.objects.get().is_public is is_public


def test_groups_with_the_tag_are_covered_and_joined_later(hook: DeployHook, group: EndpointGroup) -> None:
    group.tags.add(Tag.objects.get())
    say(hook, "started")
    assert list_quiet(NOW) == ["other", "site"]


def test_deploy_lasts_as_long_as_it_says_and_never_longer_than_its_hook_allows(hook: DeployHook) -> None:
    assert say(hook, "started", "short", minutes=20).sentence.endswith("12:20:00 UTC")
    assert say(hook, "started", "long", minutes=10**30, title="Spring\n sale").sentence.endswith("13:00:00 UTC")
    assert list(MaintenanceWindow.objects.order_by("pk").values_list("title", flat=True)) == [
        "Deploy short",
        "Spring sale",
    ]


def test_finishing_closes_it_at_once(hook: DeployHook) -> None:
    say(hook, "started")
    assert say(hook, "finished", now=NOW + MINUTE) == Answer(OK, "deploy build-42 is finished")
    assert list_quiet(NOW + MINUTE) == []
    assert MaintenanceSpan.objects.get().ends_at == NOW + MINUTE
    assert DeployWindow.objects.get().closed_at == NOW + MINUTE


def test_finishing_again_is_harmless_and_says_when_it_was_over(hook: DeployHook) -> None:
    say(hook, "started")
    say(hook, "finished", now=NOW + MINUTE)
    again = say(hook, "finished", now=NOW + 2 * MINUTE)
    assert again == Answer(OK, "deploy build-42 was over already, since 2026-07-01 12:01:00 UTC")


def test_deploy_that_nobody_finishes_is_over_by_itself(hook: DeployHook) -> None:
    say(hook, "started")
    late = NOW + 61 * MINUTE
    sentence = "deploy build-42 was over already, since 2026-07-01 13:00:00 UTC"
    assert (list_quiet(late), say(hook, "finished", now=late)) == ([], Answer(OK, sentence))


def test_name_can_be_used_again_once_its_deploy_is_over(hook: DeployHook) -> None:
    say(hook, "started")
    later = NOW + 61 * MINUTE
    assert say(hook, "started", now=later).sentence == "deploy build-42 is open until 2026-07-01 14:01:00 UTC"
    assert list(DeployWindow.objects.order_by("pk").values_list("closed_at", flat=True)) == [later, None]


def test_started_twice_opens_one(hook: DeployHook) -> None:
    say(hook, "started")
    again = say(hook, "started", now=NOW + MINUTE, minutes=5)
    assert again == Answer(OK, "deploy build-42 was open already, and is until 2026-07-01 13:00:00 UTC")
    assert MaintenanceWindow.objects.count() == 1


def test_deploys_that_overlap_each_have_their_own_window(hook: DeployHook) -> None:
    say(hook, "started", "a")
    say(hook, "started", "b", now=NOW + MINUTE)
    say(hook, "finished", "a", now=NOW + 2 * MINUTE)
    assert list_quiet(NOW + 2 * MINUTE) == ["site"]
    say(hook, "finished", "b", now=NOW + 3 * MINUTE)
    assert list_quiet(NOW + 3 * MINUTE) == []


def test_finish_of_what_nobody_started_says_so(hook: DeployHook) -> None:
    sentence = "no deploy build-42 is known; send deploy.started first, with the same data.deploy"
    assert say(hook, "finished") == Answer(CONFLICT, sentence)
    other = make_deploy_hook("other")
    say(other, "started")
    assert say(hook, "finished", now=NOW + SECOND) == Answer(CONFLICT, sentence)


def test_hook_that_is_switched_off_opens_nothing_and_finishes_what_is_open(hook: DeployHook) -> None:
    say(hook, "started")
    DeployHook.objects.update(is_enabled=False)
    refusal = Answer(CONFLICT, "this hook is switched off; switch it on in the admin")
    assert say(hook, "started", "b") == refusal
    assert say(hook, "finished", now=NOW + MINUTE).status == OK
    assert list_quiet(NOW + MINUTE) == []


def test_hook_without_tags_says_what_to_do(hook: DeployHook) -> None:
    Tag.objects.all().delete()
    refusal = Answer(CONFLICT, "this hook has no tags, so nothing is covered; add one in the admin")
    assert say(hook, "started") == refusal
    assert not MaintenanceWindow.objects.exists()


def test_ci_that_finishes_nothing_cannot_open_any_number(hook: DeployHook) -> None:
    for number in range(MAX_OPEN):
        say(hook, "started", f"build-{number}")
    assert say(hook, "started", "one more") == Answer(
        CONFLICT, f"{MAX_OPEN} deploys of this hook are open; finish one first"
    )
    assert say(hook, "started", "build-7").status == OK
    assert MaintenanceWindow.objects.count() == MAX_OPEN


def test_replay_gets_the_same_answer_and_does_nothing_twice(hook: DeployHook) -> None:
    start = sign_call(hook, write_body("started"))
    answers = [take_deploy_call(start, NOW)]
    say(hook, "finished", now=NOW + MINUTE)
    answers += [take_deploy_call(start, NOW + later) for later in (2 * MINUTE, TOLERANCE, TOLERANCE + 0.9 * SECOND)]
    assert answers == [Answer(OK, OPEN)] * 4
    assert (list_quiet(NOW + TOLERANCE), MaintenanceWindow.objects.count()) == ([], 1)
    late = take_deploy_call(start, NOW + TOLERANCE + SECOND)
    assert late == Answer(
        HTTPStatus.BAD_REQUEST,
        "webhook-timestamp is 301 seconds ago; set the clock of the caller and sign each call anew",
    )


def test_refusal_is_replayed_as_well_whatever_has_become_of_the_hook(hook: DeployHook) -> None:
    call = sign_call(hook, write_body("finished"))
    refused = take_deploy_call(call, NOW)
    say(hook, "started")
    assert (take_deploy_call(call, NOW + MINUTE), list_quiet(NOW + MINUTE)) == (refused, ["site"])


@pytest.mark.parametrize(("minutes", "is_taken"), [(-6, False), (-5, True), (5, True), (6, False)])
def test_clocks_may_be_five_minutes_apart(hook: DeployHook, minutes: int, is_taken: bool) -> None:
    answer = take_deploy_call(sign_call(hook, write_body("started"), at=NOW + minutes * MINUTE), NOW)
    assert answer is not None
    assert (answer.status == OK) is is_taken
    # One that is ahead can be replayed for longer, and is remembered for longer.
    assert DeployCall.objects.filter(until=NOW + (minutes + 5) * MINUTE + SECOND).exists() is is_taken


def test_calls_are_bounded_and_forgotten_once_they_cannot_be_replayed(hook: DeployHook) -> None:
    DeployCall.objects.bulk_create(
        DeployCall(hook=hook, digest=f"{number}", until=NOW + MINUTE, status=200, answer="x")
        for number in range(MAX_CALLS)
    )
    assert say(hook, "started") == Answer(HTTPStatus.TOO_MANY_REQUESTS, "too many calls of this hook", 60)
    later = NOW + MINUTE + SECOND
    assert say(hook, "started", now=later).status == OK
    assert DeployCall.objects.count() == 1


def test_hook_that_is_deleted_while_a_deploy_is_open_leaves_nothing_quiet(hook: DeployHook) -> None:
    say(hook, "started")
    delete_hooks([hook.pk], NOW + MINUTE)
    assert (list_quiet(NOW + MINUTE), MaintenanceWindow.objects.count()) == ([], 1)
    assert take_deploy_call(sign_call(hook, write_body("finished")), NOW + MINUTE) is None


def test_window_that_was_ended_or_deleted_by_hand_is_no_open_deploy(hook: DeployHook) -> None:
    say(hook, "started")
    [deploy] = DeployWindow.objects.all()
    deploy.window.delete()
    assert say(hook, "finished").status == CONFLICT
    assert say(hook, "started").sentence == OPEN


@pytest.mark.parametrize("is_finished", [True, False])
def test_what_fails_in_a_deploy_is_told_once_it_is_over_and_not_before(
    hostile: HostileServer, group: EndpointGroup, hook: DeployHook, is_finished: bool
) -> None:
    receiver = Receiver(hostile)
    make_policy(steps={0: [make_webhook(receiver)]})
    say(hook, "started", minutes=10)
    minutes = 5 if is_finished else 10
    for minute in range(1, minutes):
        see(group, State.DOWN, State.UP, minute=minute)
        sweep(NOW + minute * MINUTE, node="a")
        pass_time(NOW + minute * MINUTE, 1, step_seconds=10)
    assert (receiver.told, Incident.objects.count()) == ([], 0)
    end = NOW + minutes * MINUTE
    if is_finished:
        say(hook, "finished", now=end)
    # No run in between: the sweep sees that it is down and not quiet any more.
    sweep(end, node="a")
    pass_time(end, 1, step_seconds=10)
    assert read_items(receiver) == [[("opened", "site in Web")]]
