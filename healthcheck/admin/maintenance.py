"""Maintenance windows: planned in a form, seen in a list with what runs first, ended by a button."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, tzinfo
from itertools import islice
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from healthcheck.admin.buttons import ButtonAdmin
from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.forms.window_forms import WindowForm, describe_recurrence
from healthcheck.admin.look.badges import draw_maintenance
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.look.words import NOTHING, describe_moment
from healthcheck.definitions.muting import end_windows
from healthcheck.engine.recurrence import Occurrence
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import MaintenanceWindow
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.maintain import close_windows, replan_windows

TIMES_SHOWN = 5
MAX_WORDS = 100
_FIELDSETS: Any = (
    (None, {"fields": ("title", "description")}),
    (
        gettext_lazy("When"),
        {"fields": (("starts_at", "ends_at"), "timezone", "recurs", "weekdays", "rule", "upcoming")},
    ),
    (gettext_lazy("What it covers"), {"fields": ("covers_all", "groups", "endpoints", "tags")}),
    (gettext_lazy("Announcement"), {"fields": ("is_public", "announce_hours")}),
)
# Without the fields that only a form has.
_READ_FIELDSETS: Any = (
    _FIELDSETS[0],
    (gettext_lazy("When"), {"fields": ("starts_at", "lasts", "recurrence", "timezone", "upcoming")}),
    *_FIELDSETS[2:],
)


class WindowStateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("running", _("running")), ("planned", _("planned")), ("over", _("over"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        return (
            getattr(queryset, chosen)(read_database_clock()) if chosen in {"running", "planned", "over"} else queryset
        )


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(ButtonAdmin):
    form = WindowForm
    list_display = ("title", "state", "starts", "covers")
    empty_words = gettext_lazy(
        "In a maintenance window endpoints are checked, but nobody is told and nothing counts against them. "
        "Plan one ahead, once or recurring."
    )
    list_filter = (WindowStateFilter, "is_public")
    search_fields = ("title", "description", "groups__name", "endpoints__name", "tags__name")
    autocomplete_fields = ("groups", "endpoints", "tags")
    readonly_fields = ("upcoming", "lasts")
    actions = ("end_selected",)
    list_per_page = 50
    change_form_template = "admin/healthcheck/window_change_form.html"

    class Media:
        css = {"all": ("healthcheck/explanation.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related("clock").prefetch_related("tags")
        counted: QuerySet[Any] = rows.annotate(
            group_count=_count(MaintenanceWindow.groups.through),
            endpoint_count=_count(MaintenanceWindow.endpoints.through),
        )
        return counted

    # The list.

    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: Any) -> SafeString:
        clock = getattr(obj, "clock", None)
        if clock is None or (clock.open_until is None and clock.next_at is not None):
            return format_html('<span class="hc-quiet">{}</span>', _("planned"))
        if clock.open_until is not None and clock.open_until > read_database_clock():
            until = describe_moment(clock.open_until)
            return format_html("{} {}", draw_maintenance(_("running")), _("until %(until)s") % {"until": until})
        return format_html('<span class="hc-quiet">{}</span>', _("planned") if clock.next_at else _("over"))

    @admin.display(description=gettext_lazy("start"), ordering="starts_at")
    def starts(self, obj: MaintenanceWindow) -> SafeString:
        # Of one with dates the line that comes first, which is the rule.
        words = describe_recurrence(obj.recurrence) or Truncator(obj.recurrence.partition("\n")[0]).chars(MAX_WORDS)
        return format_html(
            '<span class="hc-cell"><span class="hc-time">{}</span><br><span class="hc-quiet">{}</span></span>',
            describe_moment(obj.starts_at),
            words,
        )

    @admin.display(description=gettext_lazy("covers"))
    def covers(self, obj: Any) -> str:
        if obj.covers_all:
            return _("every endpoint")
        groups = ngettext("%(count)s group", "%(count)s groups", obj.group_count) % {"count": obj.group_count}
        endpoints = ngettext("%(count)s endpoint", "%(count)s endpoints", obj.endpoint_count)
        parts = [groups] if obj.group_count else []
        parts += [endpoints % {"count": obj.endpoint_count}] if obj.endpoint_count else []
        parts += [tag.name for tag in obj.tags.all()]
        return ", ".join(parts) or _("nothing")

    # The form.

    def get_fieldsets(self, request: HttpRequest, obj: MaintenanceWindow | None = None) -> Any:
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        return _FIELDSETS if may_write else _READ_FIELDSETS

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:  # type: ignore[override]
        form = context["adminform"].form
        if isinstance(form, WindowForm) and form.is_preview:
            sentence = _("Nothing is saved yet: look at the next times below, then save.")
            self.message_user(request, sentence, messages.INFO)
        return super().render_change_form(request, context, **options)

    @admin.display(description=gettext_lazy("lasts"))
    def lasts(self, obj: MaintenanceWindow) -> str:
        hours, seconds = divmod(obj.duration_seconds, 3600)
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": seconds // 60}

    @admin.display(description=gettext_lazy("next times"))
    def upcoming(self, obj: MaintenanceWindow) -> SafeString | str:
        """Show the next times of the window as it stands in the form, saved or not."""
        if obj.starts_at is None or obj.duration_seconds is None:
            return NOTHING
        try:
            timetable = obj.timetable
            found = list(islice(timetable.iterate(read_database_clock() - timetable.duration), TIMES_SHOWN))
        except (ConfigurationError, OverflowError):
            # Said at its field.
            return NOTHING
        lines = format_html_join("", "<li>{}{}</li>", (_draw_both(each, timetable.zone) for each in found))
        return format_html('<ol class="hc-times">{}</ol>', lines) if lines else NOTHING

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        replan_windows([form.instance.pk], read_database_clock())

    # Ending and deleting.

    def get_tools(self, request: HttpRequest, obj: MaintenanceWindow) -> list[Tool]:
        is_running = MaintenanceWindow.objects.running(read_database_clock()).filter(pk=obj.pk).exists()
        if not (is_running and self.has_operate_permission(request, obj)):
            return []
        return [Tool(_("End now"), self.url_of("end_now", obj.pk), is_button=True)]

    def get_urls(self) -> list[URLPattern]:
        view = self.guard_button(self.end_view)
        return [path("<int:pk>/end/", view, name=self._url_name("end_now")), *super().get_urls()]

    def end_view(self, request: HttpRequest, obj: MaintenanceWindow) -> HttpResponse:
        self._end(request, [obj.pk])
        return redirect(self.url_of("change", obj.pk))

    @admin.action(permissions=["operate"], description=gettext_lazy("End selected %(verbose_name_plural)s now"))
    def end_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._end(request, list(queryset.values_list("pk", flat=True)))

    def delete_model(self, request: HttpRequest, obj: MaintenanceWindow) -> None:
        with transaction.atomic():
            close_windows([obj.pk], read_database_clock())
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            close_windows(queryset.values_list("pk", flat=True), read_database_clock())
            super().delete_queryset(request, queryset)

    def _end(self, request: HttpRequest, ids: list[int]) -> None:
        count = end_windows(ids, describe_change(request, comment=_("ended by hand")))
        if count:
            sentence = ngettext("Its maintenance is over.", "%(count)s are over.", count) % {"count": count}
            self.message_user(request, sentence, messages.SUCCESS)
        else:
            self.message_user(request, _("Nothing of it is running."), messages.WARNING)


def _count(through: Any) -> Any:
    rows = through.objects.filter(maintenancewindow_id=OuterRef("pk")).order_by().values("maintenancewindow_id")
    return Coalesce(Subquery(rows.annotate(number=Count("pk")).values("number")), 0)


def _draw_both(occurrence: Occurrence, zone: tzinfo) -> tuple[str, str]:
    """Return the window's own time, and beside it that of UTC where it is another."""
    own, utc = _write(occurrence, zone), _write(occurrence, UTC)
    return own, "" if own == utc else format_html(' <span class="hc-quiet">({})</span>', utc)


def _write(occurrence: Occurrence, zone: tzinfo) -> str:
    """Return from when until when, as a clock there shows it; the zone once where one day and zone holds both."""
    start, end = (at.astimezone(zone) for at in (occurrence.starts_at, occurrence.ends_at))
    day = pgettext("format of a date", "D j M Y")
    if (start.date(), start.tzname()) == (end.date(), end.tzname()):
        return f"{date_format(start, f'{day}, H:i')} – {date_format(end, 'H:i T')}"
    return f"{date_format(start, f'{day}, H:i T')} – {date_format(end, f'{day}, H:i T')}"
