"""Endpoint groups: the operator's desk. Saving names the columns that changed, so that the clock never moves back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.change.bulk import BulkAdmin
from healthcheck.admin.change.bulk_fields import BulkField, list_group_fields
from healthcheck.admin.change.cloned import ClonedAdmin
from healthcheck.admin.change.csv_views import CsvAdmin
from healthcheck.admin.correct.entries import CorrectedGroupAdmin
from healthcheck.admin.desk.desk_views import DeskViews
from healthcheck.admin.endpoint_rights import may_see_endpoints
from healthcheck.admin.fields.tag_fields import TaggedForm, draw_tags_below
from healthcheck.admin.fields.text_fields import write_assertions
from healthcheck.admin.filters import GroupStateFilter, GroupTagFilter
from healthcheck.admin.forms.endpoint_forms import ExistingForm, restarts_clock
from healthcheck.admin.forms.endpoint_inline import MAX_INLINE_ENDPOINTS, EndpointInline
from healthcheck.admin.look.badges import draw_counts, draw_paused
from healthcheck.admin.look.bases import ChangeListBase
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.look.words import (
    NOTHING,
    describe_instant,
    describe_lateness,
    describe_moment,
    describe_schedule,
    describe_status,
)
from healthcheck.admin.muting import MuteAdmin
from healthcheck.admin.operated import changed_columns, describe_parents
from healthcheck.admin.overview import GroupOverview, load_overviews
from healthcheck.admin.runs import RunViews
from healthcheck.admin.uptime_column import draw_uptime, load_group_totals
from healthcheck.admin.versioned import Tracked
from healthcheck.definitions.cloning import clone_groups
from healthcheck.definitions.group_drafts import SCHEDULE_KEYS
from healthcheck.definitions.versions import Change
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.probes import JUDGED
from healthcheck.engine.types import ErrorKind
from healthcheck.models import Endpoint, EndpointGroup, RunStatus
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.clock import restart_clocks

# What shows, or finds, a group by the name of an endpoint.
_NAMING = frozenset({"last_error", "endpoints__name"})
# What a form that was opened with the endpoints inside sends with them.
_MANAGEMENT_FIELD = "endpoints-TOTAL_FORMS"


class EndpointGroupForm(TaggedForm, ExistingForm):
    # Set by the admin, which makes a class of the form for each request.
    may_see_endpoints: ClassVar[bool] = False
    may_change_endpoints: ClassVar[bool] = False

    class Meta:
        model = EndpointGroup
        widgets = {"deadline_seconds": forms.NumberInput(attrs={"class": "vIntegerField"})}
        fields = (
            "name",
            "slug",
            "position",
            "is_paused",
            "interval_seconds",
            "cron",
            "timezone",
            "deadline_seconds",
            "retention_days",
            "hour_retention_days",
            "tags",
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        deadline = cleaned.get("deadline_seconds")
        is_inline = bool(self.instance.pk) and _is_inline(self.instance)
        if self.instance.pk and not is_inline:
            self._refuse_lost_endpoints()
        if self.instance.pk and deadline and not (is_inline and self.may_change_endpoints):
            self._refuse_slow_endpoints(deadline)
        return cleaned

    def _refuse_lost_endpoints(self) -> None:
        """Say so where the form was opened with the endpoints in it, and the group has grown over that meanwhile."""
        if _MANAGEMENT_FIELD in self.data:
            sentence = _(
                "Since you opened this form, the group has come to have more than %(limit)s endpoints, so they are no "
                "longer part of it. What you entered for endpoints was not saved: save the rest here, and edit the "
                "endpoints in their own list."
            )
            self.add_error(None, ValidationError(sentence, params={"limit": MAX_INLINE_ENDPOINTS}))

    def _refuse_slow_endpoints(self, deadline: float) -> None:
        """Do what the endpoints' own forms do where they are part of this page."""
        slow = _find_endpoints(self.instance).filter(timeout_seconds__gt=deadline).exclude(kind__in=JUDGED).first()
        if slow is not None:
            sentence = (
                _("The endpoint “%(name)s” has a timeout of %(timeout)g s; lower that first.")
                if self.may_see_endpoints
                else _("An endpoint has a timeout of %(timeout)g s; have that lowered first.")
            )
            refusal = ValidationError(sentence, params={"name": slow.name, "timeout": slow.timeout_seconds})
            self.add_error("deadline_seconds", refusal)


class GroupChangeList(ChangeListBase):
    """The list, with what the machines know of the groups on this page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        groups = list(self.result_list)
        prefetch_related_objects(groups, "tags")
        now = read_database_clock()
        overviews = load_overviews([group.pk for group in groups], now)
        sizes = {pk: overview.size for pk, overview in overviews.items()}
        # Once, and not before the list is drawn: a list whose action is pressed is not.
        read_totals = cache(partial(load_group_totals, sizes, now))
        for group in groups:
            group.overview, group.read_totals = overviews[group.pk], read_totals
        self.result_list = groups


@admin.register(EndpointGroup)
class EndpointGroupAdmin(DeskViews, BulkAdmin, CsvAdmin, RunViews, MuteAdmin, ClonedAdmin, CorrectedGroupAdmin):
    form = EndpointGroupForm
    list_display = ("name_and_tags", "schedule_words", "members", "uptime", "last_error", "last_run")
    empty_words = gettext_lazy(
        "A group holds endpoints that are checked together, on one schedule. Adding an endpoint by its URL "
        "makes its first group."
    )
    list_filter = (GroupStateFilter, GroupTagFilter, "is_paused")
    search_fields = ("name", "slug", "tags__name", "endpoints__name")
    actions = (
        "check_selected",
        *CorrectedGroupAdmin.actions,
        *MuteAdmin.actions,
        "clone_selected",
        "edit_selected",
        "export_selected",
    )
    prepopulated_fields = {"slug": ("name",)}
    readonly_fields = ("members", "last_error", "last_run", "next_run")
    _fieldsets: tuple[Any, ...] = (
        (None, {"fields": (("name", "slug"), "tags", ("position", "is_paused"))}),
        (
            gettext_lazy("Schedule"),
            {"fields": (("interval_seconds", "deadline_seconds"), ("cron", "timezone"))},
        ),
        (
            gettext_lazy("Retention"),
            {"fields": (("retention_days", "hour_retention_days"),), "classes": ("collapse",)},
        ),
    )
    _state_fieldset = (
        gettext_lazy("State"),
        {"fields": ("members", "last_error", "last_run", "next_run")},
    )

    # The list.

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeListBase]:
        return GroupChangeList

    def get_list_display(self, request: HttpRequest) -> Any:
        return _leave_out_names(request, super().get_list_display(request))

    def get_search_fields(self, request: HttpRequest) -> Any:
        return _leave_out_names(request, super().get_search_fields(request))

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def name_and_tags(self, obj: EndpointGroup) -> SafeString:
        return format_html("{}{}", obj.name, draw_tags_below(obj.tags.all()))

    @admin.display(description=gettext_lazy("schedule"), ordering="interval_seconds")
    def schedule_words(self, obj: EndpointGroup) -> str:
        words = describe_schedule(obj)
        return format_html("{}<br>{}", words, draw_paused()) if obj.is_paused else words

    @admin.display(description=gettext_lazy("endpoints"))
    def members(self, obj: EndpointGroup) -> SafeString:
        overview = _read_overview(obj)
        url = reverse(f"{self.admin_site.name}:healthcheck_endpoint_changelist")
        badges = draw_counts(overview.counts, paused=overview.paused)
        return format_html('<a class="hc-members" href="{}?group__id__exact={}">{}</a>', url, obj.pk, badges)

    @admin.display(description=gettext_lazy("uptime, 24 h"))
    def uptime(self, obj: Any) -> SafeString:
        return format_html('<span class="hc-cell">{}</span>', draw_uptime(obj.read_totals().get(obj.pk)))

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, obj: EndpointGroup) -> str:
        error = _read_overview(obj).error
        return f"{error.endpoint.name}: {_(SENTENCES[ErrorKind(error.last_error_kind)])}" if error else NOTHING

    @admin.display(description=gettext_lazy("last run"))
    def last_run(self, obj: EndpointGroup) -> SafeString | str:
        run = _read_overview(obj).last_run
        if run is None:
            return NOTHING
        words = describe_lateness(run) if run.status == RunStatus.FINISHED else describe_status(run)
        at = describe_moment(run.started_at or run.scheduled_for)
        return format_html(
            '<span class="hc-cell"><a class="hc-time" href="{}">{}</a><br><span class="hc-quiet">{}</span></span>',
            self.run_url(run.pk),
            at,
            words,
        )

    @admin.display(description=gettext_lazy("next run"))
    def next_run(self, obj: EndpointGroup) -> str:
        return _("none while it is paused") if obj.is_paused else describe_instant(obj.next_run_at)

    # The form.

    def get_fieldsets(self, request: HttpRequest, obj: EndpointGroup | None = None) -> Any:
        state = (self._state_fieldset[0], {"fields": _leave_out_names(request, self._state_fieldset[1]["fields"])})
        return (*self._fieldsets, state) if obj else self._fieldsets

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.may_see_endpoints = may_see_endpoints(request)
        form.may_change_endpoints = request.user.has_perm("healthcheck.change_endpoint")
        return form

    def get_inlines(self, request: HttpRequest, obj: EndpointGroup | None) -> Any:
        return (EndpointInline,) if obj is None or _is_inline(obj) else ()

    def get_tools(self, request: HttpRequest, obj: EndpointGroup) -> list[Tool]:
        tools = super().get_tools(request, obj)
        if self.has_operate_permission(request, obj):
            tools.insert(0, Tool(_("Check now"), self.url_of("check_now", obj.pk), is_button=True))
        return [*tools, Tool(_("Runs"), self.url_of("runs", obj.pk))]

    def save_model(self, request: HttpRequest, obj: EndpointGroup, form: Any, change: bool) -> None:
        if not change:
            obj.save()
            return
        obj.save(update_fields=changed_columns(form))
        changed = set(form.changed_data)
        if changed & set(SCHEDULE_KEYS) or ("is_paused" in changed and not obj.is_paused):
            restart_clocks([obj.pk], read_database_clock())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        now = read_database_clock()
        Endpoint.objects.filter(pk__in=[gone.pk for gone in formset.deleted_objects]).update(deleted_at=now)
        written = {id(endpoint) for endpoint in formset.new_objects}
        written |= {id(endpoint) for endpoint, _changed in formset.changed_objects}
        saved = [each for each in formset.forms if id(each.instance) in written]
        for each in saved:
            _save_endpoint(each)
        if any(restarts_clock(each.changed_data) for each in saved):
            restart_clocks([form.instance.pk], now)

    # Pausing and deleting.

    def get_tracked(self, ids: Sequence[int], *, deleting: bool = False) -> Tracked:
        members = Endpoint.objects.existing().filter(group__in=ids)
        if not deleting:
            # Only what the form of its group shows is changed with it.
            members = members.order_by("pk")[: MAX_INLINE_ENDPOINTS + 1]
        found = list(members.values_list("pk", flat=True))
        return [(EndpointGroup, list(ids)), (Endpoint, found if deleting or len(found) <= MAX_INLINE_ENDPOINTS else [])]

    def list_bulk_fields(self, request: HttpRequest) -> Sequence[BulkField]:
        return list_group_fields()

    def has_clone_permission(self, request: HttpRequest) -> bool:
        return super().has_clone_permission(request) and request.user.has_perm("healthcheck.add_endpoint")

    def list_kinds_of(self, ids: Sequence[int]) -> set[str]:
        return set(Endpoint.objects.existing().filter(group__in=ids).values_list("kind", flat=True))

    def clone(self, ids: Sequence[int], change: Change) -> list[int]:
        return clone_groups(ids, change)

    def resume(self, ids: Any, now: datetime) -> int:
        paused = list(EndpointGroup.objects.existing().filter(pk__in=ids, is_paused=True).values_list("pk", flat=True))
        EndpointGroup.objects.filter(pk__in=paused).update(is_paused=False)
        restart_clocks(paused, now)
        return len(paused)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Ask for the permission to delete endpoints, too, where the groups hold any: they are deleted with them."""
        names, counts, missing, protected = super().get_deleted_objects(objs, request)
        inside = Endpoint.objects.existing().filter(group__in=[each.pk for each in objs])
        members = inside.count()
        if members:
            counts[str(Endpoint._meta.verbose_name_plural)] = members
            sentence = ngettext("and %(count)s endpoint inside", "and %(count)s endpoints inside", members)
            names.append(sentence % {"count": members})
            if not request.user.has_perm("healthcheck.delete_endpoint"):
                missing.add(str(Endpoint._meta.verbose_name))
            names += describe_parents(inside.values("pk")) if may_see_endpoints(request) else []
        return names, counts, missing, protected

    def mark_deleted(self, rows: QuerySet[Any], now: datetime) -> None:
        Endpoint.objects.existing().filter(group__in=rows).update(deleted_at=now)
        super().mark_deleted(rows, now)


def _leave_out_names(request: HttpRequest, names: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(each for each in names if each not in _NAMING or may_see_endpoints(request))


def _save_endpoint(form: Any) -> None:
    form.instance.save(update_fields=changed_columns(form) if form.instance.pk else None)
    if "assertions" in form.changed_data:
        write_assertions(form.instance, form.cleaned_data["assertions"])


def _find_endpoints(group: EndpointGroup) -> QuerySet[Endpoint]:
    return Endpoint.objects.existing().filter(group=group)


def _is_inline(group: EndpointGroup) -> bool:
    return _find_endpoints(group).count() <= MAX_INLINE_ENDPOINTS


def _read_overview(group: Any) -> GroupOverview:
    if not hasattr(group, "overview"):
        group.overview = load_overviews([group.pk], read_database_clock())[group.pk]
    overview: GroupOverview = group.overview
    return overview
