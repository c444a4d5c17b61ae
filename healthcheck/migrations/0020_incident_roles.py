from __future__ import annotations

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations

PREFIX = "Health checks: "
_VIEW = ("view_incident", "view_notificationpolicy", "view_policystep", "view_dependency")
# Channels tell where people can be reached: nothing for those who only look.
_OPERATE = (*_VIEW, "operate_incident", "view_notificationchannel")
_DEFINED = ("notificationchannel", "notificationpolicy", "policystep", "dependency")
_EDIT = tuple(f"{verb}_{model}" for model in _DEFINED for verb in ("add", "change", "delete"))
ROLES = {"viewers": _VIEW, "operators": _OPERATE, "editors": (*_OPERATE, *_EDIT)}


def extend_roles(apps: Any, schema_editor: Any) -> None:
    """Let the roles see, operate and edit what tells people. A role that somebody has removed stays away."""
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
        ("healthcheck", "0019_incidents"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(extend_roles, migrations.RunPython.noop)]
