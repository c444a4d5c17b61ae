from __future__ import annotations

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations, models

PREFIX = "Health checks: "
_VIEW = ("view_updatetemplate",)
_EDIT = (*_VIEW, "add_updatetemplate", "change_updatetemplate", "delete_updatetemplate")
ROLES = {"viewers": _VIEW, "operators": _VIEW, "editors": _EDIT}


def extend_roles(apps: Any, schema_editor: Any) -> None:
    """Let the roles see and edit templates. A role that somebody has removed stays away."""
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
        ("healthcheck", "0024_told_troubles"),
    ]

    operations = [
        migrations.CreateModel(
            name="UpdateTemplate",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                (
                    "name",
                    models.CharField(
                        error_messages={"unique": "There is already a template with this name; choose another."},
                        max_length=200,
                        unique=True,
                        verbose_name="name",
                    ),
                ),
                (
                    "stage",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "investigating"), (2, "identified"), (3, "monitoring"), (4, "resolved")],
                        verbose_name="stage",
                    ),
                ),
                (
                    "text",
                    models.TextField(
                        help_text="Markdown. {title}, {endpoints} and {since} stand for those of the incident.",
                        max_length=2000,
                        verbose_name="text",
                    ),
                ),
            ],
            options={
                "verbose_name": "template of an update",
                "verbose_name_plural": "templates of updates",
                "ordering": ["name"],
            },
        ),
        migrations.RunPython(extend_roles, migrations.RunPython.noop),
    ]
