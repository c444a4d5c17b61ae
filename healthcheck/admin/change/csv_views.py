"""CSV out and in: the filtered list as a file, and a file as a plan that is shown before it is applied."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.change.plan_pages import describe_plan, name_count, warn_of_changes
from healthcheck.admin.change.selections import read_state, sign_state
from healthcheck.admin.fields.uploads import UploadGuard
from healthcheck.admin.kind_rights import may_use_any_kind
from healthcheck.admin.versioned import VersionedAdmin
from healthcheck.definitions.csv_columns import COLUMNS, KEY_COLUMNS
from healthcheck.definitions.csv_export import write_csv
from healthcheck.definitions.csv_import import plan_rows
from healthcheck.definitions.csv_reading import MAX_FILE_BYTES, read_csv
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.kind_use import refuse_kinds
from healthcheck.definitions.plans import MAX_ROWS, Plan, PlanChangedError, apply_plan
from healthcheck.models import ImportFile, VersionAction
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.prune import IMPORT_RETENTION

# How many files of one person wait; an older one makes room.
MAX_WAITING = 3
_MEGABYTES = MAX_FILE_BYTES // 1024 // 1024


class CsvAdmin(VersionedAdmin):
    change_list_template = "admin/healthcheck/definitions_change_list.html"

    # Out.

    @admin.action(permissions=["view"], description=gettext_lazy("Export selected %(verbose_name_plural)s as CSV"))
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        return self._export(request, list(queryset.values_list("pk", flat=True)))

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the list as it is filtered by the query string."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return redirect(self._name("changelist"))
        return self._export(request, list(rows.values_list("pk", flat=True)))

    def _export(self, request: HttpRequest, ids: Sequence[int]) -> HttpResponseBase:
        pieces = write_csv(self.model, ids, shows_hidden=self.has_change_permission(request))
        response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.opts.model_name}s.csv"'
        response["Cache-Control"] = "no-store"
        return response

    # In.

    def receive_view(self, request: HttpRequest) -> HttpResponseBase:
        """Set the bound on the upload before anything reads the request, the check of its token included."""
        self._refuse_strangers(request)
        guard = UploadGuard(request, max_bytes=MAX_FILE_BYTES)
        request.upload_handlers.insert(0, guard)

        def receive(request: HttpRequest) -> HttpResponse:
            return self.import_view(request, guard)

        return csrf_protect(receive)(request)

    def import_view(self, request: HttpRequest, guard: UploadGuard) -> HttpResponse:
        if request.method != "POST":
            return self._show_import_form(request)
        try:
            upload = request.FILES.get("file")
            # Known only now: asking for the files is what receives them.
            if guard.is_over:
                raise DefinitionError(_("The file is larger than %(limit)s MB; split it.") % {"limit": _MEGABYTES})
            if "state" in request.POST:
                return self._confirm_import(request)
            return self._begin_import(request, upload)
        except DefinitionError as error:
            return self._show_import_form(request, str(error))

    def _refuse_strangers(self, request: HttpRequest) -> None:
        if not (self.has_change_permission(request) and self.has_add_permission(request)):
            raise PermissionDenied

    def _begin_import(self, request: HttpRequest, upload: Any) -> HttpResponse:
        if upload is None:
            raise DefinitionError(_("No file was chosen; choose one."))
        content = upload.read(MAX_FILE_BYTES + 1)
        plan = self._plan_import(request, content)
        now = read_database_clock()
        ImportFile.objects.filter(at__lt=now - IMPORT_RETENTION).delete()
        stored = ImportFile.objects.create(
            owner_id=request.user.pk or 0,
            kind=str(self.opts.model_name),
            name=str(upload.name or "")[:200],
            at=now,
            content=zlib.compress(content),
        )
        _keep_newest(stored.owner_id)
        return self._show_import_preview(request, stored, plan)

    def _confirm_import(self, request: HttpRequest) -> HttpResponse:
        state = read_state(request.POST["state"], purpose=self._purpose, user_id=request.user.pk or 0) or {}
        waiting = ImportFile.objects.filter(pk=state.get("file", 0), owner=request.user.pk, kind=self.opts.model_name)
        stored = waiting.first()
        if stored is None:
            raise DefinitionError(_("That file was applied or has waited too long; choose it again."))
        content = zlib.decompress(bytes(stored.content))
        plan = self._plan_import(request, content)
        if request.POST.get("step") != "apply":
            return self._show_import_preview(request, stored, plan, seen=state["digest"])
        ids = [draft.pk for draft in plan.changed if draft.pk is not None]
        comment = _("from %(name)s") % {"name": stored.name}
        change = partial(describe_change, request, action=VersionAction.IMPORTED, comment=comment)
        try:
            count = apply_plan(
                self.model,
                ids,
                lambda: self._plan_import(request, content),
                digest=state["digest"],
                change=change,
                slugs=plan.entered_slugs,
            )
        except PlanChangedError:
            sentence = _(
                "Something was changed after this page was shown, and nothing was applied: look it over again."
            )
            self.message_user(request, sentence, messages.WARNING)
            return self._show_import_preview(request, stored, self._plan_import(request, content))
        stored.delete()
        sentence = ngettext("%(things)s was imported.", "%(things)s were imported.", count)
        self.message_user(request, sentence % {"things": name_count(self.model, count)}, messages.SUCCESS)
        return redirect(self._name("changelist"))

    def _plan_import(self, request: HttpRequest, content: bytes) -> Plan:
        may_use = request.user.has_perm("healthcheck.view_credential")
        plan = plan_rows(self.model, read_csv(self.model, io.BytesIO(content)), may_use_credentials=may_use)
        if not may_use_any_kind(request):
            refuse_kinds(plan.changed)
        return plan

    def _show_import_form(self, request: HttpRequest, refusal: str = "") -> HttpResponse:
        context = {
            **self._describe_import(request),
            "refusal": refusal,
            "columns": [column.name for column in COLUMNS[self.model]],
            "keys": KEY_COLUMNS[self.model],
            "max_megabytes": _MEGABYTES,
            "max_rows": MAX_ROWS,
        }
        return TemplateResponse(request, "admin/healthcheck/import_form.html", context)

    def _show_import_preview(
        self, request: HttpRequest, stored: ImportFile, plan: Plan, *, seen: str = ""
    ) -> HttpResponse:
        warn_of_changes(request, plan, seen=seen)
        state = {"file": stored.pk, "digest": plan.digest}
        context = {
            **self._describe_import(request),
            **describe_plan(plan, request.POST.get("page", "1")),
            "file_name": stored.name,
            "state": sign_state(state, purpose=self._purpose, user_id=request.user.pk or 0),
        }
        return TemplateResponse(request, "admin/healthcheck/import_preview.html", context)

    def _describe_import(self, request: HttpRequest) -> dict[str, Any]:
        title = _("Import %(kind)s") % {"kind": self.opts.verbose_name_plural}
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "media": self.media}

    # Where they are.

    def get_urls(self) -> list[URLPattern]:
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        receive = self.admin_site.admin_view(csrf_exempt(self.receive_view))
        return [
            path("export/", self.admin_site.admin_view(self.export_view), name=f"{prefix}_export"),
            path("import/", receive, name=f"{prefix}_import"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        may_import = self.has_change_permission(request) and self.has_add_permission(request)
        return super().changelist_view(request, {"may_import": may_import, **(extra_context or {})})

    @property
    def _purpose(self) -> str:
        return f"import.{self.opts.model_name}"

    def _name(self, view: str) -> str:
        return f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{view}"


def _keep_newest(owner_id: int) -> None:
    waiting = ImportFile.objects.filter(owner=owner_id)
    newest = waiting.order_by("-pk").values_list("pk", flat=True)[:MAX_WAITING]
    waiting.exclude(pk__in=list(newest)).delete()
