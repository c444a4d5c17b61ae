"""The address of a list asks what its filters ask, and no column that its reader may not see."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from healthcheck.engine.masking import mask_url
from healthcheck.models import Correction, Credential, Endpoint, EndpointGroup, Location, StatusPage, Tag
from tests.admin.conftest import make_person
from tests.factories import make_endpoint, make_group, make_location, make_page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MODELS = [Correction, Credential, Endpoint, EndpointGroup, Location, StatusPage, Tag]
QUESTIONS = ("exact", "icontains", "startswith", "regex", "iregex", "contains", "gt")


def list_questions(model: type[Model]) -> list[str]:
    """Return every lookup of every column that is no filter of the list."""
    registered = admin.site._registry[model]
    offered = {f"{column}__exact" for column in registered.list_filter if isinstance(column, str)}
    columns = [field.name for field in model._meta.concrete_fields]
    return [lookup for column in columns for each in QUESTIONS if (lookup := f"{column}__{each}") not in offered]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.model_name)
def test_list_answers_no_question_about_a_column(admin_client: Client, model: type[Model]) -> None:
    url = f"/admin/healthcheck/{model._meta.model_name}/"
    answers = {lookup: admin_client.get(url, {lookup: "("}).status_code for lookup in list_questions(model)}
    assert {lookup for lookup, status in answers.items() if status not in {302, 400}} == set()


@pytest.mark.parametrize(
    ("path", "lookup"),
    [
        ("endpoint/", "options__icontains"),
        ("endpoint/export/", "options__icontains"),
        ("endpoint/", "group__slug__startswith"),
        ("endpoint/", "credential__sealed__startswith"),
        ("endpointgroup/export/", "name__startswith"),
    ],
)
def test_a_guess_gets_the_same_answer_whether_it_is_right(admin_client: Client, path: str, lookup: str) -> None:
    make_endpoint(make_group("shop"), options={"headers": [["X-Key", "s3cret"]]})
    answers = [admin_client.get(f"/admin/healthcheck/{path}", {lookup: guess}) for guess in ("s", "wrong")]
    assert len({(answer.status_code, answer.headers.get("Location")) for answer in answers}) == 1
    assert {answer.status_code for answer in answers} <= {302, 400}


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("endpoint/", {"group__id__exact": "{group}"}, True),
        ("endpoint/", {"state": "unknown"}, True),
        ("endpoint/", {"rests": "1"}, False),
        ("endpointgroup/", {"is_paused__exact": "0"}, True),
        ("endpointgroup/", {"is_paused__exact": "1"}, False),
        ("statuspage/", {"visibility__exact": "public"}, True),
    ],
)
def test_filters_of_the_list_go_on(admin_client: Client, path: str, query: dict[str, Any], *, found: bool) -> None:
    make_location()
    make_page("shop")
    group = make_group("shop")
    make_endpoint(group, "shop")
    given = {key: value.format(group=group.pk) for key, value in query.items()}
    answer = admin_client.get(f"/admin/healthcheck/{path}", given)
    assert answer.status_code == 200
    assert (answer.context["cl"].result_count > 0) is found


@pytest.mark.parametrize(
    ("address", "guess"),
    [
        ("http://us:s3cret@shop.example/", "s3cret"),
        ("http://shop.example/?token=s3cret", "token=s3"),
        ("http://shop.example/#key=s3cret", "s3cret"),
        ("http://shop.example/a;sid=s3cret", "s3cret"),
    ],
)
def test_search_finds_no_part_of_an_address_that_its_reader_may_not_see(address: str, guess: str) -> None:
    make_endpoint(address=address)
    make_endpoint(make_group("plain"), address="http://plain.example/s3cret/token=s3/")
    viewer, editor = make_person("view_endpoint"), make_person("change_endpoint", name="editor")
    assert mask_url(address) != address
    lists = [who.get("/admin/healthcheck/endpoint/", {"q": guess}).context["cl"] for who in (viewer, editor)]
    assert [each.result_count for each in lists] == [1, 2]
    export = viewer.get("/admin/healthcheck/endpoint/export/", {"q": guess})
    assert b"shop.example" not in b"".join(export)
