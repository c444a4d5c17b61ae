"""Bulk edit: select, say what is to be done, see before and after of every row, apply all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.change.bulk_fields import BulkField
from healthcheck.admin.change.bulk_forms import BulkForm
from healthcheck.admin.change.plan_pages import describe_plan, name_count, warn_of_changes
from healthcheck.admin.change.selections import pack_ids, read_state, sign_state, unpack_ids
from healthcheck.admin.kind_rights import may_use_any_kind
from healthcheck.admin.versioned import VersionedAdmin
from healthcheck.definitions.edits import Edit
from healthcheck.definitions.kind_use import refuse_kinds
from healthcheck.definitions.plans import MAX_ROWS, Plan, PlanChangedError, apply_plan, plan_edits

_PURPOSE = "bulk"


class BulkAdmin(VersionedAdmin):
    def list_bulk_fields(self, request: HttpRequest) -> Sequence[BulkField]:
        raise NotImplementedError

    @admin.action(permissions=["change"], description=gettext_lazy("Edit selected %(verbose_name_plural)s…"))
    def edit_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        ids = list(queryset.order_by().values_list("pk", flat=True)[: MAX_ROWS + 1])
        if len(ids) > MAX_ROWS:
            sentence = _("More than %(limit)s are selected; narrow the list with a filter and edit in parts.")
            self.message_user(request, sentence % {"limit": MAX_ROWS}, messages.ERROR)
            return None
        return self._show_form(request, ids, BulkForm(bulk_fields=self.list_bulk_fields(request)))

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        """One address for all steps after the selection; what was done so far is in the signed state."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        state = self._read(request)
        if state is None:
            self.message_user(request, _("That page is too old; select again."), messages.WARNING)
            return redirect(self._list_url(request))
        ids = unpack_ids(state["ids"])
        step = request.POST.get("step", "")
        typed = request.POST if step == "preview" else QueryDict(state.get("typed", ""))
        form = BulkForm(typed, bulk_fields=self.list_bulk_fields(request))
        if step == "form" or not form.is_valid():
            return self._show_form(request, ids, form)
        edits: list[Edit] = form.cleaned_data["edits"]
        if step == "apply":
            return self._apply(request, ids, form, digest=state.get("digest", ""))
        return self._show_preview(request, ids, form, edits, seen=state.get("digest", ""))

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_bulk"
        return [path("edit/", self.admin_site.admin_view(self.bulk_view), name=name), *super().get_urls()]

    def _apply(self, request: HttpRequest, ids: Sequence[int], form: BulkForm, *, digest: str) -> HttpResponse:
        edits, comment = form.cleaned_data["edits"], form.cleaned_data["comment"]
        change = partial(describe_change, request, comment=comment or _("bulk edit"))
        try:
            plan = partial(self._plan, request, ids, edits)
            # Where they go is locked together with where they are.
            slugs = [str(edit.value) for edit in edits if edit.field == "group"]
            count = apply_plan(self.model, ids, plan, digest=digest, change=change, slugs=slugs)
        except PlanChangedError:
            sentence = _(
                "Something was changed after this page was shown, and nothing was applied: look it over again."
            )
            self.message_user(request, sentence, messages.WARNING)
            return self._show_preview(request, ids, form, edits)
        sentence = ngettext("%(things)s was changed.", "%(things)s were changed.", count)
        self.message_user(request, sentence % {"things": name_count(self.model, count)}, messages.SUCCESS)
        return redirect(self._list_url(request))

    def _list_url(self, request: HttpRequest) -> str:
        """Return the list as it was when the rows were selected."""
        url = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist")
        kept: dict[str, Any] = {"opts": self.opts, "preserved_filters": self.get_preserved_filters(request)}
        return str(add_preserved_filters(kept, url))

    def _plan(self, request: HttpRequest, ids: Sequence[int], edits: Sequence[Edit]) -> Plan:
        may_use = request.user.has_perm("healthcheck.view_credential")
        plan = plan_edits(self.model, ids, edits, may_use_credentials=may_use)
        if not may_use_any_kind(request):
            refuse_kinds(plan.changed)
        return plan

    def _show_form(self, request: HttpRequest, ids: Sequence[int], form: BulkForm) -> HttpResponse:
        context = {
            **self._describe_page(request),
            "form": form,
            "count": len(ids),
            "things": name_count(self.model, len(ids)),
            "state": self._sign(request, {"ids": pack_ids(ids)}),
        }
        return TemplateResponse(request, "admin/healthcheck/bulk_form.html", context)

    def _show_preview(
        self, request: HttpRequest, ids: Sequence[int], form: BulkForm, edits: Sequence[Edit], *, seen: str = ""
    ) -> HttpResponse:
        plan = self._plan(request, ids, edits)
        warn_of_changes(request, plan, seen=seen)
        typed = QueryDict(mutable=True)
        for name in form.fields:
            if name in form.data:
                typed[name] = form.data[name]
        state = {"ids": pack_ids(ids), "typed": typed.urlencode(), "digest": plan.digest}
        context = {
            **self._describe_page(request),
            **describe_plan(plan, request.POST.get("page", "1")),
            "state": self._sign(request, state),
        }
        return TemplateResponse(request, "admin/healthcheck/bulk_preview.html", context)

    def _describe_page(self, request: HttpRequest) -> dict[str, Any]:
        title = _("Edit many %(kind)s") % {"kind": self.opts.verbose_name_plural}
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "media": self.media,
            "preserved_filters": self.get_preserved_filters(request),
        }

    def _sign(self, request: HttpRequest, state: dict[str, Any]) -> str:
        return sign_state(state, purpose=f"{_PURPOSE}.{self.opts.model_name}", user_id=request.user.pk or 0)

    def _read(self, request: HttpRequest) -> dict[str, Any] | None:
        token = request.POST.get("state", "")
        return read_state(token, purpose=f"{_PURPOSE}.{self.opts.model_name}", user_id=request.user.pk or 0)
