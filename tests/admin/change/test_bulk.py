"""Bulk edit: nothing before the preview, all of it or nothing after, and only what was shown."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from healthcheck.admin.change.selections import pack_ids, unpack_ids
from healthcheck.models import Credential, Endpoint, EndpointGroup, Tag, Version
from tests.admin.conftest import CLOCK_QUERIES
from tests.factories import make_assertion, make_endpoint, make_group

pytestmark = pytest.mark.django_db

ROOT = "/admin/healthcheck/"
LIST, EDIT = f"{ROOT}endpoint/", f"{ROOT}endpoint/edit/"
PREVIEW_QUERIES, APPLY_QUERIES = 9, 29
UNTICKED = "A value is given, but the box is not ticked: tick it, or empty the value."


def select(client: Client, *endpoints: Any, query: str = "", url: str = LIST, **fields: str) -> Any:
    chosen = {"action": "edit_selected", "_selected_action": [each.pk for each in endpoints]}
    return client.post(f"{url}{query}", chosen | fields)


def preview(client: Client, state: str, url: str = EDIT, **fields: str) -> Any:
    typed = {name.replace("__", "."): value for name, value in fields.items()}
    return client.post(url, {"state": state, "step": "preview", **typed})


def apply(client: Client, response: Any, url: str = EDIT) -> Any:
    return client.post(url, {"state": response.context["state"], "step": "apply"}, follow=True)


def edit(client: Client, *endpoints: Endpoint, **fields: str) -> Any:
    """Select, preview and apply in one go."""
    shown = preview(client, select(client, *endpoints).context["state"], **fields)
    assert shown.context["is_applicable"], [row.refusals for row in shown.context["rows"]]
    return apply(client, shown)


def test_several_fields_of_several_endpoints_in_one_go(operator: Client) -> None:
    group = make_group()
    first = make_endpoint(group, "first", options={"method": "HEAD", "headers": [["X-A", "1"]]})
    second = make_endpoint(group, "second", address="http://old.example/a")
    untouched = make_endpoint(group, "third")
    fields = {
        "timeout_seconds__set": "on",
        "timeout_seconds__set__value": "5",
        "is_paused__set": "on",
        "is_paused__set__value": "yes",
        "tags__add": "on",
        "tags__add__value": "EU",
        "address__replace": "on",
        "address__replace__find": "old.example",
        "address__replace__value": "new.example",
        "assertions__add": "on",
        "assertions__add__value": "status 200\nlatency < 1s",
        "options__method__reset": "on",
        "options__max_redirects__set": "on",
        "options__max_redirects__set__value": "0",
        "options__addresses__set": "on",
        "options__addresses__set__value": "all",
        "description__set": "on",
        "description__set__value": "",
        "comment": "moved",
    }
    edit(operator, first, second, **fields)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.timeout_seconds, first.is_paused, second.address) == (5.0, True, "http://new.example/a")
    assert (first.options, second.options) == (
        {"headers": [["X-A", "1"]], "max_redirects": 0, "addresses": "all"},
        {"max_redirects": 0, "addresses": "all"},
    )
    assert [each.text for each in second.assertions.all()] == ["status 200", "latency < 1s"]
    assert list(Tag.objects.get(name="eu").endpoints.order_by("pk")) == [first, second]
    assert set(Version.objects.filter(number=2).values_list("author_name", "comment")) == {("operator", "moved")}
    assert not Version.objects.filter(object_id=untouched.pk).exists()


def test_everything_about_a_request_is_set_in_one_go(operator: Client) -> None:
    endpoint = make_endpoint(options={"query": [["old", "1"]], "tls_min": "1.3"})
    values = {
        "method": "PURGE",
        "query": "a=b\r\nc=d e",
        "body_type": "form",
        "body": "f=g",
        "server_name": "",
        "proxy": "http://127.0.0.1:3128",
        "redirect_scope": "same_host",
        "tls_max": "1.3",
    }
    ticks = {f"options__{name}__set": "on" for name in values} | {"options__tls_min__reset": "on"}
    ticks |= {f"options__{name}__set__value": value for name, value in values.items()}
    edit(operator, endpoint, **ticks)
    endpoint.refresh_from_db()
    assert endpoint.options == {
        "method": "PURGE",
        "query": [["a", "b"], ["c", "d e"]],
        "body_type": "form",
        "body": "f=g",
        "proxy": "http://127.0.0.1:3128",
        "redirect_scope": "same_host",
        "tls_max": "1.3",
    }


def test_lines_of_assertions_are_removed_and_replaced_whole(operator: Client) -> None:
    endpoint = make_endpoint()
    for position, text in enumerate(["status 200", "status 200-299", "latency < 1s"]):
        make_assertion(endpoint, text, position=position)
    edit(operator, endpoint, assertions__remove="on", assertions__remove__value="latency < 1s")
    edit(
        operator,
        endpoint,
        assertions__replace="on",
        assertions__replace__find="status 200",
        assertions__replace__value="status 204",
    )
    assert [each.text for each in endpoint.assertions.all()] == ["status 204", "status 200-299"]


def test_preview_shows_before_and_after_and_writes_nothing(operator: Client) -> None:
    endpoint = make_endpoint(name="<b>site</b>")
    response = preview(
        operator,
        select(operator, endpoint).context["state"],
        timeout_seconds__set="on",
        timeout_seconds__set__value="5",
    )
    [row] = response.context["rows"]
    assert [(each.field, each.before, each.after) for each in row.changes] == [("Timeout", "10 seconds", "5 seconds")]
    assert "<b>site</b>" not in response.content.decode()
    assert (Endpoint.objects.get().timeout_seconds, Version.objects.count()) == (10.0, 0)


def test_one_refusal_keeps_all_from_being_applied(operator: Client) -> None:
    fast, slow = make_group("fast", deadline_seconds=5.0), make_group("slow")
    first, second = make_endpoint(slow, "first"), make_endpoint(fast, "second", timeout_seconds=1.0)
    state = select(operator, first, second).context["state"]
    response = preview(operator, state, timeout_seconds__set="on", timeout_seconds__set__value="8")
    said = ["1 endpoint will be changed.", "1 endpoint is refused."]
    assert (response.context["counts"], response.context["is_applicable"]) == (said, False)
    assert response.context["rows"][0].refusals == [
        "Timeout: The timeout must not be longer than the group's deadline of 5 s; lower it."
    ]
    apply(operator, response)
    assert sorted(Endpoint.objects.values_list("timeout_seconds", flat=True)) == [1.0, 10.0]


def test_what_changed_after_the_preview_asks_for_a_new_look(operator: Client) -> None:
    first, second = make_endpoint(make_group("a"), "first"), make_endpoint(make_group("b"), "second")
    shown = preview(
        operator, select(operator, first, second).context["state"], position__set="on", position__set__value="7"
    )
    Endpoint.objects.filter(pk=second.pk).update(description="by somebody else")
    again = apply(operator, shown)
    assert "nothing was applied: look it over again" in again.content.decode()
    assert set(Endpoint.objects.values_list("position", flat=True)) == {0}
    apply(operator, again)
    assert set(Endpoint.objects.values_list("position", flat=True)) == {7}


def test_selection_across_pages_is_the_filtered_list(operator: Client) -> None:
    group = make_group()
    for number in range(60):
        make_endpoint(group, f"old-{number}")
    kept = make_endpoint(group, "other")
    first = Endpoint.objects.exclude(pk=kept.pk)[0]
    response = select(operator, first, query="?q=old-", select_across="1")
    assert response.context["count"] == 60
    shown = preview(operator, response.context["state"], position__set="on", position__set__value="3")
    assert (len(shown.context["rows"]), shown.context["counts"]) == (50, ["60 endpoints will be changed."])
    second = operator.post(EDIT, {"state": shown.context["state"], "page": "2"})
    assert len(second.context["rows"]) == 10
    apply(operator, second)
    assert Endpoint.objects.filter(position=3).count() == 60


def test_edit_ends_on_the_list_that_it_was_started_from(operator: Client) -> None:
    endpoint = make_endpoint(name="old & new")
    filters = "?q=old+%26+new&o=1"
    response = select(operator, endpoint, query=filters)
    for fields in ({"step": "preview", "position.set": "on", "position.set.value": "3"}, {"step": "apply"}):
        page = response.content.decode()
        assert f'href="{LIST}{filters.replace("&", "&amp;")}"' in page, "Cancel leads elsewhere."
        address = find_action(page)
        assert address.startswith(EDIT)
        response = operator.post(address, {"state": response.context["state"], **fields})
    assert response["Location"] == f"{LIST}{filters}"
    assert Endpoint.objects.get().position == 3
    # A page that is too old leads there as well.
    assert operator.post(address, {"state": "old"})["Location"] == f"{LIST}{filters}"


def find_action(page: str) -> str:
    """Return where the form of the edit is sent."""
    [address] = re.findall(rf'<form method="post" action="({EDIT}[^"]*)"', page)
    return unescape(address)


def test_edit_can_be_changed_with_what_was_typed(operator: Client) -> None:
    shown = preview(
        operator, select(operator, make_endpoint()).context["state"], position__set="on", position__set__value="3"
    )
    form = operator.post(EDIT, {"state": shown.context["state"], "step": "form"}).context["form"]
    assert (form["position.set"].value(), form["position.set.value"].value()) == (True, "3")


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({}, "__all__", "Nothing is ticked; tick what is to be done."),
        ({"timeout_seconds__set": "on"}, "timeout_seconds.set.value", "Give a value, or untick the box."),
        ({"tags__add": "on"}, "tags.add.value", "Give a value, or untick the box."),
        ({"options__verify__set": "on"}, "options.verify.set.value", "Give a value, or untick the box."),
        ({"tags__add__value": "eu"}, "tags.add", UNTICKED),
        ({"timeout_seconds__set__value": "much"}, "timeout_seconds.set", UNTICKED),
        ({"address__replace__find": "x"}, "address.replace", UNTICKED),
        (
            {"options__max_redirects__set": "on", "options__max_redirects__set__value": "11"},
            "options.max_redirects.set.value",
            "Ensure this value is less than or equal to 10.",
        ),
        (
            {"address__replace": "on", "address__replace__value": "x"},
            "address.replace.find",
            "Give the text that is to be replaced.",
        ),
    ],
)
def test_form_refuses_with_a_sentence(operator: Client, fields: dict[str, str], field: str, sentence: str) -> None:
    response = preview(operator, select(operator, make_endpoint()).context["state"], **fields)
    assert response.context["form"].errors == {field: [sentence]}


def test_clocks_restart_once_for_what_is_asked_otherwise(operator: Client) -> None:
    later = timezone.now() + timedelta(days=1)
    asked, quiet = make_group("asked", next_run_at=later), make_group("quiet", next_run_at=later)
    edit(
        operator,
        make_endpoint(asked),
        address__replace="on",
        address__replace__find="127.0.0.1",
        address__replace__value="127.0.0.2",
    )
    edit(operator, make_endpoint(quiet), description__set="on", description__set__value="new")
    asked.refresh_from_db()
    quiet.refresh_from_db()
    assert (asked.next_run_at < later, quiet.next_run_at) == (True, later)


def test_groups_are_edited_as_well(operator: Client) -> None:
    url = f"{ROOT}endpointgroup/"
    groups = [make_group("a"), make_group("b", interval_seconds=None, cron="*/5 * * * *")]
    state = select(operator, *groups, url=url).context["state"]
    fields = {
        "interval_seconds__set": "on",
        "interval_seconds__set__value": "120",
        "tags__set": "on",
        "tags__set__value": "eu",
    }
    apply(operator, preview(operator, state, url=f"{url}edit/", **fields), url=f"{url}edit/")
    rows = EndpointGroup.objects.order_by("slug").values_list("interval_seconds", "cron", "tags__name")
    assert list(rows) == [(120, "", "eu"), (120, "", "eu")]


def test_deadline_below_a_timeout_is_refused_for_its_group(operator: Client) -> None:
    url = f"{ROOT}endpointgroup/"
    group = make_endpoint().group
    state = select(operator, group, url=url).context["state"]
    fields = {"deadline_seconds__set": "on", "deadline_seconds__set__value": "5"}
    [row] = preview(operator, state, url=f"{url}edit/", **fields).context["rows"]
    assert row.refusals == ["An endpoint of the group has a timeout of 10 s; lower that first."]
    Endpoint.objects.update(kind="heartbeat")
    [row] = preview(operator, state, url=f"{url}edit/", **fields).context["rows"]
    assert row.refusals == []


def test_credential_is_offered_only_to_people_who_may_see_it(operator: Client, django_user_model: Any) -> None:
    Credential.objects.create(name="shop", kind="basic")
    endpoint = make_endpoint()
    edit(operator, endpoint, credential__set="on", credential__set__value=str(Credential.objects.get().pk))
    assert Endpoint.objects.get().credential == Credential.objects.get()
    edit(operator, endpoint, credential__set="on", credential__set__value="")
    assert Endpoint.objects.get().credential is None


def test_ways_that_contradict_each_other_are_refused(operator: Client) -> None:
    fields = {"tags__add": "on", "tags__add__value": "eu", "tags__set": "on", "tags__set__value": "us"}
    response = preview(operator, select(operator, make_endpoint()).context["state"], **fields)
    sentence = "It cannot be done together with the others; tick one of them."
    assert response.context["form"].errors == {"tags.set": [sentence]}


def test_tags_are_added_and_removed_in_one_go(operator: Client) -> None:
    endpoint = make_endpoint()
    endpoint.tags.add(Tag.objects.create(name="old"))
    edit(
        operator, endpoint, tags__add="on", tags__add__value="new", tags__remove="on", tags__remove__value="old, other"
    )
    assert [tag.name for tag in endpoint.tags.all()] == ["new"]


@pytest.mark.parametrize("count", [1, 30])
def test_preview_and_apply_cost_the_same_for_one_and_thirty(
    operator: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    endpoints = [make_endpoint(group, f"e{number}") for number in range(count)]
    fields = {
        "assertions__add": "on",
        "assertions__add__value": "status 200",
        "tags__add": "on",
        "tags__add__value": "eu",
    }
    state = select(operator, *endpoints).context["state"]
    with django_assert_num_queries(PREVIEW_QUERIES):
        shown = preview(operator, state, **fields)
    with django_assert_num_queries(APPLY_QUERIES + CLOCK_QUERIES):
        operator.post(EDIT, {"state": shown.context["state"], "step": "apply"})
    assert Version.objects.count() == 2 * count


def test_state_of_another_person_or_a_forged_one_is_not_taken(operator: Client, django_user_model: Any) -> None:
    shown = preview(
        operator, select(operator, make_endpoint()).context["state"], position__set="on", position__set__value="3"
    )
    other = Client()
    other.force_login(django_user_model.objects.create_superuser("other"))
    for state in (shown.context["state"], "forged", ""):
        page = other.post(EDIT, {"state": state, "step": "apply"}, follow=True).content.decode()
        assert "That page is too old; select again." in page
    assert Endpoint.objects.get().position == 0


def test_viewers_cannot_edit_many(viewer: Client) -> None:
    endpoint = make_endpoint()
    assert "edit_selected" not in viewer.get(LIST).content.decode()
    assert viewer.post(EDIT, {"state": ""}).status_code == 403
    select(viewer, endpoint)
    assert viewer.get(EDIT).status_code == 403


@pytest.mark.parametrize("ids", [[1], [3, 1, 2], [5, 7, 8, 9, 20], list(range(1, 20_001))])
def test_ids_travel_as_ranges(ids: list[int]) -> None:
    packed = pack_ids(ids)
    assert unpack_ids(packed) == sorted(ids)
    assert len(packed) < 20
