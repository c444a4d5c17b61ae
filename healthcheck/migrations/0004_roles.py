"""Three roles to begin with: groups of accounts that may view, operate or edit.

In a migration because that runs once per database: what an administrator takes from a role, or removes altogether,
stays away for good.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations
from django.db.models import Q

PREFIX = "Health checks: "
# What people define; a role that views everything else sees only what machines write.
DEFINED = ("endpointgroup", "endpoint", "assertion", "location", "statuspage", "pagesection", "pageitem", "tag")
# People who only look are told the name of a credential, and nothing else of it.
EDITED = (*DEFINED, "credential")

_VIEW = Q(codename__startswith="view_") & ~Q(codename="view_credential")
_OPERATE = _VIEW | Q(codename="operate_endpointgroup")
_EDIT = _OPERATE | Q(codename="view_credential")
for _model in EDITED:
    _EDIT |= Q(codename__in=[f"{verb}_{_model}" for verb in ("add", "change", "delete")])

ROLES = {"viewers": _VIEW, "operators": _OPERATE, "editors": _EDIT}


def create_roles(apps: Any, schema_editor: Any) -> None:
    using = schema_editor.connection.alias
    # Django makes permissions after all migrations; ours are needed now.
    config = apps.get_app_config("healthcheck")
    # What stands for the app's configuration during a migration has no such attribute.
    module, config.models_module = getattr(config, "models_module", None), True
    create_permissions(config, apps=apps, using=using, verbosity=0)
    config.models_module = module
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    for name, granted in ROLES.items():
        role, is_new = apps.get_model("auth", "Group").objects.using(using).get_or_create(name=f"{PREFIX}{name}")
        if is_new:
            role.permissions.set(permissions.filter(granted, content_type__app_label="healthcheck"))


class Migration(migrations.Migration):
    dependencies = [
        ("healthcheck", "0003_credential_kind"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
