"""Runs: their history, one of them with its results, and check now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.endpoint_rights import may_see_endpoints
from healthcheck.admin.explain.result_rows import load_run_rows
from healthcheck.admin.history import Cursor, page_history
from healthcheck.admin.look.badges import draw_counts
from healthcheck.admin.look.words import describe_duration, describe_instant, describe_lateness, describe_status
from healthcheck.admin.operated import OperatedAdmin
from healthcheck.engine.types import State
from healthcheck.models import CheckRun, Endpoint, EndpointGroup, Trigger
from healthcheck.models.clock import read_database_clock
from healthcheck.models.run import UNFINISHED
from healthcheck.pipeline.manual import request_check
from healthcheck.pipeline.sweep import mark_published
from healthcheck.tasks import publish

# Results on one page of a run; a person looks for the few that failed, and a browser shows this many at once.
RESULTS_PER_PAGE = 200
# Check now writes a row and a message per group, within one request.
MAX_CHECKED_AT_ONCE = 100


class RunViews(OperatedAdmin):
    """The part of the group's admin that looks at runs and asks for them."""

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<int:pk>/runs/", self.guard_page(self.runs_view), name=self._url_name("runs")),
            path("<int:pk>/check-now/", self.guard_button(self.check_now_view), name=self._url_name("check_now")),
            path("runs/<int:run_id>/", self.admin_site.admin_view(self.run_view), name="healthcheck_run"),
            *super().get_urls(),
        ]

    def run_url(self, run_id: int) -> str:
        return reverse(f"{self.admin_site.name}:healthcheck_run", args=[run_id])

    def runs_view(self, request: HttpRequest, obj: EndpointGroup) -> HttpResponse:
        """Show the group's runs, newest first."""
        cursor = Cursor.parse(request.GET.get("before", ""), request.GET.get("after", ""))
        page = page_history(CheckRun.objects.filter(group=obj), "id", cursor)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Runs of %(name)s") % {"name": obj},
            "opts": self.opts,
            "object": obj,
            "page": page,
            "rows": [self._describe_run(run) for run in page.rows],
        }
        return TemplateResponse(request, "admin/healthcheck/run_history.html", context)

    def run_view(self, request: HttpRequest, run_id: int) -> HttpResponseBase:
        """Show one run and its results in the endpoints' order; the page refreshes itself until the run has ended."""
        run = CheckRun.objects.filter(pk=run_id).first()
        if run is None:
            raise Http404(_("This run does not exist any more; old runs are removed."))
        group = self.find_permitted(request, run.group_id)
        # Deleted ones, too: the run saw them.
        may_see = may_see_endpoints(request)
        members = Endpoint.objects.filter(group=group) if may_see else Endpoint.objects.none()
        pages: Paginator[Any] = Paginator(members, RESULTS_PER_PAGE)
        endpoints = pages.get_page(request.GET.get("page"))
        rows = load_run_rows(run, endpoints)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Run %(id)s of %(name)s") % {"id": run.pk, "name": group},
            "opts": self.opts,
            "object": group,
            "run": self._describe_run(run),
            "is_unfinished": run.status in UNFINISHED,
            "may_see_endpoints": may_see,
            "endpoints": endpoints,
            "rows": [(endpoint, rows[endpoint.pk]) for endpoint in endpoints if endpoint.pk in rows],
        }
        return TemplateResponse(request, "admin/healthcheck/run.html", context)

    def check_now_view(self, request: HttpRequest, obj: EndpointGroup) -> HttpResponse:
        run_id = request_check(obj.pk, read_database_clock())
        self._wake_workers(request, [run_id])
        self.log_change(request, obj, _("Check now."))
        return redirect(self.run_url(run_id))

    @admin.action(permissions=["operate"], description=gettext_lazy("Check selected %(verbose_name_plural)s now"))
    def check_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        now = read_database_clock()
        ids = list(queryset.values_list("pk", flat=True)[:MAX_CHECKED_AT_ONCE])
        self._wake_workers(request, [request_check(group_id, now) for group_id in ids])
        sentence = ngettext("%(count)s group is being checked.", "%(count)s groups are being checked.", len(ids))
        self.message_user(request, sentence % {"count": len(ids)}, messages.SUCCESS)

    def _wake_workers(self, request: HttpRequest, run_ids: Sequence[int]) -> None:
        sent = publish(run_ids)
        # What the broker did not take is sent by the next sweep.
        mark_published(run_ids[:sent], read_database_clock())
        if sent < len(run_ids):
            sentence = _("The broker does not answer, so no worker could be woken. The check starts once it is back.")
            self.message_user(request, sentence, messages.WARNING)

    def _describe_run(self, run: CheckRun) -> dict[str, Any]:
        counts = {
            State.UP: run.up_count,
            State.DEGRADED: run.degraded_count,
            State.DOWN: run.down_count,
            State.UNKNOWN: run.unknown_count,
        }
        return {
            "id": run.pk,
            "url": self.run_url(run.pk),
            "slot": describe_instant(run.scheduled_for),
            "gap_until": describe_instant(run.gap_until),
            "trigger": Trigger(run.trigger).label,
            "status": describe_status(run),
            "lateness": describe_lateness(run),
            "counts": draw_counts(counts) if any(counts.values()) else "",
            "wall": describe_duration(run.wall_us) if run.wall_us else "",
            "work": describe_duration(run.work_us) if run.work_us else "",
            "attempt": run.token,
        }
