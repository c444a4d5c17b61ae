"""Adding by URL: probed at once, shown, offered, saved; refused in one sentence with nothing typed lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from healthcheck.engine.loop import stop_engine_loop
from healthcheck.engine.probes import PROBES
from healthcheck.engine.types import State
from healthcheck.models import Endpoint, EndpointGroup, Version, VersionAction
from tests.admin.conftest import make_person, press_until_judged
from tests.factories import make_endpoint, make_group
from tests.hostile import HostileServer, play

pytestmark = pytest.mark.django_db

URL = "/admin/healthcheck/endpoint/add-by-url/"
JSON = play(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status": "ok"}')
NOWHERE = "http://127.0.0.1:1/"
ADDED = "It can be added all the same, and will be shown as"


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    """Loopback may be checked, and no loop of ours outlives a test."""
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


def fields(address: str, **changed: Any) -> dict[str, Any]:
    """Return the form as the page would send it to be saved."""
    return {
        "address": address,
        "group": "",
        "name": "health",
        "group_name": "Shop",
        "interval_seconds": "60",
        "offered": "status 200\nlatency < 200ms degraded",
        "chosen": ["status 200"],
        "further": "",
        "_save": "1",
    } | changed


def test_answer_is_shown_and_what_fits_it_is_offered(operator: Client, hostile: HostileServer) -> None:
    address = f"http://127.0.0.1:{hostile.listen(JSON)}/health"
    response = press_until_judged(operator, URL, {"address": address, "group": "", "_probe": "1"})
    answer, details = response.context["answer"], response.context["details"]
    assert (answer.state, answer.excerpt) == (State.UP, '{"status": "ok"}')
    assert details.offered_lines == [
        "status 200",
        'header content-type contains "json"',
        'json $.status == "ok"',
        "latency < 200ms degraded",
    ]
    assert details["chosen"].value() == ["status 200", 'json $.status == "ok"']
    assert details["name"].value() == address.removeprefix("http://")
    page = response.content.decode()
    for words in ("It answered as expected.", "wait for the answer", "curl --include", "Save and check it"):
        assert words in page
    assert not Endpoint.objects.exists()


def test_form_names_every_scheme_that_it_takes(operator: Client) -> None:
    page = operator.get(URL).content.decode()
    for kind in PROBES:
        assert f"{kind}://" in page


def test_saving_makes_group_endpoint_assertions_and_versions(operator: Client) -> None:
    before = timezone.now()
    response = operator.post(URL, fields("http://127.0.0.1:9/health", further='body contains "ok"'))
    endpoint = Endpoint.objects.get()
    assert response["Location"] == f"/admin/healthcheck/endpoint/{endpoint.pk}/latest/"
    assert [each.text for each in endpoint.assertions.all()] == ["status 200", 'body contains "ok"']
    group = endpoint.group
    assert (group.name, group.slug, group.interval_seconds) == ("Shop", "shop", 60)
    assert before <= group.next_run_at <= timezone.now()
    kinds = Version.objects.filter(action=VersionAction.CREATED).values_list("kind", "object_id")
    assert set(kinds) == {("endpointgroup", group.pk), ("endpoint", endpoint.pk)}


def test_existing_group_is_restarted_and_keeps_its_interval(operator: Client) -> None:
    group = make_group(interval_seconds=3600, deadline_seconds=5.0)
    EndpointGroup.objects.update(next_run_at=timezone.now() + timezone.timedelta(hours=1))  # type: ignore[attr-defined]
    operator.post(URL, fields(NOWHERE, group=group.pk, interval_seconds="7"))
    endpoint = Endpoint.objects.get()
    group.refresh_from_db()
    assert (endpoint.group, endpoint.timeout_seconds, group.interval_seconds) == (group, 5.0, 3600)
    assert group.next_run_at <= timezone.now()


def test_group_named_after_the_host_is_chosen_once_it_exists(operator: Client, hostile: HostileServer) -> None:
    group = make_group(name="127.0.0.1")
    address = f"http://127.0.0.1:{hostile.listen('good')}/"
    response = operator.post(URL, {"address": address, "_probe": "1"})
    assert response.context["url_form"]["group"].value() == str(group.pk)


def test_new_group_takes_a_slug_that_is_free(operator: Client) -> None:
    for number in range(3):
        operator.post(URL, fields(NOWHERE, group_name="Ünï.Shop", name=f"endpoint-{number}"))
    assert list(EndpointGroup.objects.values_list("slug", flat=True)) == ["uni-shop", "uni-shop-2", "uni-shop-3"]


@pytest.mark.parametrize("interval", ["1", "2", "60", "86400"])
def test_deadlines_fit_every_interval(operator: Client, interval: str) -> None:
    operator.post(URL, fields(NOWHERE, interval_seconds=interval))
    endpoint = Endpoint.objects.get()
    endpoint.full_clean()
    endpoint.group.full_clean()


def test_target_that_fails_can_be_added(operator: Client) -> None:
    page = operator.post(URL, {"address": NOWHERE, "_probe": "1"}).content.decode()
    assert "It refused the connection." in page
    assert f"{ADDED} down until it answers." in page
    assert operator.post(URL, fields(NOWHERE, offered="", chosen=[])).status_code == 302


@pytest.mark.parametrize(("line", "state"), [("status 204 degraded", "degraded"), ("status 204", "down")])
def test_target_that_answers_otherwise_is_not_said_to_be_silent(
    operator: Client, hostile: HostileServer, line: str, state: str
) -> None:
    address = f"http://127.0.0.1:{hostile.listen(JSON)}/health"
    typed = fields(address, chosen=[], further=line) | {"_save": "", "_probe": "1"}
    typed.pop("_save")
    page = press_until_judged(operator, URL, typed).content.decode()
    assert f"{ADDED} {state} until its answer is as expected." in page


def test_address_without_a_scheme_is_tried_with_both(operator: Client, hostile: HostileServer) -> None:
    port = hostile.listen("good")
    response = press_until_judged(operator, URL, {"address": f"127.0.0.1:{port}", "_probe": "1"})
    assert response.context["answer"].state is State.UP
    assert response.context["url_form"]["address"].value() == f"http://127.0.0.1:{port}"


def test_address_without_a_scheme_is_no_guess_where_neither_answers(operator: Client) -> None:
    response = operator.post(URL, {"address": "127.0.0.1:1", "_probe": "1"})
    assert response.context["url_form"].errors["address"] == [
        "Neither https:// nor http:// answered; write before the address which of them it is."
    ]
    assert response.context["url_form"]["address"].value() == "127.0.0.1:1"
    assert response.context["answer"].state is State.DOWN
    refused = operator.post(URL, fields("127.0.0.1:1"))
    assert refused.context["url_form"].errors["address"] == [
        "Write https:// or http:// before the address, or probe it, which finds out."
    ]
    assert not Endpoint.objects.exists()
    assert operator.post(URL, fields("http://127.0.0.1:1")).status_code == 302


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "Paste the URL of what is to be checked."),
        ("   ", "Paste the URL of what is to be checked."),
        ("ftp://example.com/", "The address must start with http:// or https://; add it."),
        ("javascript:alert(1)", "The address is not a valid URL; check its host and port."),
        ("hello world", "The address holds a space or a control character; remove it, or write a space as %20."),
        ("https://user:pass@example.com/", "remove user:password@"),
        ("https://", "The address has no host; write it like https://example.com/."),
        ("http://127.0.0.1:99999/", "The port must lie between 1 and 65535; correct it."),
        ("x" * 3000, "2000 characters"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(operator: Client, address: str, sentence: str) -> None:
    for button in ("_probe", "_save"):
        response = operator.post(URL, {**fields(address), "_save": "", button: "1"})
        [refusal] = response.context["url_form"].errors["address"]
        assert sentence in refusal
        assert response.context["url_form"]["address"].value() == address
    assert not Endpoint.objects.exists()


def test_address_that_the_policy_blocks_is_shown_as_blocked(operator: Client, settings: Settings) -> None:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "private", "CONTROL_NAME": ""}
    page = operator.post(URL, {"address": "http://169.254.169.254/", "_probe": "1"}).content.decode()
    assert "The address policy does not allow checking it." in page
    assert f"{ADDED} unknown until it can be checked." in page


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"name": "taken"}, "name", "This group already has an endpoint with this name; choose another."),
        ({"further": "body is fine"}, "further", "Line 1:"),
        ({"offered": "nonsense", "chosen": ["nonsense"]}, "further", "Line 1: Begin with what is judged"),
        ({"chosen": ["status 404"]}, "chosen", "Select a valid choice."),
    ],
)
def test_refusal_keeps_all_that_was_typed(operator: Client, changed: dict[str, Any], field: str, sentence: str) -> None:
    group = make_group()
    make_endpoint(group, "taken")
    typed = fields(NOWHERE, group=str(group.pk), further="latency < 3s") | changed
    response = operator.post(URL, typed)
    details = response.context["details"]
    assert sentence in " ".join(details.errors[field])
    for name in ("name", "group_name", "interval_seconds", "chosen", "further"):
        assert details[name].value() == typed[name]
    assert response.context["url_form"]["group"].value() == str(group.pk)
    assert Endpoint.objects.count() == 1


def test_refused_endpoint_leaves_no_group_behind(operator: Client) -> None:
    typed = fields(NOWHERE, name="x" * 201)
    assert operator.post(URL, typed).status_code == 200
    assert not EndpointGroup.objects.exists()
    assert operator.post(URL, fields("http://127.0.0.1/" + "x" * 1990)).status_code == 200
    assert not EndpointGroup.objects.exists()


def test_probing_again_judges_what_was_chosen_and_keeps_it(operator: Client, hostile: HostileServer) -> None:
    address = f"http://127.0.0.1:{hostile.listen('good')}/"
    typed = fields(address, further='body contains "absent"', name="mine") | {"_save": "", "_probe": "1"}
    typed.pop("_save")
    response = operator.post(URL, typed)
    answer, details = response.context["answer"], response.context["details"]
    assert [(each.expected, each.held) for each in answer.assertions] == [
        ("status 200", True),
        ('body contains "absent"', False),
    ]
    assert (details["name"].value(), details["chosen"].value()) == ("mine", ["status 200"])
    assert 'body contains "hello"' in details.offered_lines


def test_no_verdict_is_shown_while_a_line_is_refused(operator: Client, hostile: HostileServer) -> None:
    typed = fields(f"http://127.0.0.1:{hostile.listen('good')}/", further="body is fine") | {"_probe": "1"}
    typed.pop("_save")
    page = operator.post(URL, typed).content.decode()
    assert "Line 1:" in page
    assert "It answered as expected." not in page


def test_people_who_may_not_add_cannot_probe(viewer: Client, hostile: HostileServer) -> None:
    port = hostile.listen("good")
    for client in (viewer, make_person("view_endpoint", "change_endpoint", "operate_endpointgroup")):
        assert client.get(URL).status_code == 403
        assert client.post(URL, {"address": f"http://127.0.0.1:{port}/", "_probe": "1"}).status_code == 403
    assert hostile.accepted[port] == 0


def test_people_who_may_not_add_groups_choose_one(hostile: HostileServer) -> None:
    client = make_person("view_endpoint", "add_endpoint")
    page = client.post(URL, fields(NOWHERE)).context["url_form"]
    assert page.errors["group"] == ["This field is required."]
    group = make_group()
    assert client.post(URL, fields(NOWHERE, group=group.pk)).status_code == 302


def test_probing_needs_a_token_and_is_never_a_link(operator: Client, hostile: HostileServer) -> None:
    port = hostile.listen("good")
    page = operator.get(URL, {"address": f"http://127.0.0.1:{port}/", "_probe": "1"}).content.decode()
    assert f'value="http://127.0.0.1:{port}/"' in page
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(URL, {"address": f"http://127.0.0.1:{port}/", "_probe": "1"}).status_code == 403
    assert hostile.accepted[port] == 0


def test_what_a_target_says_is_text(operator: Client, hostile: HostileServer) -> None:
    body = b"<title><script>alert(1)</script></title>"
    answer = f"HTTP/1.1 200 OK\r\nX-A: <script>alert(1)</script>\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    address = f"http://127.0.0.1:{hostile.listen(play(answer + body))}/"
    page = operator.post(URL, {"address": address, "_probe": "1"}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_list_leads_to_adding_by_url(operator: Client, viewer: Client) -> None:
    link = f'href="{URL}"'
    assert link in operator.get("/admin/healthcheck/endpoint/").content.decode()
    assert link not in viewer.get("/admin/healthcheck/endpoint/").content.decode()


def test_refusal_stands_below_what_was_typed(operator: Client) -> None:
    page = operator.post(URL, {"address": "ftp://shop", "_probe": ""}).content.decode()
    assert page.index('value="ftp://shop"') < page.index("The address must start with http:// or https://; add it.")
