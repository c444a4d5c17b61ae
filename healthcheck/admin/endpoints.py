"""Endpoints: the whole form, the list with states, and the history of results."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.change.bulk import BulkAdmin
from healthcheck.admin.change.bulk_fields import BulkField, list_endpoint_fields
from healthcheck.admin.change.cloned import ClonedAdmin
from healthcheck.admin.change.csv_views import CsvAdmin
from healthcheck.admin.correct.entries import CorrectedEndpointAdmin
from healthcheck.admin.explain.add_by_url import AddByUrlViews
from healthcheck.admin.explain.explanation import ExplanationViews
from healthcheck.admin.explain.past import PastViews
from healthcheck.admin.explain.result_rows import load_endpoint_rows
from healthcheck.admin.explain.try_form import TryViews
from healthcheck.admin.fields.found_members import answer_members
from healthcheck.admin.fields.tag_fields import draw_tags_below
from healthcheck.admin.fields.text_fields import join_assertions, write_assertions
from healthcheck.admin.filters import (
    CredentialFilter,
    EndpointStateFilter,
    EndpointTagFilter,
    ErrorFilter,
    GroupFilter,
    KindFilter,
    RestFilter,
)
from healthcheck.admin.forms.endpoint_fieldsets import READ_ONLY, STATE, list_form
from healthcheck.admin.forms.endpoint_forms import restarts_clock
from healthcheck.admin.forms.folds import fold_fieldsets
from healthcheck.admin.forms.option_fields import describe_options, list_option_fields, read_options
from healthcheck.admin.forms.plugin_fields import make_endpoint_form
from healthcheck.admin.heartbeats import HeartbeatViews, draw_expected
from healthcheck.admin.history import Cursor, page_history
from healthcheck.admin.kind_rights import may_use_any_kind
from healthcheck.admin.look.badges import draw_maintenance, draw_paused, draw_state
from healthcheck.admin.look.bases import ChangeListBase
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.look.words import NOTHING, describe_duration, describe_instant, describe_moment
from healthcheck.admin.muting import MuteAdmin, is_in_maintenance
from healthcheck.admin.open_addresses import name_open_address, search_openly
from healthcheck.admin.operated import changed_columns, describe_parents
from healthcheck.admin.overview import latest_state, overall_state
from healthcheck.admin.uptime_column import PERIOD, draw_uptime, load_endpoint_totals
from healthcheck.definitions.cloning import clone_endpoints
from healthcheck.definitions.labels import name_kind
from healthcheck.definitions.member_documents import read_members
from healthcheck.definitions.member_lines import write_members
from healthcheck.definitions.members import KIND
from healthcheck.definitions.versions import Change, lock_groups, lock_rows
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.masking import mask_url
from healthcheck.engine.probes import is_judged
from healthcheck.engine.types import ErrorKind
from healthcheck.models import CheckResult, Endpoint, EndpointGroup, EndpointState
from healthcheck.models.clock import read_database_clock
from healthcheck.models.maintenance import find_endpoints_in_maintenance
from healthcheck.pipeline.clock import restart_clocks


class EndpointChangeList(ChangeListBase):
    """The list, with one reading of the clock for all its rows."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        now = read_database_clock()
        self.result_list = list(self.result_list)
        prefetch_related_objects(self.result_list, "tags")
        muted = find_endpoints_in_maintenance([endpoint.pk for endpoint in self.result_list], now)
        # Once, and not before the list is drawn: a list whose action is pressed is not.
        read_totals = cache(partial(load_endpoint_totals, self.result_list, now))
        may_change = self.model_admin.has_change_permission(request)
        for endpoint in self.result_list:
            endpoint.read_totals = read_totals
            endpoint.seen_at = now
            endpoint.in_maintenance = endpoint.pk in muted
            endpoint.shown_address = endpoint.address if may_change else mask_url(endpoint.address)


@admin.register(Endpoint)
class EndpointAdmin(
    HeartbeatViews,
    PastViews,
    AddByUrlViews,
    TryViews,
    BulkAdmin,
    CsvAdmin,
    MuteAdmin,
    ClonedAdmin,
    ExplanationViews,
    CorrectedEndpointAdmin,
):
    list_display = ("name_and_address", "group", "state_since", "uptime", "result_and_error")
    empty_words = gettext_lazy(
        "An endpoint is something to be checked: a page, a port, a name, a job. Paste a URL; it is probed at once."
    )
    list_filter = (
        EndpointStateFilter,
        EndpointTagFilter,
        KindFilter,
        RestFilter,
        ErrorFilter,
        CredentialFilter,
        GroupFilter,
    )
    list_select_related = ("group",)
    search_fields = ("name", "address", "description", "group__name", "tags__name", "group__tags__name")
    actions = (
        *CorrectedEndpointAdmin.actions,
        *MuteAdmin.actions,
        "clone_selected",
        "edit_selected",
        "export_selected",
    )
    ordering = ("group__position", "group_id", "position", "id")
    autocomplete_fields = ("credential",)
    readonly_fields = (
        "state",
        "since",
        "last_error",
        "last_result",
        "options_words",
        "kind_words",
        "masked_address",
        "expected",
    )

    @property
    def form(self) -> Any:  # type: ignore[override]  # only ever read
        """The form with the options of every kind that is installed: which those are is known on first use."""
        return make_endpoint_form()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).filter(group__deleted_at__isnull=True)
        return rows.prefetch_related("states")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeListBase]:
        return EndpointChangeList

    def get_search_fields(self, request: HttpRequest) -> Any:
        fields = super().get_search_fields(request)
        return fields if self.has_change_permission(request) else search_openly(fields)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, name_open_address(queryset), search_term)

    class Media:
        js = ("healthcheck/kinds.js", "healthcheck/members.js")

    # What the machines know.

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def name_and_address(self, obj: Any) -> SafeString:
        address = format_html('<span class="hc-quiet hc-address">{}</span>', obj.shown_address)
        return format_html("{}<br>{}{}", obj.name, address, draw_tags_below(obj.tags.all()))

    @admin.display(description=gettext_lazy("state"))
    def state(self, obj: Any) -> SafeString:
        # A page asks for it several times.
        now = obj.seen_at = getattr(obj, "seen_at", None) or read_database_clock()
        badges = [draw_state(overall_state(obj.states.all(), now))]
        badges += [draw_paused()] if obj.is_paused else []
        badges += [draw_maintenance()] if is_in_maintenance(obj, now) else []
        return format_html_join(" ", "{}", ((badge,) for badge in badges))

    @admin.display(description=gettext_lazy("state"))
    def state_since(self, obj: Any) -> SafeString:
        seen = _read_latest(obj)
        since = describe_moment(seen.since) if seen else ""
        return format_html(
            '<span class="hc-cell">{}<br><span class="hc-quiet hc-time">{}</span></span>',
            self.state(obj),
            _("since %(at)s") % {"at": since} if since else "",
        )

    @admin.display(description=gettext_lazy("uptime, 24 h"))
    def uptime(self, obj: Any) -> SafeString:
        url = f"{self.url_of('uptime', obj.pk)}?period={PERIOD.key}"
        return format_html('<a class="hc-cell" href="{}">{}</a>', url, draw_uptime(obj.read_totals()[obj.pk]))

    @admin.display(description=gettext_lazy("since"))
    def since(self, obj: Endpoint) -> str:
        seen = _read_latest(obj)
        return (describe_instant(seen.since) if seen else "") or NOTHING

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, obj: Endpoint) -> str:
        return _describe_error(_read_latest(obj)) or NOTHING

    @admin.display(description=gettext_lazy("last result"))
    def last_result(self, obj: Endpoint) -> SafeString | str:
        seen = _read_latest(obj)
        if seen is None:
            return NOTHING
        nothing = "" if is_judged(obj.kind) else _("no answer")
        words = describe_duration(seen.last_latency_us) if seen.last_latency_us else nothing
        if seen.last_http_status:
            words += f", HTTP {seen.last_http_status}"
        at = describe_moment(seen.last_observed_at)
        return format_html(
            '<a class="hc-time" href="{}">{}</a><br><span class="hc-quiet">{}</span>',
            self.result_url(obj.pk, seen.last_run_id),
            at,
            words,
        )

    @admin.display(description=gettext_lazy("last result"), empty_value="–")
    def result_and_error(self, obj: Endpoint) -> SafeString | None:
        seen = _read_latest(obj)
        error = _describe_error(seen)
        if not error or seen is None:
            return format_html('<span class="hc-cell">{}</span>', self.last_result(obj)) if seen else None
        url = self.result_url(obj.pk, seen.last_run_id)
        return format_html(
            '<span class="hc-cell">{}<br>{} <a href="{}">{}</a></span>', self.last_result(obj), error, url, _("Why?")
        )

    # Shown in place of the form's fields to people who may only look.

    @admin.display(description=gettext_lazy("kind"))
    def kind_words(self, obj: Endpoint) -> str:
        return name_kind(obj.kind)

    @admin.display(description=gettext_lazy("address"))
    def masked_address(self, obj: Endpoint) -> str:
        return mask_url(obj.address)

    @admin.display(description=gettext_lazy("assertions"))
    def assertions(self, obj: Endpoint) -> SafeString:
        return format_html('<pre class="hc-text">{}</pre>', join_assertions(obj))

    @admin.display(description=gettext_lazy("members"))
    def members(self, obj: Endpoint) -> SafeString | str:
        lines = write_members(read_members([obj.pk]).get(obj.pk, [])) if obj.kind == KIND else ""
        return format_html('<pre class="hc-text">{}</pre>', lines) if lines else NOTHING

    @admin.display(description=gettext_lazy("options"))
    def options_words(self, obj: Endpoint) -> SafeString:
        return format_html('<pre class="hc-text">{}</pre>', describe_options(obj))

    @admin.display(description=gettext_lazy("expected next"))
    def expected(self, obj: Endpoint) -> SafeString:
        return draw_expected(obj)

    # The form.

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.may_use_any_kind = may_use_any_kind(request)
        form.may_use_credentials = request.user.has_perm("healthcheck.view_credential")
        form.find_url = reverse(f"{self.admin_site.name}:{self._url_name('members')}")
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        if obj is None:
            return list_form()
        return (*list_form(), STATE) if self.has_change_permission(request, obj) else READ_ONLY

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:  # type: ignore[override]
        context["fieldsets"] = fold_fieldsets(context["adminform"], read_options({}))
        return super().render_change_form(request, context, **options)

    def get_readonly_fields(self, request: HttpRequest, obj: Endpoint | None = None) -> Any:
        # A run's results are found by the group's endpoints: one that changed its group would leave its past behind.
        fixed = ("group",) if obj else ()
        # Whoever may use a credential can have it sent to any server.
        hidden = () if request.user.has_perm("healthcheck.view_credential") else ("credential",)
        return (*fixed, *hidden, *self.readonly_fields)

    def lock(self, ids: Sequence[int]) -> None:
        # What is changed here may start the clock of the group.
        lock_groups(ids)
        super().lock(ids)

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        if request.method != "POST" or object_id is not None:
            return super().changeform_view(request, object_id, *args, **kwargs)
        posted = request.POST.get("group", "")
        is_id = posted.isascii() and posted.isdigit() and len(posted) < 10
        with transaction.atomic():
            # Before the form looks for it: nothing goes into a group that is being deleted.
            lock_rows(EndpointGroup, [int(posted)] if is_id else [])
            return super().changeform_view(request, object_id, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        obj.save(update_fields=_changed_columns(form) if change else None)
        if "assertions" in form.changed_data:
            write_assertions(obj, form.cleaned_data["assertions"])
        if "members" in form.changed_data:
            form.store_members()
        if not obj.is_paused and (not change or restarts_clock(form.changed_data)):
            restart_clocks([obj.group_id], read_database_clock())

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        names, counts, missing, protected = super().get_deleted_objects(objs, request)
        return [*names, *describe_parents([each.pk for each in objs])], counts, missing, protected

    def list_bulk_fields(self, request: HttpRequest) -> Sequence[BulkField]:
        may = request.user.has_perm
        return list_endpoint_fields(
            with_credential=may("healthcheck.view_credential"), with_groups=may("healthcheck.view_endpointgroup")
        )

    def list_kinds_of(self, ids: Sequence[int]) -> set[str]:
        return set(Endpoint.objects.filter(pk__in=ids).values_list("kind", flat=True))

    def clone(self, ids: Sequence[int], change: Change) -> list[int]:
        return clone_endpoints(ids, change)

    def resume(self, ids: Sequence[int], now: datetime) -> int:
        paused = Endpoint.objects.existing().filter(pk__in=ids, is_paused=True)
        found = dict(paused.values_list("pk", "group_id"))
        Endpoint.objects.filter(pk__in=found).update(is_paused=False)
        restart_clocks(sorted(set(found.values())), now)
        return len(found)

    # The history.

    def get_urls(self) -> list[URLPattern]:
        results = path("<int:pk>/results/", self.guard_page(self.results_view), name=self._url_name("results"))
        members = path("members/", self.admin_site.admin_view(self.members_view), name=self._url_name("members"))
        return [results, members, *super().get_urls()]

    def members_view(self, request: HttpRequest) -> HttpResponse:
        """Find endpoints for the lines of members, for people who may see them and have a form to write them in."""
        may_write = self.has_add_permission(request) or self.has_change_permission(request)
        if not (may_write and self.has_view_or_change_permission(request)):
            raise PermissionDenied
        return answer_members(request)

    def get_tools(self, request: HttpRequest, obj: Endpoint) -> list[Tool]:
        return [*super().get_tools(request, obj), Tool(_("Results"), self.url_of("results", obj.pk))]

    def results_view(self, request: HttpRequest, obj: Endpoint) -> HttpResponse:
        """Show the endpoint's results, newest first, with the evidence of failures."""
        cursor = Cursor.parse(request.GET.get("before", ""), request.GET.get("after", ""))
        page = page_history(CheckResult.objects.filter(endpoint_id=obj.pk), "run_id", cursor)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Results of %(name)s") % {"name": obj},
            "opts": self.opts,
            "object": obj,
            "page": page,
            "rows": load_endpoint_rows(obj, page.rows),
        }
        return TemplateResponse(request, "admin/healthcheck/result_history.html", context)


def _changed_columns(form: Any) -> list[str]:
    # The fields of the options share one column.
    options = ["options"] if set(list_option_fields()) & set(form.changed_data) else []
    return [*changed_columns(form), *options]


def _describe_error(seen: EndpointState | None) -> str:
    return _(SENTENCES[ErrorKind(seen.last_error_kind)]) if seen and seen.last_error_kind else ""


def _read_latest(endpoint: Endpoint) -> EndpointState | None:
    return latest_state(endpoint.states.all())
