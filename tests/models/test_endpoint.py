"""Endpoints and assertions: what the database refuses whoever writes, and the sentence a person reads."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from healthcheck.engine.probes import JUDGED, list_kinds
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Assertion, Credential, Endpoint, EndpointGroup
from tests.factories import NOW, make_assertion, make_endpoint, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def refusals(group: EndpointGroup | None = None, **columns: Any) -> dict[str, list[str]]:
    defaults: dict[str, Any] = {"name": "site", "address": "https://example.com/"}
    with pytest.raises(ValidationError) as refused:
        Endpoint(group=group or make_group(), **(defaults | columns)).full_clean()
    return refused.value.message_dict


@pytest.mark.parametrize(
    "columns",
    [
        {"timeout_seconds": 0},
        {"timeout_seconds": -1},
        {"timeout_seconds": 600.5},
        {"failure_threshold": 0},
        {"failure_threshold": 61},
        {"recovery_threshold": 0},
        {"recovery_threshold": 61},
    ],
)
def test_database_refuses_numbers_that_make_no_sense(columns: dict[str, Any]) -> None:
    group = make_group()
    with pytest.raises(IntegrityError), transaction.atomic():
        make_endpoint(group, **columns)
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("columns", [{"timeout_seconds": 0.1}, {"failure_threshold": 60, "recovery_threshold": 60}])
def test_numbers_at_the_limits_are_stored(columns: dict[str, Any]) -> None:
    endpoint = make_endpoint(**columns)
    endpoint.full_clean()
    assert Endpoint.objects.get() == endpoint


def test_form_refuses_a_timeout_longer_than_the_deadline_of_the_group() -> None:
    group = make_group(deadline_seconds=12.5)
    Endpoint(group=group, name="fits", address="https://example.com/", timeout_seconds=12.5).full_clean()
    assert refusals(group, timeout_seconds=12.6) == {
        "timeout_seconds": ["The timeout must not be longer than the group's deadline of 12.5 s; lower it."]
    }


def test_form_takes_any_timeout_of_a_kind_that_asks_nobody() -> None:
    group = make_group(deadline_seconds=4.0)
    for kind in JUDGED:
        Endpoint(group=group, name=kind, kind=kind).full_clean()


def test_form_refuses_an_empty_timeout_and_a_missing_group_without_falling_over() -> None:
    assert refusals(timeout_seconds=None) == {"timeout_seconds": ["This field cannot be null."]}
    with pytest.raises(ValidationError) as refused:
        Endpoint(name="site", address="https://example.com/").full_clean()
    assert refused.value.message_dict == {"group": ["This field cannot be null."]}


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"address": "ftp://example.com/"}, "address"),
        ({"address": "https://"}, "address"),
        ({"address": "http://example.com:99999/"}, "address"),
        ({"options": {"no_such_option": 1}}, "options"),
        ({"options": {"headers": {"A": "b\r\nC: d"}}}, "options"),
        ({"kind": "carrier_pigeon"}, "kind"),
    ],
)
def test_form_refuses_what_the_probe_refuses_at_its_field(columns: dict[str, Any], field: str) -> None:
    refused = refusals(**columns)
    assert list(refused) == [field]
    assert all(sentence.endswith(".") for sentence in refused[field])


def test_refused_option_is_named_by_the_code_of_its_error() -> None:
    endpoint = Endpoint(group=make_group(), name="site", address="https://example.com/", options={"method": "G E T"})
    with pytest.raises(ValidationError) as refused:
        endpoint.clean()
    [error] = refused.value.error_dict["options"]
    assert error.code == "method"


def test_two_endpoints_of_one_name_are_refused_until_the_first_is_deleted() -> None:
    group = make_group()
    first = make_endpoint(group, "site")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_endpoint(group, "site")
    sentence = "This group already has an endpoint with this name; choose another."
    assert refusals(group) == {"__all__": [sentence]}
    Endpoint.objects.filter(pk=first.pk).update(deleted_at=NOW)
    second = make_endpoint(group, "site")
    second.full_clean()
    assert list(Endpoint.objects.existing()) == [second]


def test_endpoints_of_two_groups_may_share_a_name() -> None:
    first, second = make_endpoint(make_group("a"), "site"), make_endpoint(make_group("b"), "site")
    assert list(Endpoint.objects.order_by("pk")) == [first, second]


def test_endpoints_that_are_checked_are_neither_paused_nor_deleted() -> None:
    group = make_group()
    checked, paused = make_endpoint(group, "checked"), make_endpoint(group, "paused", is_paused=True)
    make_endpoint(group, "gone", deleted_at=NOW)
    assert list(Endpoint.objects.checked()) == [checked]
    assert list(Endpoint.objects.existing()) == [checked, paused]


def test_name_of_ten_thousand_emoji_is_refused_by_length() -> None:
    expected = {"name": ["Ensure this value has at most 200 characters (it has 10000)."]}
    assert refusals(name="🚑" * 10_000) == expected


def test_name_of_two_hundred_emoji_is_stored_as_it_is() -> None:
    make_endpoint(name="🚑" * 200).full_clean()
    assert Endpoint.objects.get().name == "🚑" * 200


def test_options_come_back_as_the_typed_configuration() -> None:
    endpoint = make_endpoint(options={"method": "HEAD"})
    assert Endpoint.objects.get(pk=endpoint.pk).parse_options().method == "HEAD"


def test_options_saved_past_the_forms_are_refused_when_they_are_read() -> None:
    endpoint = make_endpoint(address="gopher://nowhere")
    with pytest.raises(ConfigurationError):
        endpoint.parse_options()


def test_form_refuses_an_assertion_that_cannot_be_read() -> None:
    assertion = Assertion(endpoint=make_endpoint(), text="statsu 200")
    with pytest.raises(ValidationError) as refused:
        assertion.full_clean()
    [sentence] = refused.value.message_dict["text"]
    assert sentence.endswith(".")


def test_assertions_are_listed_by_position_and_go_with_their_endpoint() -> None:
    endpoint = make_endpoint()
    second = make_assertion(endpoint, "status 204", position=2)
    first = make_assertion(endpoint, "status 200-299", position=1)
    assert list(endpoint.assertions.all()) == [first, second]
    endpoint.delete()
    assert not Assertion.objects.exists()


@pytest.mark.parametrize(
    ("columns", "field", "sentence"),
    [
        ({"kind": "gopher"}, "kind", f"There is no kind “gopher”; choose one of {', '.join(sorted(list_kinds()))}."),
        ({"kind": ""}, "kind", "This field cannot be blank."),
        ({"kind": "tls"}, "address", "The address is a host and a port; write it like tls://example.com:443."),
        (
            {"kind": "tcp", "address": "a.example:25", "options": {"method": "GET"}},
            "options",
            "The kind tcp has no option “method”; remove it.",
        ),
    ],
)
def test_kind_is_judged_by_the_registry(columns: dict[str, Any], field: str, sentence: str) -> None:
    assert sentence in refusals(**columns)[field]


def test_only_http_takes_a_credential() -> None:
    credential = Credential.objects.create(name="key", kind="bearer")
    Endpoint(group=make_group(), name="a", address="https://a.example/", credential=credential).full_clean()
    for kind in ("tcp", "tls"):
        found = refusals(make_group(kind), kind=kind, address="a.example:25", credential=credential)
        sentence = f"A check of the kind {kind} sends no credential; choose none, or another kind."
        assert found == {"credential": [sentence]}
