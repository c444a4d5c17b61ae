"""Run by `test_installed.py`: an endpoint of an installed kind goes through form, check and result."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client
from pytest_django import Settings

from healthcheck.definitions.comparing import describe_document
from healthcheck.definitions.documents import read_documents
from healthcheck.engine.loop import stop_engine_loop
from healthcheck.engine.probes import list_kinds, load_probe
from healthcheck.engine.types import ConfigurationError, ErrorKind, State
from healthcheck.models import CheckResult, Endpoint
from tests.admin.conftest import endpoint_fields, make_person
from tests.factories import make_endpoint, make_group
from tests.hostile import HostileServer
from tests.management.conftest import run_command

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/healthcheck/endpoint/add/"
OPTIONS = {"person": "ada", "is_long": "on", "max_lines": "5", "tolerance": "0.5"}


@pytest.fixture(autouse=True)
def laptop(settings: Settings) -> Iterator[None]:
    settings.HEALTHCHECK = {"ADDRESS_MODE": "everything", "CONTROL_NAME": ""}
    yield
    stop_engine_loop()


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    asked = await reader.readline()
    writer.write(b"you asked " + asked)
    await writer.drain()


def test_endpoint_goes_through_form_check_and_result(operator: Client, hostile: HostileServer) -> None:
    group = make_group()
    fields = {"group": group.pk, "kind": "finger", "address": f"127.0.0.1:{hostile.listen(answer)}", **OPTIONS}
    fields["assertions"] = 'body contains "/W ada"'
    assert operator.post(ADD, endpoint_fields(**fields)).status_code == 302
    endpoint = Endpoint.objects.get()
    assert (endpoint.kind, endpoint.options) == ("finger", {"person": "ada", "is_long": True, "max_lines": 5})
    status, shown = run_command("check_group", group.slug)
    assert status == 0, shown
    result = CheckResult.objects.get()
    assert (result.endpoint_id, result.verdict) == (endpoint.pk, State.UP)


def test_form_has_a_field_for_each_option_that_is_derived_from_its_default(operator: Client) -> None:
    form = operator.get(ADD).context["adminform"].form
    kinds = [name for name, _label in form.fields["kind"].choices]
    assert {"finger", "wild", "http"} <= set(kinds)
    assert [type(form.fields[name]).__name__ for name in OPTIONS] == [
        "TextField",
        "BooleanField",
        "IntegerField",
        "FloatField",
    ]
    assert [form.initial[name] for name in OPTIONS] == ["", False, 10, 0.5]
    page = operator.get(ADD).content.decode()
    assert "Options of further kinds" in page


def test_what_is_wrong_is_said_at_its_field(operator: Client) -> None:
    fields = {"group": make_group().pk, "kind": "finger", "address": "127.0.0.1", **OPTIONS, "person": "a\nb"}
    assert errors_of(operator.post(ADD, endpoint_fields(**fields))) == {
        "person": ["The person must be one line of text; correct it."]
    }
    foreign = endpoint_fields(group=fields["group"], **OPTIONS)
    assert set(errors_of(operator.post(ADD, foreign))) == {"person", "is_long", "max_lines"}


def test_what_the_kind_raises_is_a_sentence_or_no_data(operator: Client) -> None:
    with pytest.raises(ConfigurationError, match=r"The kind wild, of finger-kind, failed .* \(KeyError\)") as caught:
        load_probe("wild").parse("wild://raise", {})
    assert caught.value.field == "options"
    group = make_group()
    addresses = {"raises": "wild://x", "nothing": "wild://nothing", "unreadable": "wild://raise"}
    for name, address in addresses.items():
        make_endpoint(group, name, kind="wild", address=address)
    make_endpoint(group, "broken", kind="broken", address="x")
    status, shown = run_command("check_group", group.slug)
    assert status == 1
    assert "secret-of-the-wild" not in shown
    verdicts = {(each.verdict, each.error_kind) for each in CheckResult.objects.all()}
    assert (CheckResult.objects.count(), verdicts) == (4, {(State.UNKNOWN, ErrorKind.INTERNAL)})


def test_what_cannot_be_used_is_named_and_nothing_else_is_touched() -> None:
    assert list_kinds().count("http") == 1
    assert type(load_probe("http")).__name__ == "HttpProbe"
    with pytest.raises(ConfigurationError, match="The kind broken, of finger-kind, cannot be used"):
        load_probe("broken")
    broken, shadow = [each.msg for each in run_checks(tags=["healthcheck"]) if each.id == "healthcheck.W010"]
    assert broken.startswith(
        "The kind “broken” of the distribution finger-kind cannot be used. It cannot be loaded: ModuleNotFoundError: "
    )
    assert shadow == (
        "The kind “http” of the distribution finger-kind cannot be used. "
        "There is a kind of this name already, and it stays; the other needs another name."
    )


def test_texts_of_a_third_party_are_shown_only_to_people_who_may_change_them() -> None:
    options = {"person": "canary-of-a-person", "max_lines": 3}
    endpoint = make_endpoint(kind="finger", address="127.0.0.1", options=options)
    viewer = make_person("view_endpointgroup", "view_endpoint", name="viewer")
    page = viewer.get(f"/admin/healthcheck/endpoint/{endpoint.pk}/change/").content.decode()
    assert "canary-of-a-person" not in page
    assert ("person: (set)" in page, "max lines: 3" in page) == (True, True)
    document = read_documents(Endpoint, [endpoint.pk])[endpoint.pk]
    lines = describe_document(document, shows_hidden=False)
    assert "canary-of-a-person" not in str(lines)
