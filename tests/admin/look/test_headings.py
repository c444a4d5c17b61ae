"""Every page of ours has one heading of the first rank, its own title, under the theme and without it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from healthcheck.models import Endpoint
from tests.factories import make_endpoint, make_run

pytestmark = pytest.mark.django_db

_HEADING = re.compile(r"<h1[\s>].*?</h1>", re.DOTALL)


def read_headings(response: Any) -> list[str]:
    found = _HEADING.findall(response.content.decode())
    return [" ".join(re.sub(r"<[^>]*>", "", each).split()) for each in found]


@pytest.fixture
def endpoint(operator: Client) -> Endpoint:
    return make_endpoint(name="a & b")


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("endpoint_history", "History of a &amp; b"),
        ("endpoint_results", "Results of a &amp; b"),
        ("endpointgroup_runs", "Runs of Web"),
        ("run", "Run 7 of Web"),
        ("endpoint_import", "Import endpoints"),
        ("endpoint_add_by_url", "Add an endpoint by its URL"),
        ("credential_add", "Add credential"),
    ],
)
def test_a_page_has_its_title_as_its_one_heading(operator: Client, endpoint: Endpoint, page: str, title: str) -> None:
    run = make_run(endpoint.group, pk=7)
    ids = {"endpointgroup_runs": endpoint.group_id, "run": run.pk}
    pattern = reverse(f"admin:healthcheck_{page}", args=_list_arguments(page, ids.get(page, endpoint.pk)))
    assert read_headings(operator.get(pattern)) == [title]


def test_the_steps_of_a_bulk_edit_have_one_heading(operator: Client, endpoint: Endpoint) -> None:
    chosen = {"action": "edit_selected", "_selected_action": [endpoint.pk]}
    form = operator.post(reverse("admin:healthcheck_endpoint_changelist"), chosen)
    typed = {"state": form.context["state"], "step": "preview", "position.set": "on", "position.set.value": "3"}
    shown = operator.post(reverse("admin:healthcheck_endpoint_bulk"), typed)
    assert (read_headings(form), read_headings(shown)) == (["Edit many endpoints"], ["Edit many endpoints"])


def _list_arguments(page: str, pk: int) -> list[int]:
    return [pk] if page in {"endpoint_history", "endpoint_results", "endpointgroup_runs", "run"} else []
