"""Templates of updates: a fixed set of names, filled in once, and nothing of an incident is markup."""

from __future__ import annotations

import pytest
from django.test import Client

from healthcheck.engine.incidents import Stage
from healthcheck.models import Incident, UpdateTemplate
from healthcheck.web.written import draw_markdown
from tests.factories import make_endpoint, make_group, make_incident

pytestmark = pytest.mark.django_db

LIST = "/admin/healthcheck/updatetemplate/"


def begin(client: Client, incident: Incident, template: str) -> str:
    """Return the text that the form of an update begins with."""
    response = client.get(f"/admin/healthcheck/incident/{incident.pk}/change/?template={template}")
    return str(response.context["forms"]["write"]["text"].value() or "")


def test_template_fills_in_what_the_incident_is_about(operator: Client) -> None:
    fields = {"name": "first words", "stage": Stage.IDENTIFIED.value, "text": "{title}: {endpoints}, since {since}."}
    assert operator.post(f"{LIST}add/", fields).status_code == 302
    template = UpdateTemplate.objects.get()
    group = make_group()
    incident = make_incident(make_endpoint(group, "checkout"), make_endpoint(group, "search"), title="The shop")
    assert begin(operator, incident, str(template.pk)) == "The shop: checkout, search, since 1 Jul 2026, 12:00:00 UTC."
    page = operator.get(f"/admin/healthcheck/incident/{incident.pk}/change/?template={template.pk}").content.decode()
    assert f'<a href="?template={template.pk}#hc-write">first words</a>' in page
    assert f'<option value="{Stage.IDENTIFIED.value}" selected>' in page


def test_name_of_an_endpoint_is_no_markup_and_no_template(operator: Client) -> None:
    template = UpdateTemplate.objects.create(name="x", stage=1, text="{endpoints}")
    name = "[a](https://evil.test) {title} **b**"
    text = begin(operator, make_incident(make_endpoint(make_group(), name), title="canary"), str(template.pk))
    drawn = draw_markdown(text)
    assert "<a" not in drawn
    assert "<strong" not in drawn
    assert "canary" not in drawn


@pytest.mark.parametrize("asked", ["", "x", "0", "9999999", "1'--", "9" * 40])
def test_template_that_does_not_exist_fills_in_nothing(operator: Client, asked: str) -> None:
    assert begin(operator, make_incident(), asked) == ""


@pytest.mark.parametrize("text", ["{adress}", "{title.__class__}", "{}", "{title!r}", "{0}"])
def test_unknown_name_is_refused_with_those_that_are_known(operator: Client, text: str) -> None:
    page = operator.post(f"{LIST}add/", {"name": "x", "stage": "1", "text": text}).content.decode()
    assert "write one of {title}, {endpoints}, {since}." in page
    assert UpdateTemplate.objects.count() == 0
