from __future__ import annotations

from typing import Any

import django.core.validators
import django.db.models.deletion
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

PREFIX = "Health checks: "
_VIEW = ("view_deployhook",)
_EDIT = (*_VIEW, "add_deployhook", "change_deployhook", "delete_deployhook")
ROLES = {"viewers": _VIEW, "operators": _VIEW, "editors": _EDIT}


def extend_roles(apps: Any, schema_editor: Any) -> None:
    """Let the roles see and edit deploy hooks. A role that somebody has removed stays away."""
    using = schema_editor.connection.alias
    # Django makes permissions after all migrations; ours are needed now.
    config = apps.get_app_config("healthcheck")
    # What stands for the app's configuration during a migration has no such attribute.
    module, config.models_module = getattr(config, "models_module", None), True
    create_permissions(config, apps=apps, using=using, verbosity=0)
    config.models_module = module
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    for name, codenames in ROLES.items():
        role = apps.get_model("auth", "Group").objects.using(using).filter(name=f"{PREFIX}{name}").first()
        if role is not None:
            role.permissions.add(*permissions.filter(codename__in=codenames, content_type__app_label="healthcheck"))


class Migration(migrations.Migration):
    dependencies = [
        ("healthcheck", "0025_update_templates"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeployHook",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        error_messages={"unique": "There is already a deploy hook with this name; choose another."},
                        max_length=200,
                        unique=True,
                        verbose_name="name",
                    ),
                ),
                (
                    "max_minutes",
                    models.PositiveSmallIntegerField(
                        default=60,
                        help_text="A deploy that nobody finishes is over after this.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(720),
                        ],
                        verbose_name="at most (minutes)",
                    ),
                ),
                (
                    "is_public",
                    models.BooleanField(
                        default=False,
                        help_text="While it is open, with the title that CI gives.",
                        verbose_name="announced on status pages",
                    ),
                ),
                (
                    "is_enabled",
                    models.BooleanField(
                        default=True,
                        help_text="Switched off, it opens nothing; what is open can be finished.",
                        verbose_name="enabled",
                    ),
                ),
                ("public_id", models.CharField(editable=False, max_length=22, unique=True)),
                ("sealed", models.TextField(blank=True, default="", editable=False)),
                (
                    "tags",
                    models.ManyToManyField(
                        help_text=(
                            "What is in maintenance while a deploy is open: the endpoints and groups with any of these."
                        ),
                        related_name="+",
                        to="healthcheck.tag",
                        verbose_name="tags",
                    ),
                ),
            ],
            options={
                "verbose_name": "deploy hook",
                "verbose_name_plural": "deploy hooks",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("max_minutes__gte", 1), ("max_minutes__lte", 720)), name="hc_hook_minutes"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DeployCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64)),
                ("until", models.DateTimeField()),
                ("status", models.PositiveSmallIntegerField()),
                ("answer", models.CharField(max_length=500)),
                (
                    "hook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="calls",
                        to="healthcheck.deployhook",
                    ),
                ),
            ],
            options={
                "verbose_name": "call of a deploy hook",
                "verbose_name_plural": "calls of deploy hooks",
                "constraints": [models.UniqueConstraint(fields=("hook", "digest"), name="hc_call_id")],
                "indexes": [models.Index(fields=["until"], name="hc_call_until")],
            },
        ),
        migrations.CreateModel(
            name="DeployWindow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("deploy", models.CharField(max_length=200)),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                (
                    "hook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deploys",
                        to="healthcheck.deployhook",
                    ),
                ),
                (
                    "window",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="deploy",
                        to="healthcheck.maintenancewindow",
                    ),
                ),
            ],
            options={
                "verbose_name": "deploy",
                "verbose_name_plural": "deploys",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at__isnull", True)),
                        fields=("hook", "deploy"),
                        name="hc_deploy_open",
                    )
                ],
                "indexes": [
                    models.Index(fields=["hook", "deploy", "-id"], name="hc_deploy_name"),
                    models.Index(fields=["opened_at"], name="hc_deploy_opened"),
                ],
            },
        ),
        migrations.RunPython(extend_roles, migrations.RunPython.noop),
    ]
