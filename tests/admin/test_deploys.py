"""Deploy hooks in the admin: made with a secret that is shown once, rotated, and closed by a button."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.deploy_call import write_call
from healthcheck.models import DeployHook, DeployWindow, MaintenanceSpan, MaintenanceWindow, Tag
from healthcheck.models.secrets import make_key
from healthcheck.pipeline.deploy_calls import take_deploy_call
from tests.admin.conftest import CLOCK_QUERIES, make_person
from tests.deploys import KEY, sign_call, write_body
from tests.factories import SIGNING, make_deploy_hook, make_endpoint, make_group

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/deployhook/"
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{20,}={0,2}")


@pytest.fixture(autouse=True)
def _keys(settings: Any) -> None:
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (KEY,)}


def hook_fields(**changed: Any) -> dict[str, Any]:
    tag, _created = Tag.objects.get_or_create(name="shop")
    return {"name": "shop", "is_enabled": "on", "tags": [tag.pk], "max_minutes": "30", **changed}


def start(hook: DeployHook, deploy: str = "build-42", secret: str = SIGNING) -> bool:
    """Tell the hook of a deploy, and return whether it was believed."""
    now = timezone.now()
    return take_deploy_call(sign_call(hook, write_body("started", deploy), at=now, secret=secret), now) is not None


def read(response: Any) -> str:
    return str(response.content.decode())


def test_hook_is_made_with_a_secret_that_is_shown_once_and_works(operator: Client) -> None:
    response = operator.post(f"{LIST}add/", hook_fields())
    [secret] = _SECRET.findall(read(response))
    hook = DeployHook.objects.get()
    assert (response.status_code, "no-store" in response.headers["Cache-Control"]) == (200, True)
    assert (start(hook, secret=secret), start(hook, secret=SIGNING)) == (True, False)
    assert secret not in hook.sealed
    for page in ("", f"{hook.pk}/change/", f"{hook.pk}/calls/", f"{hook.pk}/history/", f"{hook.pk}/delete/"):
        assert _SECRET.findall(read(operator.get(f"{LIST}{page}"))) == []


def test_page_says_how_to_call_it_at_its_own_address(operator: Client) -> None:
    hook = make_deploy_hook()
    page = read(operator.get(f"{LIST}{hook.pk}/calls/"))
    call = write_call(f"http://testserver/deploys/{hook.public_id}")
    assert call.splitlines()[0].replace("'", "&#x27;") in page


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"tags": []}, "This field is required."),
        ({"max_minutes": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"max_minutes": "721"}, "Ensure this value is less than or equal to 720."),
        ({"name": "taken"}, "There is already a deploy hook with this name; choose another."),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(operator: Client, changed: dict[str, Any], sentence: str) -> None:
    make_deploy_hook("taken")
    page = read(operator.post(f"{LIST}add/", hook_fields(**changed)))
    assert (sentence in page, _SECRET.findall(page)) == (True, [])
    assert DeployHook.objects.count() == 1


def test_without_a_key_no_secret_can_be_kept_and_the_form_says_so(operator: Client, settings: Any) -> None:
    settings.HEALTHCHECK = {}
    page = read(operator.post(f"{LIST}add/", hook_fields()))
    assert "holds no key; set one" in page
    assert not DeployHook.objects.exists()


def test_change_keeps_address_and_secret(operator: Client) -> None:
    hook = make_deploy_hook()
    response = operator.post(f"{LIST}{hook.pk}/change/", hook_fields(max_minutes="5", is_public="on"))
    after = DeployHook.objects.get()
    assert (response.status_code, after.max_minutes, after.is_public) == (302, 5, True)
    assert (after.public_id, after.sealed) == (hook.public_id, hook.sealed)


def test_new_secret_is_valid_beside_the_former_until_that_is_revoked(operator: Client) -> None:
    hook = make_deploy_hook()
    [secret] = _SECRET.findall(read(operator.post(f"{LIST}{hook.pk}/rotate/")))
    assert (start(hook, secret=secret), start(hook, secret=SIGNING)) == (True, True)
    # A second click must not end the one that CI still uses.
    refused = operator.post(f"{LIST}{hook.pk}/rotate/", follow=True)
    assert ("revoke the former one first" in read(refused), _SECRET.findall(read(refused))) == (True, [])
    assert start(hook, secret=SIGNING)
    operator.post(f"{LIST}{hook.pk}/revoke/")
    assert (start(hook, secret=secret), start(hook, secret=SIGNING)) == (True, False)
    assert "There is no former secret." in read(operator.post(f"{LIST}{hook.pk}/revoke/", follow=True))
    assert start(hook, secret=secret)
    said = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(said) == ["New secret.", "Former secret revoked."]


def test_hook_that_no_key_opens_says_so_and_is_mended_by_a_new_secret(operator: Client, settings: Any) -> None:
    hook = make_deploy_hook()
    settings.HEALTHCHECK = {"ENCRYPTION_KEYS": (make_key(),)}
    assert "Until then no call is believed." in read(operator.get(f"{LIST}{hook.pk}/calls/"))
    [secret] = _SECRET.findall(read(operator.post(f"{LIST}{hook.pk}/rotate/")))
    assert start(hook, secret=secret)


def test_open_deploy_is_shown_and_closed_by_a_button(operator: Client) -> None:
    endpoint = make_endpoint(make_group())
    hook = make_deploy_hook()
    endpoint.tags.set(hook.tags.all())
    start(hook, "<b>1</b>")
    start(hook, "2")
    page = read(operator.get(f"{LIST}{hook.pk}/calls/"))
    assert ("&lt;b&gt;1&lt;/b&gt;" in page, "<b>1</b>" in page, page.count("Close now</button>")) == (True, False, 2)
    assert "2 deploys are open" in read(operator.get(LIST))
    for deploy in DeployWindow.objects.all():
        operator.post(f"{LIST}{hook.pk}/close/", {"deploy": deploy.pk})
    assert not MaintenanceSpan.objects.filter(ends_at__gt=timezone.now()).exists()
    page = read(operator.get(f"{LIST}{hook.pk}/calls/"))
    assert ("No deploy is open." in page, "Close now</button>" in page) == (True, False)


@pytest.mark.parametrize("chosen", ["", "x", "-1", "٣", "9" * 30, "0"])
def test_close_of_nothing_is_a_sentence(operator: Client, chosen: str) -> None:
    hook = make_deploy_hook()
    other = make_deploy_hook("other")
    start(other)
    page = read(operator.post(f"{LIST}{hook.pk}/close/", {"deploy": chosen}, follow=True))
    assert "It is not open any more." in page
    [deploy] = DeployWindow.objects.all()
    operator.post(f"{LIST}{hook.pk}/close/", {"deploy": deploy.pk})
    assert DeployWindow.objects.running(timezone.now()).count() == 1


@pytest.mark.parametrize("by_action", [False, True])
def test_deleting_says_what_is_open_and_ends_it(operator: Client, by_action: bool) -> None:
    hook = make_deploy_hook()
    start(hook)
    chosen = {"action": "delete_selected", "_selected_action": [hook.pk]}
    url, fields = (LIST, chosen) if by_action else (f"{LIST}{hook.pk}/delete/", {})
    asked = operator.post(url, fields) if by_action else operator.get(url)
    assert "“build-42” is open, and ends now" in read(asked)
    operator.post(url, fields | {"post": "yes"})
    assert (DeployHook.objects.count(), MaintenanceWindow.objects.running(timezone.now()).count()) == (0, 0)
    assert MaintenanceWindow.objects.count() == 1


def test_viewer_sees_no_button_and_operator_closes_without_changing() -> None:
    hook = make_deploy_hook()
    start(hook)
    buttons = ("Close now</button>", "Make a new secret</button>")
    viewer = make_person("view_deployhook", name="viewer")
    operating = make_person("view_deployhook", "operate_endpointgroup", name="operating")
    pages = [read(each.get(f"{LIST}{hook.pk}/calls/")) for each in (viewer, operating)]
    assert [[button in page for button in buttons] for page in pages] == [[False, False], [True, False]]


@pytest.mark.parametrize("count", [1, 3])
def test_pages_cost_the_same_at_one_and_at_three(
    operator: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    hooks = [make_deploy_hook(f"hook {number}", tags=["a", "b"]) for number in range(count)]
    for number in range(count):
        start(hooks[0], f"build-{number}")
    # The visitor's session and account; the number of hooks, twice; the hooks, their tags.
    with django_assert_num_queries(6 + CLOCK_QUERIES):
        operator.get(LIST)
    # The visitor's session and account; the hook, its tags; what is open, what is over.
    with django_assert_num_queries(6 + 2 * CLOCK_QUERIES):
        operator.get(f"{LIST}{hooks[0].pk}/calls/")
