"""What the admins of groups and endpoints share: deleting only marks, and people pause and resume by a button."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.buttons import ButtonAdmin
from healthcheck.admin.look.tools import Tool
from healthcheck.definitions.members import find_parents
from healthcheck.models import VersionAction
from healthcheck.models.clock import read_database_clock

# A confirmation that lists more names than a person reads only costs time.
MAX_NAMES_SHOWN = 100


class OperatedAdmin(ButtonAdmin):
    actions: Any = ("pause_selected", "resume_selected")
    delete_confirmation_template = "admin/healthcheck/operated_delete.html"
    delete_selected_confirmation_template = "admin/healthcheck/operated_delete_selected.html"
    list_per_page = 50

    # What differs between a group and an endpoint.

    def pause(self, ids: Sequence[int]) -> int:
        """Pause what is not paused yet and return how many that were."""
        paused: int = self.model._default_manager.filter(pk__in=ids, is_paused=False).update(is_paused=True)
        return paused

    def resume(self, ids: Sequence[int], now: datetime) -> int:
        """Resume what is paused, let it be checked at once, and return how many that were."""
        raise NotImplementedError

    def mark_deleted(self, rows: QuerySet[Any], now: datetime) -> None:
        """Hide the rows from now on; the pruner removes them and what hangs on them in batches."""
        rows.update(deleted_at=now)

    # Deleting.

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(deleted_at__isnull=True)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name what will be marked and nothing else: collecting what hangs on it would read millions of rows."""
        count = objs.count() if isinstance(objs, QuerySet) else len(objs)
        kind = capfirst(str(self.opts.verbose_name))
        names = [f"{kind}: {each}" for each in objs[:MAX_NAMES_SHOWN]]
        more = count - len(names)
        if more > 0:
            names.append(ngettext("and %(count)s more", "and %(count)s more", more) % {"count": more})
        missing = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return names, {str(self.opts.verbose_name_plural): count}, missing, []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with self.recording(request, [obj.pk], action=VersionAction.DELETED):
            self.mark_deleted(self.model._default_manager.filter(pk=obj.pk), read_database_clock())
        way_back = format_html('<a href="{}">{}</a>', self.url_of("history", obj.pk), _("Restore it from its history."))
        self.message_user(request, way_back, messages.INFO)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        with self.recording(request, ids, action=VersionAction.DELETED):
            self.mark_deleted(self.model._default_manager.filter(pk__in=ids), read_database_clock())

    # Pausing.

    @admin.action(permissions=["operate"], description=gettext_lazy("Pause selected %(verbose_name_plural)s"))
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        with self.recording(request, ids):
            count = self.pause(ids)
        sentence = ngettext("%(count)s is paused now.", "%(count)s are paused now.", count)
        self.message_user(request, sentence % {"count": count}, messages.SUCCESS)

    @admin.action(permissions=["operate"], description=gettext_lazy("Resume selected %(verbose_name_plural)s"))
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        with self.recording(request, ids):
            count = self.resume(ids, read_database_clock())
        sentence = ngettext("%(count)s is checked again.", "%(count)s are checked again.", count)
        self.message_user(request, sentence % {"count": count}, messages.SUCCESS)

    def pause_view(self, request: HttpRequest, obj: Any) -> HttpResponse:
        with self.recording(request, [obj.pk]):
            self.pause([obj.pk])
        self.message_user(request, _("“%(name)s” is paused.") % {"name": obj}, messages.SUCCESS)
        return redirect(self.url_of("change", obj.pk))

    def resume_view(self, request: HttpRequest, obj: Any) -> HttpResponse:
        with self.recording(request, [obj.pk]):
            self.resume([obj.pk], read_database_clock())
        self.message_user(request, _("“%(name)s” is checked again, at once.") % {"name": obj}, messages.SUCCESS)
        return redirect(self.url_of("change", obj.pk))

    # Views of ours.

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<int:pk>/pause/", self.guard_button(self.pause_view), name=self._url_name("pause")),
            path("<int:pk>/resume/", self.guard_button(self.resume_view), name=self._url_name("resume")),
            *super().get_urls(),
        ]

    def get_tools(self, request: HttpRequest, obj: Any) -> list[Tool]:
        """Return the buttons and links over the form of `obj`."""
        if not self.has_operate_permission(request, obj):
            return []
        if obj.is_paused:
            return [Tool(_("Resume"), self.url_of("resume", obj.pk), is_button=True)]
        return [Tool(_("Pause"), self.url_of("pause", obj.pk), is_button=True)]


def describe_parents(endpoint_ids: Sequence[int] | QuerySet[Any]) -> list[str]:
    """Return a line for each endpoint that is made of these and stays: what deleting them changes for it."""
    parents = find_parents(endpoint_ids, MAX_NAMES_SHOWN)
    shown = [_("“%(name)s” will be judged without it") % {"name": each} for each in parents[:MAX_NAMES_SHOWN]]
    return [*shown, _("and more")] if len(parents) > len(shown) else shown


def changed_columns(form: Any) -> list[str]:
    """Return the columns that the person changed. Only they are saved: others may have moved since the form opened."""
    columns = {field.name for field in form.instance._meta.concrete_fields}
    return [name for name in form.changed_data if name in columns]
