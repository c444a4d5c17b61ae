"""Incidents: the list, and the page of one with what happened and what people may do about it. Nothing is edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.look.bases import ChangeListBase
from healthcheck.admin.tell.incident_filters import SeverityFilter, StandingFilter
from healthcheck.admin.tell.incident_views import IncidentViews
from healthcheck.admin.tell.rights import may_operate_incidents, may_see_incidents
from healthcheck.admin.tell.words import describe_attention, describe_standing, draw_incident, name_incident
from healthcheck.models import EndpointGroup, Incident
from healthcheck.models.clock import read_database_clock


class IncidentChangeList(ChangeListBase):
    """The list, with the names of the groups of its page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        ids = {row.group_id for row in self.result_list if row.group_id is not None}
        names = dict(EndpointGroup.objects.filter(pk__in=ids).values_list("pk", "name"))
        now = read_database_clock()
        for row in self.result_list:
            row.group_name, row.seen_at = names.get(row.group_id, ""), now


@admin.register(Incident)
class IncidentAdmin(IncidentViews):
    list_display = ("title_words", "severity_words", "standing", "concerned", "attention")
    empty_words = gettext_lazy(
        "Nothing has broken yet. What checks find opens an incident by itself; what no check sees, a person opens."
    )
    list_filter = (StandingFilter, SeverityFilter)
    search_fields = ("title", "cause_host")
    search_help_text = gettext_lazy("By title, host or the name of a group.")
    ordering = ("-pk",)
    actions: Any = None

    # Who may: machines open what broke, people write about it; nobody edits and nobody deletes.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_see_incidents(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_incidents(request.user)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_operate_incidents(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        # By a form of its own; see `IncidentViews`.
        return may_operate_incidents(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        listing = self.admin_site.admin_view(self.changelist_view)
        return [path("", listing, name=self._url_name("changelist")), *super().get_urls()]

    # The list: open ones first.

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("assignee")

    def get_ordering(self, request: HttpRequest) -> Any:
        return (F("resolved_at").desc(nulls_first=True), "-started_at", "-pk")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeListBase]:
        return IncidentChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term.strip():
            return found, may_repeat
        groups = EndpointGroup.objects.filter(name__icontains=search_term.strip()).values("pk")
        return found | queryset.filter(group_id__in=groups), may_repeat

    @admin.display(description=gettext_lazy("incident"))
    def title_words(self, obj: Any) -> SafeString:
        group = obj.group_name if hasattr(obj, "group_name") else ""
        return format_html(
            '<span class="hc-address">{}<br><span class="hc-quiet">{}</span></span>', name_incident(obj), group
        )

    @admin.display(description=gettext_lazy("severity"), ordering="severity")
    def severity_words(self, obj: Incident) -> SafeString:
        return draw_incident(obj)

    @admin.display(description=gettext_lazy("standing"), ordering="started_at")
    def standing(self, obj: Any) -> SafeString:
        return describe_standing(obj, obj.seen_at)

    @admin.display(description=gettext_lazy("endpoints"), ordering="open_count", empty_value="–")
    def concerned(self, obj: Incident) -> str | None:
        if not obj.peak_count:
            return None
        words = _("%(now)s now, %(most)s at most") if obj.resolved_at is None else _("%(most)s at most")
        return words % {"now": obj.open_count, "most": obj.peak_count}

    @admin.display(description=gettext_lazy("attention"), empty_value="–")
    def attention(self, obj: Any) -> str | None:
        return describe_attention(obj, obj.seen_at) or None
