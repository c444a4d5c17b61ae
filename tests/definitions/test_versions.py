"""Versions: one per change, numbered without a hole, with a way back for what nobody had recorded."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from healthcheck.definitions.documents import read_documents
from healthcheck.definitions.versions import AS_FOUND, Change, load_numbers, record_versions, recorded
from healthcheck.models import Endpoint, EndpointGroup, Version, VersionAction
from tests.factories import NOW, make_assertion, make_endpoint, make_group

pytestmark = [pytest.mark.django_db, pytest.mark.database]

CHANGED, DELETED = Change(NOW), Change(NOW, action=VersionAction.DELETED)


def list_versions() -> list[tuple[int, str, str]]:
    rows = Version.objects.order_by("object_id", "number")
    return [(row.number, row.get_action_display(), row.comment) for row in rows]


def test_first_change_records_what_was_found_and_what_became_of_it() -> None:
    endpoint = make_endpoint()
    with recorded(Endpoint, [endpoint.pk], Change(NOW, author_name="Ada", comment="because")):
        Endpoint.objects.update(name="renamed")
    assert list_versions() == [(1, "created", AS_FOUND), (2, "changed", "because")]
    names = list(Version.objects.order_by("number").values_list("name", "author_name", "definition__name"))
    assert names == [("site", "", "site"), ("renamed", "Ada", "renamed")]


def test_what_changes_nothing_is_no_version() -> None:
    endpoint = make_endpoint()
    with recorded(Endpoint, [endpoint.pk], CHANGED):
        Endpoint.objects.update(name="site")
    EndpointGroup.objects.update(slug="moved")
    with recorded(Endpoint, [endpoint.pk], CHANGED):
        pass
    assert list_versions() == []


def test_change_that_nobody_recorded_is_recorded_before_the_next() -> None:
    endpoint = make_endpoint()
    with recorded(Endpoint, [endpoint.pk], CHANGED):
        Endpoint.objects.update(name="second")
    Endpoint.objects.update(name="by a command")
    with recorded(Endpoint, [endpoint.pk], CHANGED):
        Endpoint.objects.update(name="third")
    assert list(Version.objects.order_by("number").values_list("name", flat=True)) == [
        "site",
        "second",
        "by a command",
        "third",
    ]


def test_new_object_begins_with_created() -> None:
    endpoint = make_endpoint()
    record_versions(Endpoint, {}, read_documents(Endpoint, [endpoint.pk]), CHANGED)
    assert list_versions() == [(1, "created", "")]


def test_deleting_is_a_version_although_the_definition_stays() -> None:
    endpoint = make_endpoint()
    with recorded(Endpoint, [endpoint.pk], DELETED):
        Endpoint.objects.update(deleted_at=NOW)
    assert list_versions() == [(1, "created", AS_FOUND), (2, "deleted", "")]


def test_what_is_removed_for_good_keeps_its_last_definition() -> None:
    group = make_group()
    with recorded(EndpointGroup, [group.pk], DELETED):
        EndpointGroup.objects.all().delete()
    assert [row.definition["slug"] for row in Version.objects.all()] == ["web", "web"]


def test_version_outlives_its_author_with_the_name() -> None:
    user = User.objects.create_user("ada")
    endpoint = make_endpoint()
    with recorded(Endpoint, [endpoint.pk], Change(NOW, author_id=user.pk, author_name="ada")):
        Endpoint.objects.update(name="renamed")
    user.delete()
    last = Version.objects.get(number=2)
    assert (last.author, last.author_name) == (None, "ada")


def test_change_that_fails_leaves_no_version() -> None:
    endpoint = make_endpoint()
    with pytest.raises(IntegrityError), recorded(Endpoint, [endpoint.pk], CHANGED):
        Endpoint.objects.update(failure_threshold=0)
    assert Version.objects.count() == 0


def test_two_cannot_have_the_same_number() -> None:
    columns: dict[str, Any] = {"kind": "endpoint", "object_id": 1, "number": 1, "at": NOW, "action": 1}
    Version.objects.create(**columns)
    with pytest.raises(IntegrityError), transaction.atomic():
        Version.objects.create(**columns)


@pytest.mark.parametrize("count", [1, 30])
def test_recording_costs_the_same_for_one_and_thirty(
    django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    group = make_group()
    ids = []
    for number in range(count):
        endpoint = make_endpoint(group, f"endpoint-{number}", options={"headers": [["X-A", "1"]]})
        make_assertion(endpoint)
        ids.append(endpoint.pk)
    # Lock, three to read, the update, three to read, the latest versions, the insert; and the savepoint.
    with django_assert_num_queries(14), recorded(Endpoint, ids, CHANGED):
        Endpoint.objects.update(description="new")
    assert Version.objects.count() == 2 * count
    assert load_numbers(Endpoint, ids) == dict.fromkeys(ids, 2)


def test_definition_holds_hostile_text_as_it_is() -> None:
    name = "Ünï\u2028'\"; DROP <b>%s{}\\u0000"
    endpoint = make_endpoint(name=name)
    with recorded(Endpoint, [endpoint.pk], CHANGED):
        Endpoint.objects.update(timeout_seconds=12.5, options={"headers": [["X", name]]})
    last = Version.objects.get(number=2)
    assert (last.name, last.definition["name"], last.definition["timeout_seconds"]) == (name, name, 12.5)
    assert last.definition["options"] == {"headers": [["X", name]]}


def test_time_of_a_change_is_read_after_the_lock() -> None:
    """Who waited for a lock must not carry a time from before it: numbers and instants go the same way."""
    endpoint = make_endpoint()
    statements: list[str] = []

    def watch(execute: Any, sql: str, *args: Any) -> Any:
        statements.append(sql)
        return execute(sql, *args)

    def make() -> Change:
        assert any('FROM "healthcheck_endpoint"' in sql for sql in statements)
        return CHANGED

    with connection.execute_wrapper(watch), recorded(Endpoint, [endpoint.pk], make):
        Endpoint.objects.update(name="other")
    assert Version.objects.count() == 2
