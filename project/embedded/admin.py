"""Accounts and roles in the looks of the theme and the words of the deployment: Django registers them in its own."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class RoleFilter(admin.RelatedFieldListFilter):
    """Accounts by role, under that name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("role")


class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # at run time it takes none
    """Users with roles: here groups are of endpoints."""

    list_filter = ("is_staff", "is_superuser", "is_active", ("groups", RoleFilter))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            words = {"label": _("Roles"), "help_text": _("What the account may do: all that its roles allow.")}
            return super().formfield_for_manytomany(db_field, request, **kwargs | words)
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class RoleAdmin(GroupAdmin):
    """Django's groups of accounts, which `project.wording` calls roles."""


# Importing Django's above has registered both.
admin.site.unregister([User, Group])
if apps.is_installed("unfold"):
    from unfold.admin import ModelAdmin
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    class ThemedAccountAdmin(AccountAdmin, ModelAdmin):  # type: ignore[misc]  # unfold has no types
        form: Any = UserChangeForm
        add_form: Any = UserCreationForm
        change_password_form: Any = AdminPasswordChangeForm

    class ThemedRoleAdmin(RoleAdmin, ModelAdmin):  # type: ignore[misc]  # unfold has no types
        pass

    admin.site.register(User, ThemedAccountAdmin)
    admin.site.register(Group, ThemedRoleAdmin)
else:
    admin.site.register(User, AccountAdmin)
    admin.site.register(Group, RoleAdmin)
