"""The admin classes that ours are made of: django-unfold's where a project installs it, else Django's own.

With the type arguments that Django's classes accept only while types are checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AdminSplitDateTime

from healthcheck.admin.look.dress import dress_form

IS_UNFOLD = apps.is_installed("unfold")
# What a field of ours for a date and a time wears.
SPLIT_WIDGET: Any = AdminSplitDateTime

if TYPE_CHECKING:
    ModelAdminBase = admin.ModelAdmin[Any]
    StackedInlineBase = admin.StackedInline[Any, Any]
    TabularInlineBase = admin.TabularInline[Any, Any]
    ChangeListBase = ChangeList
    DjangoModelForm = forms.ModelForm[Any]
    InlineFormSetBase = forms.BaseInlineFormSet[Any, Any, Any]
else:
    if IS_UNFOLD:
        from unfold.admin import ModelAdmin as ThemedModelAdmin
        from unfold.admin import StackedInline as StackedInlineBase
        from unfold.admin import TabularInline as TabularInlineBase
        from unfold.views import ChangeList as ThemedChangeList
        from unfold.widgets import UnfoldAdminSplitDateTimeWidget

        SPLIT_WIDGET = UnfoldAdminSplitDateTimeWidget

        class ModelAdminBase(ThemedModelAdmin):
            # Labels above their fields: beside them there is no room for three in a row.
            compressed_fields = False

        class ChangeListBase(ThemedChangeList):
            # By `themed_rows.py`, many times faster.
            is_drawn = True

    else:
        ModelAdminBase = admin.ModelAdmin
        StackedInlineBase = admin.StackedInline
        TabularInlineBase = admin.TabularInline
        ChangeListBase = ChangeList
    DjangoModelForm = forms.ModelForm
    InlineFormSetBase = forms.BaseInlineFormSet


class ModelFormBase(DjangoModelForm):
    """A model's form whose own widgets look like those around them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress_form(self)


class FormBase(forms.Form):
    """A form without a model whose widgets look like those around them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress_form(self)


__all__ = [
    "IS_UNFOLD",
    "SPLIT_WIDGET",
    "ChangeListBase",
    "FormBase",
    "InlineFormSetBase",
    "ModelAdminBase",
    "ModelFormBase",
    "StackedInlineBase",
    "TabularInlineBase",
]
