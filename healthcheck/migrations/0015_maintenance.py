from __future__ import annotations

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations, models

PREFIX = "Health checks: "
_VIEW = ("view_maintenancewindow",)
ROLES = {
    "viewers": _VIEW,
    "operators": _VIEW,
    "editors": (*_VIEW, "add_maintenancewindow", "change_maintenancewindow", "delete_maintenancewindow"),
}


def extend_roles(apps: Any, schema_editor: Any) -> None:
    """Let the roles see and edit windows. A role that somebody has removed stays away."""
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
        ("healthcheck", "0014_rollup_marks"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="maintenancespan",
            index=models.Index(fields=["endpoint_id", "ends_at"], name="hc_span_open"),
        ),
        migrations.RunPython(extend_roles, migrations.RunPython.noop),
    ]
