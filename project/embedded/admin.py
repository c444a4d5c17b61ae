"""Accounts and roles in the looks of the theme: Django registers them in the stock admin's."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User

# Importing them above has registered both.
if apps.is_installed("unfold"):
    from unfold.admin import ModelAdmin
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    class ThemedUserAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]  # unfold has no types
        form: Any = UserChangeForm
        add_form: Any = UserCreationForm
        change_password_form: Any = AdminPasswordChangeForm

    class ThemedGroupAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold has no types
        pass

    admin.site.unregister([User, Group])
    admin.site.register(User, ThemedUserAdmin)
    admin.site.register(Group, ThemedGroupAdmin)
