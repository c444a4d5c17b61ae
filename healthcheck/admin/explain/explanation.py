"""Why is it down? One page per endpoint and run: the answer first, then everything that led to it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from healthcheck.admin.explain.answers import describe_probed
from healthcheck.admin.explain.explained import Stored, explain, load_stored
from healthcheck.admin.explain.members import describe_members
from healthcheck.admin.explain.probing import NotProbedError, probe_endpoint
from healthcheck.admin.explain.requests import describe_definition
from healthcheck.admin.explain.waiting import describe_wait
from healthcheck.admin.fields.text_fields import join_assertions, split_assertions
from healthcheck.admin.look.badges import draw_paused, draw_state
from healthcheck.admin.look.words import describe_instant, describe_status
from healthcheck.admin.operated import OperatedAdmin
from healthcheck.admin.overview import latest_state, overall_state
from healthcheck.engine.probes import is_judged
from healthcheck.models import CheckResult, Endpoint, Trigger
from healthcheck.models.clock import read_database_clock
from healthcheck.models.run import UNFINISHED

# More pages of neighbours than the largest group has.
MAX_PAGE = 1_000


class ExplanationViews(OperatedAdmin):
    """The part of the endpoint's admin that explains one result."""

    def get_urls(self) -> list[URLPattern]:
        result, latest = "<int:pk>/results/<int:run_id>/", "<int:pk>/latest/"
        # A probe takes seconds: a project's ATOMIC_REQUESTS must not hold a transaction meanwhile.
        try_now = transaction.non_atomic_requests(self.admin_site.admin_view(self.try_now_view))
        return [
            path(f"{result}try/", try_now, name=self._url_name("try_now")),
            path(result, self.admin_site.admin_view(self.result_view), name=self._url_name("result")),
            path(latest, self.admin_site.admin_view(self.latest_view), name=self._url_name("latest")),
            *super().get_urls(),
        ]

    def result_url(self, pk: int, run_id: int, view: str = "result") -> str:
        return reverse(f"{self.admin_site.name}:{self._url_name(view)}", args=[pk, run_id])

    def result_view(self, request: HttpRequest, pk: int, run_id: int) -> HttpResponseBase:
        """Explain the endpoint's result in the run, or say why there is none."""
        stored = load_stored(self.find_visible(request, pk), run_id)
        return self._show_no_result(request, stored) if stored.result is None else self._show_result(request, stored)

    def try_now_view(self, request: HttpRequest, pk: int, run_id: int) -> HttpResponseBase:
        """Probe the endpoint as it is defined now, and show both: then and now. Nothing is stored."""
        endpoint = self.find_visible(request, pk)
        if request.method != "POST":
            # A link, or the address bar after a reload: only the button probes.
            return redirect(self.result_url(pk, run_id))
        if not self.may_try(request, endpoint):
            raise PermissionDenied
        try:
            probed = probe_endpoint(endpoint, split_assertions(join_assertions(endpoint)), now=read_database_clock())
        except NotProbedError as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(self.result_url(pk, run_id))
        # Read afterwards: meanwhile seconds may have passed.
        stored = load_stored(endpoint, run_id)
        if stored.result is None:
            return self._show_no_result(request, stored)
        answer = describe_probed(probed, **self._describe_rights(request, endpoint))
        return self._show_result(
            request, stored, tried=answer, tried_at=describe_instant(probed.explanation.observed_at)
        )

    def may_try(self, request: HttpRequest, endpoint: Endpoint) -> bool:
        """Whether the person may have it probed now: a saved definition, so that operating is enough."""
        is_there = endpoint.deleted_at is None and endpoint.group.deleted_at is None
        return is_there and not is_judged(endpoint.kind) and self.has_operate_permission(request, endpoint)

    def _describe_rights(self, request: HttpRequest, endpoint: Endpoint) -> dict[str, bool]:
        """Return what of a request the person may see."""
        return {
            "shows_headers": self.has_change_permission(request, endpoint),
            "shows_credential": request.user.has_perm("healthcheck.view_credential"),
        }

    def _show_result(self, request: HttpRequest, stored: Stored, **tried: Any) -> HttpResponse:
        endpoint, result = stored.endpoint, stored.result
        assert result is not None
        explained = explain(stored, result, page=_read_page(request))
        words = describe_definition(endpoint, **self._describe_rights(request, endpoint))
        context = {
            **self._describe_place(request, stored),
            **self._describe_present(endpoint),
            **tried,
            "title": self._name_result(stored),
            "explained": explained,
            "answer": replace(explained.answer, request=words),
            "members": describe_members(endpoint, partial(self.url_of, "latest")),
            "try_url": self.result_url(endpoint.pk, stored.run_id, "try_now")
            if self.may_try(request, endpoint)
            else "",
        }
        return TemplateResponse(request, "admin/healthcheck/explanation.html", context)

    def latest_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Go to the newest result; wait for the first one on a page that refreshes itself."""
        endpoint = self.find_visible(request, pk)
        results = CheckResult.objects.filter(endpoint_id=endpoint.pk).order_by("-run_id")
        run_id = results.values_list("run_id", flat=True).first()
        if run_id is not None:
            return redirect(self.result_url(endpoint.pk, run_id))
        context = {
            **self._describe_endpoint(request, endpoint),
            "title": _("First result of %(name)s") % {"name": endpoint},
            "wait": describe_wait(endpoint, read_database_clock()),
        }
        return TemplateResponse(request, "admin/healthcheck/first_result.html", context)

    def find_visible(self, request: HttpRequest, pk: int) -> Endpoint:
        """Return the endpoint, a deleted one, too: its results are there until the pruner comes by."""
        endpoint = Endpoint.objects.select_related("group", "credential").filter(pk=pk).first()
        if not self.has_view_or_change_permission(request, endpoint):
            raise PermissionDenied
        if endpoint is None:
            raise Http404(_("This endpoint does not exist any more."))
        return endpoint

    def _show_no_result(self, request: HttpRequest, stored: Stored) -> HttpResponse:
        """Say why there is no result: the run is under way, never took place, or is gone."""
        run = stored.run
        context = {
            **self._describe_place(request, stored),
            "title": _("No result of %(name)s") % {"name": stored.endpoint},
            "is_unfinished": run is not None and run.status in UNFINISHED,
        }
        return TemplateResponse(request, "admin/healthcheck/no_result.html", context, status=200 if run else 404)

    def _describe_endpoint(self, request: HttpRequest, endpoint: Endpoint) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "object": endpoint,
            "is_deleted": endpoint.deleted_at is not None,
            "can_change": self.has_change_permission(request, endpoint),
        }

    def _describe_place(self, request: HttpRequest, stored: Stored) -> dict[str, Any]:
        """Return where the result stands: in which run, and between which others."""
        pk, run = stored.endpoint.pk, stored.run
        return {
            **self._describe_endpoint(request, stored.endpoint),
            "run": run,
            "run_status": describe_status(run) if run else "",
            "run_trigger": Trigger(run.trigger).label if run else "",
            "run_at": describe_instant(stored.at),
            "run_slot": describe_instant(run.scheduled_for) if run else "",
            "previous_url": self.result_url(pk, stored.previous_id) if stored.previous_id else "",
            "next_url": self.result_url(pk, stored.next_id) if stored.next_id else "",
        }

    def _describe_present(self, endpoint: Endpoint) -> dict[str, Any]:
        states = list(endpoint.states.all())
        seen = latest_state(states)
        return {
            "now_badge": draw_state(overall_state(states, read_database_clock())),
            "now_paused": draw_paused() if endpoint.is_paused or endpoint.group.is_paused else "",
            "now_since": describe_instant(seen.since) if seen else "",
        }

    def _name_result(self, stored: Stored) -> str:
        at = describe_instant(stored.at) or _("run %(run)s") % {"run": stored.run_id}
        return _("%(name)s, %(at)s") % {"name": stored.endpoint, "at": at}


def _read_page(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return max(1, min(int(text), MAX_PAGE)) if text.isascii() and text.isdigit() and len(text) <= 4 else 1
