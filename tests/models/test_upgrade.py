"""Upgrades under way: code of an earlier release goes on writing to a database that is migrated already."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, models
from django.db.migrations import (
    AddConstraint,
    AddField,
    AddIndex,
    AlterField,
    AlterModelOptions,
    CreateModel,
    RemoveField,
    RunPython,
)
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState, StateApps

from healthcheck.models import CheckRun, Endpoint, EndpointGroup, StatusPage

pytestmark = pytest.mark.database

APP = "healthcheck"
FIRST = (APP, "0001_initial")
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
# The class of its field, and what of its options the database sees.
Column = tuple[str, dict[str, Any]]


def load_state(migration: tuple[str, str]) -> StateApps:
    """Return the models as the code of that migration has them."""
    return MigrationExecutor(connection).loader.project_state([migration]).apps


def insert_rows(apps: StateApps, suffix: str) -> None:
    """Insert one row of every table, each column written as that code writes it."""
    location = apps.get_model(APP, "Location").objects.create(slug=f"l-{suffix}", name="L")
    group = apps.get_model(APP, "EndpointGroup").objects.create(name="G", slug=f"g-{suffix}")
    endpoint = apps.get_model(APP, "Endpoint").objects.create(group=group, name="E", address="http://127.0.0.1/")
    keys = {"endpoint_id": endpoint.pk, "run_id": 1}
    run = {"scheduled_for": NOW, "open_until": LATER, "valid_until": LATER, "trigger": 1, "status": 3}
    change = {"from_state": 0, "to_state": 1, "at": NOW, "confirmed_at": NOW}
    rows: dict[str, dict[str, Any]] = {
        "Assertion": {"endpoint": endpoint, "text": "status 200"},
        "StatusPage": {"slug": f"p-{suffix}", "title": "P"},
        "CheckRun": {"group": group, "location": location, **run},
        "CheckResult": {**keys, "judgement": 1},
        "Evidence": {**keys, "facts": {}},
        "EndpointState": {"endpoint": endpoint, "location": location, "since": NOW},
        "Transition": {"endpoint_id": endpoint.pk, "location": location, **change},
        "Tick": {"node": suffix, "at": NOW},
    }
    for name, columns in rows.items():
        apps.get_model(APP, name).objects.create(**columns)
    written = {"Location", "EndpointGroup", "Endpoint", *rows}
    assert written == {model.__name__ for model in apps.get_app_config(APP).get_models()}


@pytest.fixture
def first_release(transactional_db: None) -> Iterator[StateApps]:
    """The database and the models of the first release; afterwards everything is as it was."""
    call_command("migrate", *FIRST, verbosity=0)
    yield load_state(FIRST)
    call_command("migrate", APP, verbosity=0)


def test_code_of_the_first_release_goes_on_writing_after_the_migration(first_release: StateApps) -> None:
    insert_rows(first_release, "before")
    call_command("migrate", APP, verbosity=0)
    insert_rows(first_release, "after")
    slugs = ["g-before", "g-after"]
    assert list(EndpointGroup.objects.order_by("pk").values_list("slug", flat=True)) == slugs
    assert [run.group.slug for run in CheckRun.objects.order_by("pk").select_related("group")] == slugs
    # What is new has a value in every old row, and in every row that old code writes.
    for row in [*Endpoint.objects.all(), *StatusPage.objects.filter(slug__startswith="p-")]:
        row.full_clean(exclude=["slug"])
    first_release.get_model(APP, "Endpoint").objects.update(timeout_seconds=5.0)
    assert {endpoint.timeout_seconds for endpoint in Endpoint.objects.all()} == {5.0}


def test_migrations_only_add_what_old_code_need_not_know() -> None:
    """Whoever removes, renames or tightens something breaks the workers that run during the upgrade."""
    loader = MigrationLoader(None)
    offences = []
    for key, migration in loader.disk_migrations.items():
        if key[0] != APP or key == FIRST:
            continue
        state = loader.project_state(key, at_end=False)
        for operation in migration.operations:
            if not is_safe(operation, state):
                offences.append(f"{key[1]}: {operation.describe()}")
            operation.state_forwards(APP, state)
    assert offences == []


def is_safe(operation: Operation, state: ProjectState) -> bool:
    if isinstance(operation, AddField):
        field = operation.field
        return isinstance(field, models.ManyToManyField) or field.null or field.has_db_default()
    if isinstance(operation, AlterField):
        old = describe_column(state.models[APP, operation.model_name_lower].fields[operation.name])
        return not is_tightened(old, describe_column(operation.field))
    return isinstance(operation, CreateModel | AddIndex | AlterModelOptions | RunPython)


def is_tightened(old: Column, new: Column) -> bool:
    """Tell whether a column becomes another one; one with room for a longer text holds what old code writes."""
    lengths = [options.get("max_length", 0) for _path, options in (old, new)]
    rests = [(path, options | {"max_length": 0}) for path, options in (old, new)]
    return rests[0] != rests[1] or lengths[0] > lengths[1]


def describe_column(field: models.Field[Any, Any]) -> Column:
    """Return what the database sees of a field."""
    _name, path, _arguments, options = field.deconstruct()
    return path, {key: value for key, value in options.items() if key not in field.non_db_attrs}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (AddField("endpoint", "added", models.TextField(default="")), False),
        (AddField("endpoint", "added", models.TextField(default="", db_default="")), True),
        (AddField("endpoint", "added", models.TextField(null=True)), True),
        (AlterField("endpoint", "kind", models.CharField("sort", max_length=20, default="http")), True),
        (AlterField("endpoint", "kind", models.CharField(max_length=10, default="http")), False),
        (AlterField("endpoint", "kind", models.CharField(max_length=30, default="http")), True),
        (AlterField("endpoint", "kind", models.CharField(max_length=30, default="http", unique=True)), False),
        (RemoveField("endpoint", "kind"), False),
        (AddConstraint("endpoint", models.UniqueConstraint(fields=["kind"], name="one")), False),
    ],
)
def test_what_old_code_would_stumble_over_is_found(operation: Operation, expected: bool) -> None:
    assert is_safe(operation, MigrationLoader(None).project_state(FIRST)) is expected
