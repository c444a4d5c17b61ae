"""Muting by a button and by actions of the list: maintenance from now on, and its end by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.look.words import describe_instant
from healthcheck.admin.operated import OperatedAdmin
from healthcheck.definitions.muting import mute
from healthcheck.models import EndpointGroup, MaintenanceWindow
from healthcheck.models.clock import read_database_clock
from healthcheck.models.maintenance import find_endpoints_in_maintenance

# Of a list; a window that names a tag covers any number.
MAX_MUTED = 5000
# Buttons over a form; whoever has more windows at once ends them in their list.
MAX_ENDS_SHOWN = 3
_MINUTES = 20


class MuteAdmin(OperatedAdmin):
    actions: Any = ("mute_for_20_minutes", "mute_for_an_hour", "mute_for_four_hours", "mute_until_tomorrow")

    @admin.action(
        permissions=["operate"], description=gettext_lazy("Mute selected %(verbose_name_plural)s: 20 minutes")
    )
    def mute_for_20_minutes(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._mute_selected(request, queryset, timedelta(minutes=_MINUTES))

    @admin.action(permissions=["operate"], description=gettext_lazy("Mute selected %(verbose_name_plural)s: an hour"))
    def mute_for_an_hour(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._mute_selected(request, queryset, timedelta(hours=1))

    @admin.action(
        permissions=["operate"], description=gettext_lazy("Mute selected %(verbose_name_plural)s: four hours")
    )
    def mute_for_four_hours(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._mute_selected(request, queryset, timedelta(hours=4))

    @admin.action(
        permissions=["operate"], description=gettext_lazy("Mute selected %(verbose_name_plural)s until tomorrow")
    )
    def mute_until_tomorrow(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._mute_selected(request, queryset, None)

    def mute_view(self, request: HttpRequest, obj: Any) -> HttpResponse:
        self._mute(request, [obj.pk], timedelta(minutes=_MINUTES))
        return redirect(self.url_of("change", obj.pk))

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<int:pk>/mute/", self.guard_button(self.mute_view), name=self._url_name("mute")),
            *super().get_urls(),
        ]

    def get_tools(self, request: HttpRequest, obj: Any) -> list[Tool]:
        tools = super().get_tools(request, obj)
        if not self.has_operate_permission(request, obj):
            return tools
        running = _find_running(obj)
        ends = [
            Tool(_("End “%(title)s” now") % {"title": each}, self._end_url(each), is_button=True) for each in running
        ]
        mute = Tool(_("Mute for 20 minutes"), self.url_of("mute", obj.pk), is_button=True)
        return [*tools, *(ends or [mute])]

    def _mute_selected(self, request: HttpRequest, queryset: QuerySet[Any], duration: timedelta | None) -> None:
        ids = list(queryset.order_by().values_list("pk", flat=True)[: MAX_MUTED + 1])
        if len(ids) > MAX_MUTED:
            sentence = _(
                "More than %(limit)s are selected; add a maintenance window for their groups or a tag instead."
            )
            self.message_user(request, sentence % {"limit": MAX_MUTED}, messages.ERROR)
            return
        self._mute(request, ids, duration)

    def _mute(self, request: HttpRequest, ids: Sequence[int], duration: timedelta | None) -> None:
        now = read_database_clock()
        until = now + duration if duration is not None else _find_midnight(now)
        window = mute(self.model, ids, until, describe_change(request))
        sentence = ngettext("Muted until %(until)s.", "%(count)s are muted until %(until)s.", len(ids))
        words = sentence % {"count": len(ids), "until": describe_instant(until)}
        url = reverse(f"{self.admin_site.name}:healthcheck_maintenancewindow_change", args=[window.pk])
        self.message_user(request, format_html('{} <a href="{}">{}</a>', words, url, _("End it or change it.")))

    def _end_url(self, window: MaintenanceWindow) -> str:
        return reverse(f"{self.admin_site.name}:healthcheck_maintenancewindow_end_now", args=[window.pk])


def is_in_maintenance(endpoint: Any, now: datetime) -> bool:
    """Whether it is so now; a list has asked for all its rows at once."""
    known: bool | None = getattr(endpoint, "in_maintenance", None)
    if known is None:
        # A page asks for each of its fields; once is enough.
        known = endpoint.in_maintenance = bool(find_endpoints_in_maintenance([endpoint.pk], now))
    return known


def _find_running(obj: Any) -> list[MaintenanceWindow]:
    """Return the windows that name this object and are running; those that reach it by a tag are about more than it."""
    scope = "groups" if isinstance(obj, EndpointGroup) else "endpoints"
    running = MaintenanceWindow.objects.running(read_database_clock()).filter(**{scope: obj.pk})
    return list(running.order_by("clock__open_until")[:MAX_ENDS_SHOWN])


def _find_midnight(now: datetime) -> datetime:
    tomorrow = localtime(now).date() + timedelta(days=1)
    return localtime(now).replace(
        year=tomorrow.year, month=tomorrow.month, day=tomorrow.day, hour=0, minute=0, second=0, microsecond=0, fold=0
    )
