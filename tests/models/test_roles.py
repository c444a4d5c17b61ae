"""The roles that a new database has, and that they are people's from then on."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import connection

pytestmark = pytest.mark.django_db

migration = import_module("healthcheck.migrations.0004_roles")


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    """Made by the migration; a transactional test before this one may have flushed them."""
    Group.objects.all().delete()
    create_roles()


def create_roles() -> None:
    migration.create_roles(apps, connection.schema_editor())


def read_permissions(role: str) -> set[str]:
    return set(Group.objects.get(name=f"Health checks: {role}").permissions.values_list("codename", flat=True))


def test_viewers_look_at_everything_but_credentials() -> None:
    permissions = read_permissions("viewers")
    assert {name.split("_")[0] for name in permissions} == {"view"}
    assert {"view_endpoint", "view_endpointgroup", "view_statuspage", "view_version"} <= permissions
    assert "view_credential" not in permissions


def test_operators_operate_as_well() -> None:
    assert read_permissions("operators") == read_permissions("viewers") | {"operate_endpointgroup"}


def test_editors_define_and_write_nothing_that_machines_write() -> None:
    permissions = read_permissions("editors")
    assert read_permissions("operators") | {"add_endpoint", "change_credential", "delete_statuspage"} <= permissions
    machines = ("checkrun", "checkresult", "evidence", "endpointstate", "transition", "tick", "workerpulse", "version")
    assert not [name for name in permissions if name.endswith(machines) and not name.startswith("view_")]


def test_what_was_taken_from_a_role_is_not_given_back() -> None:
    Group.objects.get(name="Health checks: editors").permissions.clear()
    create_roles()
    assert read_permissions("editors") == set()


def test_roles_see_operate_and_edit_what_tells_people() -> None:
    import_module("healthcheck.migrations.0020_incident_roles").extend_roles(apps, connection.schema_editor())
    operators, editors = read_permissions("operators"), read_permissions("editors")
    assert {"view_incident", "view_notificationpolicy", "view_dependency"} <= read_permissions("viewers")
    assert "operate_incident" in operators - read_permissions("viewers")
    assert {"add_notificationchannel", "change_policystep", "delete_dependency"} <= editors - operators
    assert {name for name in editors if name.endswith("_incident")} == {"view_incident", "operate_incident"}
