"""The pages of versions: one object's history, the step back with what it changes, and what is deleted."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.change.version_history import compare_versions, load_deleted, load_history
from healthcheck.admin.history import Cursor
from healthcheck.admin.kind_rights import may_use_any_kind
from healthcheck.admin.look.bases import ModelAdminBase
from healthcheck.admin.look.field_words import describe_differences
from healthcheck.definitions.comparing import compare_documents
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.reverting import foresee, revert
from healthcheck.definitions.versions import find_versions, load_numbers
from healthcheck.models import Version

_MAX_NUMBER_DIGITS = 9
# The number of no version: whoever does not say what they have seen is taken to have seen something older.
_NOTHING_SEEN = -1


class HistoryViews(ModelAdminBase):
    """Takes the place of Django's own log."""

    change_list_template = "admin/healthcheck/versioned_change_list.html"
    # What a list without rows says, and where its first step leads.
    empty_words: Any = ""
    first_url = "add"

    def get_urls(self) -> list[URLPattern]:
        revert, deleted = (self.admin_site.admin_view(view) for view in (self.revert_view, self.deleted_view))
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("deleted/", deleted, name=f"{name}_deleted"),
            path("<int:pk>/history/<int:number>/revert/", revert, name=f"{name}_revert"),
            *super().get_urls(),
        ]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show who changed what and when; of what has been removed, too."""
        pk = self._parse_pk(object_id)
        obj = self._find(pk)
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        versions = find_versions(self.model, pk or 0)
        name = str(obj) if obj is not None else versions.values_list("name", flat=True).first()
        if name is None:
            raise Http404(_("It does not exist any more."))
        shows_hidden = self.has_change_permission(request, obj)
        cursor = Cursor.parse(request.GET.get("before", ""), request.GET.get("after", ""))
        page, rows = load_history(self.model, versions, cursor, shows_hidden=shows_hidden)
        chosen = request.GET.get("one", ""), request.GET.get("other", "")
        context = {
            **self._describe_object(request, obj, title=_("History of %(name)s") % {"name": name}),
            "may_change": obj is not None and shows_hidden,
            "page": page,
            "rows": rows,
            "compared": compare_versions(self.model, versions, chosen, shows_hidden=shows_hidden),
        }
        return TemplateResponse(request, "admin/healthcheck/version_history.html", context)

    def revert_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """Show what a step back changes, then make the old version the newest one."""
        obj = self._find(pk)
        if obj is None:
            raise Http404(_("It does not exist any more."))
        if not self.has_change_permission(request, obj):
            raise PermissionDenied
        version = find_versions(self.model, pk).filter(number=number).first()
        if version is None:
            raise Http404(_("There is no such version."))
        if request.method != "POST":
            return self._show_revert(request, obj, version)
        comment = _("Back to version %(number)s") % {"number": number}
        change = partial(describe_change, request, comment=comment)
        may_use = request.user.has_perm("healthcheck.view_credential")
        try:
            revert(
                self.model,
                version,
                change,
                may_use_credentials=may_use,
                may_use_any_kind=may_use_any_kind(request),
                seen=_read_seen(request),
            )
        except DefinitionError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, _("It is defined as in version %(number)s again.") % {"number": number})
        return redirect(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_history", pk)

    def deleted_view(self, request: HttpRequest) -> HttpResponse:
        """Show what was deleted, the last first, as long as anybody knows of it."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        page, rows = load_deleted(self.model, request.GET.get("page", "1"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Deleted %(kind)s") % {"kind": self.opts.verbose_name_plural},
            "opts": self.opts,
            "rows": rows,
            "rows_page": page,
            "may_change": self.has_change_permission(request),
        }
        return TemplateResponse(request, "admin/healthcheck/deleted.html", context)

    def _show_revert(self, request: HttpRequest, obj: Any, version: Version) -> HttpResponse:
        # Before the definition: what changes between the two is then on the page and refused, and never the other way.
        seen = load_numbers(self.model, [obj.pk])[obj.pk]
        before, after = foresee(self.model, version)
        changes = compare_documents(before, after, shows_hidden=True)
        title = _("Go back to version %(number)s of %(name)s?") % {"number": version.number, "name": obj}
        context = {
            **self._describe_object(request, obj, title=title),
            "number": version.number,
            "seen": seen,
            "changes": describe_differences(self.model, changes),
        }
        return TemplateResponse(request, "admin/healthcheck/revert.html", context)

    def _describe_object(self, request: HttpRequest, obj: Any, *, title: str) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "object": obj,
            "is_deleted": getattr(obj, "deleted_at", None) is not None,
        }

    def _find(self, pk: int | None) -> Any:
        return None if pk is None else self.model._default_manager.filter(pk=pk).first()

    def _parse_pk(self, object_id: str | None) -> int | None:
        try:
            return None if object_id is None else int(self.opts.pk.to_python(unquote(object_id)))
        except (ValidationError, ValueError):
            return None


def _read_seen(request: HttpRequest) -> int:
    seen = request.POST.get("seen", "")
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) <= _MAX_NUMBER_DIGITS else _NOTHING_SEEN
