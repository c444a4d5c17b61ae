"""Endpoints change their group: seen before it is done, refused name by name, recorded, and checked at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from healthcheck.models import Endpoint, EndpointGroup, Version
from tests.admin.change.test_bulk import EDIT, apply, edit, preview, select
from tests.admin.conftest import make_person
from tests.factories import make_endpoint, make_group, make_result, make_run

pytestmark = pytest.mark.django_db


def move(operator: Client, group: EndpointGroup, *endpoints: Endpoint) -> Any:
    """Return the preview."""
    state = select(operator, *endpoints).context["state"]
    return preview(operator, state, group__set="on", group__set__value=str(group.pk))


def test_move_is_shown_applied_and_recorded(operator: Client) -> None:
    later = timezone.now() + timedelta(days=1)
    old, new = make_group("old", next_run_at=later), make_group("new", next_run_at=later)
    moving, staying = make_endpoint(old, "moving"), make_endpoint(new, "staying")
    shown = move(operator, new, moving, staying)
    [row] = shown.context["rows"]
    assert [(each.field, each.before, each.after) for each in row.changes] == [("Group", "old", "new")]
    assert shown.context["counts"] == ["1 endpoint will be changed.", "1 endpoint stays as it is."]
    apply(operator, shown)
    moving.refresh_from_db()
    old.refresh_from_db()
    new.refresh_from_db()
    assert (moving.group, old.next_run_at, new.next_run_at < later) == (new, later, True)
    versions = Version.objects.filter(object_id=moving.pk).order_by("number")
    assert [each.definition["group"] for each in versions] == ["old", "new"]
    assert not Version.objects.filter(object_id=staying.pk).exists()


def test_paused_endpoints_wake_no_group(operator: Client) -> None:
    later = timezone.now() + timedelta(days=1)
    new = make_group("new", next_run_at=later)
    apply(operator, move(operator, new, make_endpoint(make_group("old"), is_paused=True)))
    new.refresh_from_db()
    assert (new.next_run_at, Endpoint.objects.get().group) == (later, new)


def test_each_name_that_is_taken_is_refused_in_a_sentence_of_its_own(operator: Client) -> None:
    new = make_group("new")
    make_endpoint(new, "front")
    moving = [make_endpoint(make_group(slug), name) for slug, name in (("a", "front"), ("b", "twin"), ("c", "twin"))]
    shown = move(operator, new, *moving)
    sentence = "The group already has an endpoint with the name “{}”; rename that one or this."
    said = [row.refusals for row in shown.context["rows"]]
    assert said == [[sentence.format("front")], [sentence.format("twin")], []]
    apply(operator, shown)
    assert Endpoint.objects.filter(group=new).count() == 1


def test_deadline_of_the_new_group_bounds_the_timeout(operator: Client) -> None:
    shown = move(operator, make_group("new", deadline_seconds=5.0), make_endpoint(make_group("old")))
    [row] = shown.context["rows"]
    assert row.refusals == ["Timeout: The timeout must not be longer than the group's deadline of 5 s; lower it."]


def test_renaming_a_group_is_no_move_of_its_endpoints(operator: Client) -> None:
    endpoint = make_endpoint(make_group("old"))
    edit(operator, endpoint, position__set="on", position__set__value="1")
    EndpointGroup.objects.update(slug="renamed")
    edit(operator, endpoint, position__set="on", position__set__value="2")
    assert list(Version.objects.order_by("number").values_list("number", flat=True)) == [1, 2, 3]


def test_group_that_is_deleted_meanwhile_takes_nothing(operator: Client) -> None:
    old, new = make_group("old"), make_group("new")
    shown = move(operator, new, make_endpoint(old))
    EndpointGroup.objects.filter(pk=new.pk).update(deleted_at=timezone.now())
    again = operator.post(EDIT, {"state": shown.context["state"], "step": "apply"})
    assert again.context["form"].errors["group.set.value"] == [
        "Select a valid choice. That choice is not one of the available choices."
    ]
    assert Endpoint.objects.get().group == old


def test_groups_are_offered_only_to_people_who_may_see_them() -> None:
    editor = make_person("view_endpoint", "change_endpoint", name="editor")
    form = select(editor, make_endpoint()).context["form"]
    assert "group.set" not in form.fields


def test_results_from_before_the_move_are_still_explained(operator: Client) -> None:
    old, new = make_group("old"), make_group("new")
    endpoint = make_endpoint(old)
    run = make_run(old)
    make_result(run, endpoint)
    apply(operator, move(operator, new, endpoint))
    results = operator.get(f"/admin/healthcheck/endpoint/{endpoint.pk}/results/")
    assert [row.run_id for row in results.context["rows"]] == [run.pk]
    assert operator.get(f"/admin/healthcheck/endpoint/{endpoint.pk}/results/{run.pk}/").status_code == 200
    assert operator.get(f"/admin/healthcheck/endpointgroup/runs/{run.pk}/").status_code == 200
