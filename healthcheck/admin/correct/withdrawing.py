"""Taking corrections back: a page that says which and what it changes, and a button. The rows stay and say by whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.change.selections import pack_ids, read_state, sign_state, unpack_ids
from healthcheck.admin.correct.effects import describe_conflicts, describe_foresight
from healthcheck.admin.correct.rights import may_correct
from healthcheck.admin.look.bases import ModelAdminBase
from healthcheck.models import Correction, Endpoint
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.correct import Author, withdraw_corrections
from healthcheck.pipeline.foresee import foresee_withdrawal

_PURPOSE = "withdraw"
# As many as one outage of one's own makes.
MAX_WITHDRAWN = 1000


class WithdrawingViews(ModelAdminBase):
    """The part of the corrections' admin that withdraws them."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.withdraw_view)
        return [path("withdraw/", view, name="healthcheck_correction_withdraw"), *super().get_urls()]

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_correct(request.user)

    @admin.action(permissions=["operate"], description=gettext_lazy("Withdraw selected %(verbose_name_plural)s…"))
    def withdraw_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        ids = list(queryset.order_by().values_list("pk", flat=True)[: MAX_WITHDRAWN + 1])
        if len(ids) > MAX_WITHDRAWN:
            sentence = _("More than %(limit)s are selected; narrow the list with a filter and withdraw in parts.")
            self.message_user(request, sentence % {"limit": MAX_WITHDRAWN}, messages.ERROR)
            return None
        return self._ask(request, ids)

    def withdraw_view(self, request: HttpRequest) -> HttpResponseBase:
        """Ask about the correction that the address names; take back what was asked about."""
        if not may_correct(request.user):
            raise PermissionDenied
        if request.method != "POST":
            asked = request.GET.get("correction", "")
            return self._ask(request, [int(asked)] if asked.isascii() and asked.isdigit() and len(asked) < 19 else [])
        state = read_state(request.POST.get("state", ""), purpose=_PURPOSE, user_id=request.user.pk or 0)
        if state is None:
            self.message_user(request, _("That page is too old; select again."), messages.WARNING)
            return redirect(self._withdrawn_url([]))
        ids = unpack_ids(state["ids"])
        self._withdraw(request, ids)
        return redirect(self._withdrawn_url(ids))

    def _withdraw(self, request: HttpRequest, ids: Sequence[int]) -> None:
        change = describe_change(request)
        try:
            count = withdraw_corrections(ids, author=Author(change.author_name), now=change.at)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return
        if count:
            sentence = ngettext("%(count)s correction was withdrawn.", "%(count)s corrections were withdrawn.", count)
            self.message_user(request, sentence % {"count": count}, messages.SUCCESS)
        if count < len(ids):
            others = len(ids) - count
            sentence = ngettext(
                "%(count)s had been withdrawn before, by somebody else.",
                "%(count)s had been withdrawn before, by somebody else.",
                others,
            )
            self.message_user(request, sentence % {"count": others}, messages.WARNING)

    def _ask(self, request: HttpRequest, ids: Sequence[int]) -> HttpResponse:
        standing = Correction.objects.standing().filter(pk__in=ids)
        found = sorted(standing.values_list("pk", flat=True))
        if not found:
            self.message_user(request, _("There is nothing of it left to withdraw."), messages.WARNING)
            return redirect(self._withdrawn_url([]))
        only = standing.get(pk=found[0]) if len(found) == 1 else None
        seen = foresee_withdrawal(only, now=read_database_clock()) if only else None
        things = ngettext("Withdraw %(count)s correction?", "Withdraw %(count)s corrections?", len(found))
        context = {
            **self.admin_site.each_context(request),
            "title": things % {"count": len(found)},
            "opts": self.opts,
            "media": self.media,
            "corrections": describe_conflicts(standing),
            "figures": describe_foresight(seen) if seen else [],
            "is_unmeasured": only is not None and seen is None,
            "state": sign_state({"ids": pack_ids(found)}, purpose=_PURPOSE, user_id=request.user.pk or 0),
            "cancel_url": self._withdrawn_url(found),
        }
        return TemplateResponse(request, "admin/healthcheck/correction_withdraw.html", context)

    def _withdrawn_url(self, ids: Sequence[int]) -> str:
        """Return the page of the endpoint where it was one correction, else the list."""
        of_ids = Correction.objects.filter(pk__in=ids).values("endpoint_id")
        endpoint = Endpoint.objects.filter(pk__in=of_ids, deleted_at=None, group__deleted_at=None).first()
        if len(ids) == 1 and endpoint is not None:
            return reverse(f"{self.admin_site.name}:healthcheck_endpoint_corrections", args=[endpoint.pk])
        return reverse(f"{self.admin_site.name}:healthcheck_correction_changelist")
