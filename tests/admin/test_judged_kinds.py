"""Kinds that ask nobody in the admin: no address, no assertions, nothing to try."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.drafts import Draft
from healthcheck.definitions.endpoint_drafts import check_endpoints
from healthcheck.models import Endpoint
from tests.admin.conftest import endpoint_fields
from tests.factories import make_assertion, make_endpoint, make_group, make_result, make_run
from tests.scripted_judge import KIND, register

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/endpoint/"


@pytest.fixture(autouse=True)
def oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def errors_of(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].form.errors)


def test_such_an_endpoint_is_added_without_address_and_assertions(operator: Client) -> None:
    fields = endpoint_fields(group=make_group().pk, kind=KIND, address="", assertions="")
    assert operator.post(f"{LIST}add/", fields).status_code == 302
    assert Endpoint.objects.values_list("kind", "address", "options").get() == (KIND, "", {})


def test_an_address_or_an_assertion_is_refused_at_its_field(operator: Client) -> None:
    fields = endpoint_fields(group=make_group().pk, kind=KIND, address="example.com", assertions="status 200")
    assert errors_of(operator.post(f"{LIST}add/", fields)) == {
        "address": ["A check of the kind oracle connects to nothing; empty the address."],
        "assertions": ["A check of the kind oracle gets no answer to expect something of; remove the assertions."],
    }


def test_every_other_kind_still_needs_an_address(operator: Client) -> None:
    for kind in ("http", "tcp", "tls"):
        fields = endpoint_fields(group=make_group(kind).pk, kind=kind, address="")
        assert "address" in errors_of(operator.post(f"{LIST}add/", fields))


def test_a_draft_with_assertions_is_refused() -> None:
    endpoint = make_endpoint(kind=KIND, address="")
    make_assertion(endpoint)
    draft = Draft(read_documents(Endpoint, [endpoint.pk])[endpoint.pk], pk=endpoint.pk)
    check_endpoints([draft])
    assert draft.refusals == [
        "A check of the kind oracle gets no answer to expect something of; remove the assertions."
    ]


def test_there_is_nothing_to_try(operator: Client) -> None:
    endpoint = make_endpoint(kind=KIND, address="")
    run = make_run(endpoint.group)
    make_result(run, endpoint)
    page = f"{LIST}{endpoint.pk}/results/{run.pk}/"
    assert "Try now" not in operator.get(page).content.decode()
    assert operator.post(f"{page}try/").status_code == 403
    fields = endpoint_fields(group=make_group("other").pk, kind=KIND, address="", assertions="")
    tried = operator.post(f"{LIST}add/", fields | {"_try": "1"})
    assert "asks nobody, so there is nothing to try; check its group instead." in tried.content.decode()


def test_the_list_shows_them_by_their_kind(operator: Client) -> None:
    group = make_group()
    make_endpoint(group, "judged", kind=KIND, address="")
    make_endpoint(group, "probed")
    shown = operator.get(f"{LIST}?kind={KIND}").content.decode()
    assert ("judged" in shown, ">probed<" in shown) == (True, False)
