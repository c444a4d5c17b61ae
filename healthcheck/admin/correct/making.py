"""From a selection to corrections: say what it was, see what that changes, and only then write it.

One address for all steps. What is selected and what was typed travels signed, for that person only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.change.selections import pack_ids, read_state, sign_state, unpack_ids
from healthcheck.admin.correct.effects import (
    describe_conflicts,
    describe_endpoint_row,
    describe_foresight,
    describe_interval,
    name_windows,
)
from healthcheck.admin.correct.forms import EFFECT_CHOICES, CorrectionForm
from healthcheck.admin.correct.rights import may_correct
from healthcheck.admin.look.bases import ModelAdminBase
from healthcheck.definitions.instants import write_instant
from healthcheck.models import Endpoint
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.correct import (
    MAX_ENDPOINTS,
    Author,
    CorrectionsChangedError,
    Proposal,
    find_overlaps,
    make_corrections,
    read_overlaps,
)
from healthcheck.pipeline.foresee import Interval, foresee_correction

_PURPOSE = "correct"
# Each is measured over 90 days, twice.
ROWS_PER_PAGE = 25
_FIELDS = ("starts_at", "ends_at", "effect", "reason", "is_public")


class MakingViews(ModelAdminBase):
    """The part of the corrections' admin that makes them."""

    def get_urls(self) -> list[URLPattern]:
        make = path("make/", self.admin_site.admin_view(self.make_view), name="healthcheck_correction_make")
        return [make, *super().get_urls()]

    def make_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the form for what the address names, and take it through its steps."""
        if not may_correct(request.user):
            raise PermissionDenied
        if request.method != "POST":
            return self._begin(request)
        state = read_state(request.POST.get("state", ""), purpose=_PURPOSE, user_id=request.user.pk or 0)
        if state is None:
            self.message_user(request, _("That page is too old; select again."), messages.WARNING)
            return redirect(self._list_url())
        ids, step = unpack_ids(state["ids"]), request.POST.get("step", "")
        typed = request.POST if step == "preview" else QueryDict(state.get("typed", ""))
        form = CorrectionForm(typed, count=len(ids), now=read_database_clock())
        if step == "form" or not form.is_valid():
            return self.show_form(request, ids, form)
        if step == "make":
            return self._make(request, ids, form, seen=state.get("seen", ""))
        return self._show_preview(request, ids, form, seen=state.get("seen", ""))

    def show_form(self, request: HttpRequest, ids: Sequence[int], form: CorrectionForm | None = None) -> HttpResponse:
        """Show the form for these endpoints; the action of a list begins here."""
        if len(ids) > MAX_ENDPOINTS:
            sentence = _(
                "More than %(limit)s endpoints are selected; narrow the list with a filter and correct in parts."
            )
            self.message_user(request, sentence % {"limit": MAX_ENDPOINTS}, messages.ERROR)
            return redirect(self._list_url())
        context = {
            **self._describe_page(request, ids),
            "form": form or CorrectionForm(count=len(ids), now=read_database_clock()),
            "state": _sign(request, {"ids": pack_ids(ids)}),
        }
        return TemplateResponse(request, "admin/healthcheck/correction_form.html", context)

    def _begin(self, request: HttpRequest) -> HttpResponse:
        ids = _find_asked(request)
        if not ids:
            sentence = _("Choose first what is to be corrected: an endpoint, a group, or some of a list.")
            self.message_user(request, sentence, messages.WARNING)
            return redirect(reverse(f"{self.admin_site.name}:healthcheck_endpoint_changelist"))
        asked = {name: request.GET.get(name, "")[:60] for name in ("starts_at", "ends_at") if name in request.GET}
        form = CorrectionForm(initial=asked, count=len(ids), now=read_database_clock())
        return self.show_form(request, ids, form)

    def _make(self, request: HttpRequest, ids: Sequence[int], form: CorrectionForm, *, seen: str) -> HttpResponse:
        change = describe_change(request)
        author, proposal = Author(change.author_name, change.author_id), form.cleaned_data["proposal"]
        try:
            count = make_corrections(ids, proposal, author=author, now=change.at, seen=seen)
        except CorrectionsChangedError:
            sentence = _(
                "Somebody corrected something in this interval after this page was shown, and nothing was written: "
                "look it over again."
            )
            self.message_user(request, sentence, messages.WARNING)
            return self._show_preview(request, ids, form)
        except ValidationError as error:
            form.add_error(None, error)
            return self.show_form(request, ids, form)
        sentence = ngettext("%(count)s endpoint was corrected.", "%(count)s endpoints were corrected.", count)
        self.message_user(request, sentence % {"count": count}, messages.SUCCESS)
        return redirect(self.url_after(ids))

    def url_after(self, ids: Sequence[int]) -> str:
        """Return where what was corrected is to be seen."""
        if len(ids) == 1:
            return reverse(f"{self.admin_site.name}:healthcheck_endpoint_corrections", args=ids)
        return self._list_url()

    def _show_preview(
        self, request: HttpRequest, ids: Sequence[int], form: CorrectionForm, *, seen: str = ""
    ) -> HttpResponse:
        proposal: Proposal = form.cleaned_data["proposal"]
        # Before the figures: what is made between the two is then refused, and never the other way.
        overlaps = read_overlaps(ids, proposal)
        if seen and seen != overlaps:
            sentence = _("Something was corrected while you looked at the pages: look them over again.")
            messages.warning(request, sentence)
        typed = QueryDict(mutable=True)
        typed.update({name: form.data[name] for name in _FIELDS if name in form.data})
        # A rounded form of it would be another interval.
        state = {"ids": pack_ids(ids), "typed": typed.urlencode(), "seen": overlaps}
        context = {
            **self._describe_page(request, ids),
            **_describe_figures(ids, proposal, request.POST.get("page", "1")),
            "interval": describe_interval(proposal.starts_at, proposal.ends_at),
            "effect": dict(EFFECT_CHOICES)[proposal.effect],
            "proposal": proposal,
            "conflicts": describe_conflicts(find_overlaps(ids, proposal)),
            "state": _sign(request, state),
        }
        return TemplateResponse(request, "admin/healthcheck/correction_preview.html", context)

    def _describe_page(self, request: HttpRequest, ids: Sequence[int]) -> dict[str, Any]:
        only = Endpoint.objects.select_related("group").filter(pk=ids[0]).first() if len(ids) == 1 else None
        many = ngettext("Correct %(count)s endpoint", "Correct %(count)s endpoints", len(ids)) % {"count": len(ids)}
        return {
            **self.admin_site.each_context(request),
            "title": _("Correct %(name)s") % {"name": only} if only else many,
            "opts": self.opts,
            "media": self.media,
            "only": only,
            "count": len(ids),
            "cancel_url": self.url_after(ids) if only else self._list_url(),
        }

    def _list_url(self) -> str:
        return reverse(f"{self.admin_site.name}:healthcheck_correction_changelist")


def url_of_form(site: str, endpoint_id: int, interval: Interval | None = None) -> str:
    """Return the address of the form for an endpoint, with its interval filled in."""
    query = QueryDict(mutable=True)
    query["endpoint"] = str(endpoint_id)
    if interval is not None:
        query["starts_at"], query["ends_at"] = write_instant(interval.start), write_instant(interval.end)
    return f"{reverse(f'{site}:healthcheck_correction_make')}?{query.urlencode()}"


def _find_asked(request: HttpRequest) -> list[int]:
    """Return the endpoint that the address names, or those of its group; what is gone is in neither."""
    asked = {name: request.GET.get(name, "") for name in ("endpoint", "group")}
    ids = {name: int(text) for name, text in asked.items() if text.isascii() and text.isdigit() and len(text) < 10}
    existing = Endpoint.objects.existing().filter(group__deleted_at__isnull=True)
    if "endpoint" in ids:
        rows = existing.filter(pk=ids["endpoint"])
    else:
        rows = existing.filter(group=ids["group"]) if "group" in ids else existing.none()
    return list(rows.order_by("pk").values_list("pk", flat=True)[: MAX_ENDPOINTS + 1])


def _describe_figures(ids: Sequence[int], proposal: Proposal, page_number: str) -> dict[str, Any]:
    """Return the figures of one endpoint, or a page of those of many."""
    endpoints = Endpoint.objects.select_related("group").filter(pk__in=ids).order_by("group__name", "name", "pk")
    page: Page[Any] = Paginator(endpoints, ROWS_PER_PAGE).get_page(page_number)
    shown = list(page.object_list)
    interval = Interval(proposal.starts_at, proposal.ends_at)
    found = foresee_correction([each.pk for each in shown], interval, proposal.effect, now=read_database_clock())
    if found is None:
        return {"is_unmeasured": True, "rows_page": page}
    if len(ids) == 1:
        return {"figures": [row for each in shown for row in describe_foresight(found[each.pk])]}
    rows = [describe_endpoint_row(each, found[each.pk]) for each in shown]
    return {"rows": rows, "rows_page": page, "windows": name_windows()}


def _sign(request: HttpRequest, state: dict[str, Any]) -> str:
    return sign_state(state, purpose=_PURPOSE, user_id=request.user.pk or 0)
