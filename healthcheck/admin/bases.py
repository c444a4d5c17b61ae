"""Django's admin classes with the type arguments that they accept only while types are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

if TYPE_CHECKING:
    ModelAdminBase = admin.ModelAdmin[Any]
    StackedInlineBase = admin.StackedInline[Any, Any]
    ModelFormBase = forms.ModelForm[Any]
    InlineFormSetBase = forms.BaseInlineFormSet[Any, Any, Any]
else:
    ModelAdminBase = admin.ModelAdmin
    StackedInlineBase = admin.StackedInline
    ModelFormBase = forms.ModelForm
    InlineFormSetBase = forms.BaseInlineFormSet

__all__ = ["InlineFormSetBase", "ModelAdminBase", "ModelFormBase", "StackedInlineBase"]
