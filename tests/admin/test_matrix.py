"""Who may what: every address and every action of the admin, for everybody. An address without a row here fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client, RequestFactory
from django.urls import URLResolver, reverse

from healthcheck.models import (
    Credential,
    Dependency,
    DeployHook,
    Endpoint,
    Location,
    StatusPage,
    Tag,
    UpdateTemplate,
    Version,
    VersionAction,
)
from tests.admin.tell.conftest import make_delivery, make_pigeon, pigeons
from tests.factories import (
    make_endpoint,
    make_group,
    make_incident,
    make_location,
    make_page,
    make_policy,
    make_result,
    make_run,
    make_window,
)

__all__ = ["pigeons"]

pytestmark = pytest.mark.django_db

VIEWER, OPERATOR, EDITOR, SUPERUSER = "viewer", "operator", "editor", "superuser"
PEOPLE = ("anonymous", "staff", VIEWER, OPERATOR, EDITOR, SUPERUSER)
VIEW = {VIEWER, OPERATOR, EDITOR, SUPERUSER}
OPERATE = {OPERATOR, EDITOR, SUPERUSER}
EDIT = {EDITOR, SUPERUSER}
NOBODY: set[str] = set()

# Each address of Django's own, by what it does, and of which models viewers see nothing or nobody deletes.
STANDARD = {
    "changelist": VIEW,
    "history": VIEW,
    "change": VIEW,
    "add": EDIT,
    "delete": EDIT,
    "revert": EDIT,
    "deleted": VIEW,
}
EXCEPTIONS = {
    **{f"healthcheck_credential_{page}": EDIT for page in ("changelist", "history", "change", "deleted")},
    "healthcheck_location_delete": NOBODY,
    # Channels tell where people can be reached.
    **{f"healthcheck_notificationchannel_{page}": OPERATE for page in ("changelist", "history", "change")},
    **{f"healthcheck_delivery_{page}": OPERATE for page in ("changelist", "change")},
}
# Ours.
PAGES: dict[str, tuple[str, set[str]]] = {
    "healthcheck_desk": ("get", VIEW),
    "healthcheck_run": ("get", VIEW),
    "healthcheck_endpointgroup_runs": ("get", VIEW),
    "healthcheck_endpointgroup_check_now": ("post", OPERATE),
    "healthcheck_endpointgroup_pause": ("post", OPERATE),
    "healthcheck_endpointgroup_resume": ("post", OPERATE),
    "healthcheck_endpointgroup_mute": ("post", OPERATE),
    "healthcheck_endpointgroup_clone": ("post", EDIT),
    "healthcheck_endpointgroup_bulk": ("get", EDIT),
    "healthcheck_endpointgroup_export": ("get", VIEW),
    "healthcheck_endpointgroup_import": ("get", EDIT),
    "healthcheck_endpoint_export": ("get", VIEW),
    "healthcheck_endpoint_import": ("get", EDIT),
    "healthcheck_endpoint_results": ("get", VIEW),
    "healthcheck_endpoint_result": ("get", VIEW),
    "healthcheck_endpoint_latest": ("get", VIEW),
    "healthcheck_endpoint_uptime": ("get", VIEW),
    "healthcheck_endpoint_try_now": ("post", OPERATE),
    "healthcheck_endpoint_add_by_url": ("get", EDIT),
    "healthcheck_endpoint_pause": ("post", OPERATE),
    "healthcheck_endpoint_resume": ("post", OPERATE),
    "healthcheck_endpoint_mute": ("post", OPERATE),
    "healthcheck_maintenancewindow_end_now": ("post", OPERATE),
    "healthcheck_endpoint_clone": ("post", EDIT),
    "healthcheck_endpoint_bulk": ("get", EDIT),
    "healthcheck_endpoint_members": ("get", EDIT),
    "healthcheck_endpoint_signals": ("get", VIEW),
    "healthcheck_endpoint_token": ("post", EDIT),
    "healthcheck_endpoint_corrections": ("get", VIEW),
    "healthcheck_correction_make": ("get", OPERATE),
    "healthcheck_correction_withdraw": ("get", OPERATE),
    "healthcheck_incident_add": ("get", OPERATE),
    **{
        f"healthcheck_incident_{verb}": ("post", OPERATE)
        for verb in ("acknowledge", "snooze", "assign", "write", "publish", "resolve", "post_mortem")
    },
    "healthcheck_notificationchannel_test": ("post", OPERATE),
    "healthcheck_notificationchannel_enable": ("post", OPERATE),
    # Browsers ask for it when nobody is logged in.
    "healthcheck_notificationchannel_worker": ("get", set(PEOPLE)),
    "healthcheck_delivery_send_again": ("post", OPERATE),
    "healthcheck_deployhook_calls": ("get", VIEW),
    "healthcheck_deployhook_rotate": ("post", EDIT),
    "healthcheck_deployhook_revoke": ("post", EDIT),
    "healthcheck_deployhook_close": ("post", OPERATE),
}
MUTES = ("mute_for_20_minutes", "mute_for_an_hour", "mute_for_four_hours", "mute_until_tomorrow")
ACTIONS: dict[tuple[str, str], set[str]] = {
    **{(model, action): OPERATE for model in ("endpointgroup", "endpoint") for action in MUTES},
    ("maintenancewindow", "end_selected"): OPERATE,
    ("maintenancewindow", "delete_selected"): EDIT,
    ("endpointgroup", "check_selected"): OPERATE,
    ("endpointgroup", "pause_selected"): OPERATE,
    ("endpointgroup", "resume_selected"): OPERATE,
    ("endpointgroup", "correct_selected"): OPERATE,
    ("endpoint", "correct_selected"): OPERATE,
    ("correction", "withdraw_selected"): OPERATE,
    ("endpointgroup", "clone_selected"): EDIT,
    ("endpointgroup", "edit_selected"): EDIT,
    ("endpointgroup", "export_selected"): VIEW,
    ("endpoint", "export_selected"): VIEW,
    ("endpoint", "pause_selected"): OPERATE,
    ("endpoint", "resume_selected"): OPERATE,
    ("endpoint", "clone_selected"): EDIT,
    ("endpoint", "edit_selected"): EDIT,
    ("credential", "check_selected"): EDIT,
    **{(model, "delete_selected"): EDIT for model in ("endpointgroup", "endpoint", "credential", "statuspage", "tag")},
    **{
        (model, "delete_selected"): EDIT
        for model in ("notificationchannel", "notificationpolicy", "dependency", "updatetemplate", "deployhook")
    },
}


def list_names() -> set[str]:
    return {name for name in _walk(admin.site.get_urls()) if name.startswith("healthcheck_")}


def _walk(patterns: Sequence[Any]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def find_rule(name: str) -> tuple[str, set[str]]:
    if name in PAGES:
        return PAGES[name]
    page = name.rpartition("_")[2]
    return "get", EXCEPTIONS.get(name, STANDARD[page])


@pytest.fixture
def addresses(pigeons: None) -> dict[str, str]:
    """One of everything, and every address of ours about it."""
    endpoint = make_endpoint(make_group())
    run = make_run(endpoint.group)
    make_result(run, endpoint)
    channel = make_pigeon()
    network = make_group("network")
    rows: dict[str, Any] = {
        "endpoint": endpoint.pk,
        "endpointgroup": endpoint.group_id,
        "statuspage": make_page().pk,
        "location": make_location().pk,
        "maintenancewindow": make_window(groups=[endpoint.group]).pk,
        "tag": Tag.objects.create(name="customers").pk,
        "credential": Credential.objects.create(name="key", kind="bearer").pk,
    }
    told = {
        "notificationchannel": channel.pk,
        "notificationpolicy": make_policy(steps={0: [channel]}).pk,
        "dependency": Dependency.objects.create(child_endpoint=endpoint, parent_group=network).pk,
        "delivery": make_delivery(channel).pk,
        "incident": make_incident(endpoint).pk,
        "deployhook": DeployHook.objects.create(name="shop", public_id="shop").pk,
        "updatetemplate": UpdateTemplate.objects.create(name="first words", stage=1, text="We look.").pk,
    }
    for kind, pk in rows.items():
        Version.objects.create(kind=kind, object_id=pk, number=1, at=run.scheduled_for, action=VersionAction.CREATED)
    return {name: reverse(f"admin:{name}", args=_choose(name, rows | told, run.pk)) for name in list_names()}


def _choose(name: str, rows: dict[str, Any], run_id: int) -> list[Any]:
    model, _, page = name.removeprefix("healthcheck_").partition("_")
    of_no_row = {"changelist", "deleted", "add", "bulk", "add_by_url", "export", "import", "members"}
    of_no_row |= {"make", "withdraw", "worker"}
    if page in of_no_row or name == "healthcheck_desk":
        return []
    if name == "healthcheck_run":
        return [run_id]
    after = {"result": [run_id], "try_now": [run_id], "revert": [1]}
    return [rows[model], *after.get(page, [])]


def _forget_later_models() -> None:
    """Take from the roles what the migration that makes them could not give: it knew fewer models."""
    known = {name for app, name in MigrationLoader(None).project_state(("healthcheck", "0004_roles")).models}
    later = Permission.objects.filter(content_type__app_label="healthcheck").exclude(content_type__model__in=known)
    for role in Group.objects.filter(name__startswith="Health checks: "):
        role.permissions.remove(*later)


def log_in(person: str) -> Client:
    client = Client()
    if person == "anonymous":
        return client
    user = User.objects.create_user(person, is_staff=True, is_superuser=person == SUPERUSER)
    if person in (VIEWER, OPERATOR, EDITOR):
        # A transactional test before this one may have flushed what the migrations made.
        import_module("healthcheck.migrations.0004_roles").create_roles(apps, connection.schema_editor())
        _forget_later_models()
        for extension in ("0015_maintenance", "0020_incident_roles", "0025_update_templates", "0026_deploys"):
            import_module(f"healthcheck.migrations.{extension}").extend_roles(apps, connection.schema_editor())
        user.groups.set(Group.objects.filter(name=f"Health checks: {person}s"))
        assert user.groups.count() == 1
    client.force_login(user)
    return client


def test_every_address_has_a_rule() -> None:
    standard = {name for name in list_names() if name.rpartition("_")[2] in STANDARD and name not in PAGES}
    assert list_names() - standard == set(PAGES)


@pytest.mark.parametrize("person", PEOPLE)
def test_addresses_answer_whom_they_should(person: str, addresses: dict[str, str]) -> None:
    client = log_in(person)
    refused, wrong = {}, {}
    before = read_definitions()
    # What only looks goes first, and what changes is asked for only where it must be refused.
    for name, url in sorted(addresses.items()):
        method, allowed = find_rule(name)
        if person in allowed and method == "post":
            continue
        response = getattr(client, method)(url)
        # Without a choice some pages send back to the list.
        expected = {200, 302} if person in allowed else {403}
        if person == "anonymous" and person not in allowed:
            refused[name] = response.get("Location", "")
        elif response.status_code not in expected:
            wrong[name] = response.status_code
    assert wrong == {}
    assert all(target.startswith("/admin/login/") for target in refused.values())
    assert read_definitions() == before


@pytest.mark.parametrize("person", PEOPLE[2:])
@pytest.mark.parametrize("name", sorted(name for name in PAGES if PAGES[name][0] == "post"))
def test_buttons_work_for_whom_they_should(person: str, name: str, addresses: dict[str, str]) -> None:
    response = log_in(person).post(addresses[name])
    assert (response.status_code != 403) == (person in PAGES[name][1])
    assert response.status_code < 500


@pytest.mark.parametrize("person", PEOPLE[1:])
def test_actions_are_offered_to_whom_they_should(person: str) -> None:
    request = RequestFactory().get("/")
    log_in(person)
    request.user = User.objects.get(username=person)
    offered = {
        (model._meta.model_name, action)
        for model, each in admin.site._registry.items()
        if model._meta.app_label == "healthcheck"
        for action in each.get_actions(request)
    }
    assert offered == {action for action, allowed in ACTIONS.items() if person in allowed}


def read_definitions() -> list[Any]:
    models = (Endpoint, Location, StatusPage, Tag, Credential, Version)
    return [list(model._default_manager.order_by("pk").values_list()) for model in models]
