"""What the admins of definitions share: every change becomes a version, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from healthcheck.admin.change.version_history import compare_versions, load_history
from healthcheck.admin.forms.versioned_forms import OWN_FIELDS, VersionedForm
from healthcheck.admin.history import Cursor
from healthcheck.admin.look.bases import ModelAdminBase
from healthcheck.definitions.documents import Document, read_documents
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.reverting import revert
from healthcheck.definitions.versions import (
    Change,
    find_deleted,
    find_versions,
    lock_rows,
    record_versions,
    recorded_locked,
)
from healthcheck.models import VersionAction
from healthcheck.models.clock import read_database_clock

Tracked = Sequence[tuple[type[Model], list[int]]]
Found = dict[type[Model], dict[int, Document]]


class VersionedAdmin(ModelAdminBase):
    """Records who changed what. Saving is refused on top of a newer version; see `versioned_forms`."""

    change_form_template = "admin/healthcheck/versioned_change_form.html"

    class Media:
        css = {"all": ("healthcheck/admin.css",)}

    def get_tracked(self, ids: Sequence[int], *, deleting: bool = False) -> Tracked:
        """Return what changes together with these objects, by model; all of it gets versions."""
        return [(self.model, list(ids))]

    def lock(self, ids: Sequence[int]) -> None:
        """Lock these objects and, before them, what they belong to."""
        lock_rows(self.model, ids)

    @contextmanager
    def recording(
        self, request: HttpRequest, ids: Sequence[int], *, action: int = VersionAction.CHANGED, comment: str = ""
    ) -> Iterator[None]:
        """Record what the block does to these objects and what changes with them."""
        with transaction.atomic(), ExitStack() as stack:
            # First these, so that nothing is added to them between the reading of what they hold and its end.
            self.lock(ids)
            tracked = self.get_tracked(ids, deleting=action == VersionAction.DELETED)
            for model, held in tracked:
                if model is not self.model:
                    lock_rows(model, held)
            change = describe_change(request, action=action, comment=comment)
            for model, held in tracked:
                stack.enter_context(recorded_locked(model, held, change))
            yield

    # Looking.

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allow what the list's own filters ask, and nothing else.

        Django lets the address ask any column of the row: a list that is empty or not then tells what a column holds
        that its reader may not see, and a regular expression runs in this process on SQLite.
        """
        filters = self.get_list_filter(request) if request is not None else self.list_filter
        return lookup in {name for each in filters for name in _name_parameters(each)}

    # Saving.

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (VersionedForm, form), {})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        # The template shows ours over the buttons, wherever the rest of the form stands.
        return [name for name in super().get_fields(request, obj) if name not in OWN_FIELDS]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        pk = self._parse_pk(object_id)
        if request.method != "POST" or pk is None:
            return super().changeform_view(request, object_id, *args, **kwargs)
        with transaction.atomic():
            # From here to the end nobody else saves it: what the form compares with still holds when it writes.
            self.lock([pk])
            tracked = self.get_tracked([pk])
            for model, ids in tracked:
                lock_rows(model, ids)
            found = {model: read_documents(model, ids) for model, ids in tracked}
            request.found_documents = found  # type: ignore[attr-defined]  # for `save_related`
            return super().changeform_view(request, object_id, *args, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        found: Found = getattr(request, "found_documents", {})
        step = describe_change(request, comment=form.cleaned_data.get("version_comment") or "")
        gone = describe_change(request, action=VersionAction.DELETED)
        for model, ids in self.get_tracked([form.instance.pk]):
            before = found.get(model, {})
            record_versions(model, before, read_documents(model, ids), step)
            removed = find_deleted(model, before.keys() - set(ids))
            record_versions(model, before, {pk: before[pk] for pk in removed}, gone)

    # Deleting.

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with self.recording(request, [obj.pk], action=VersionAction.DELETED):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        with self.recording(request, ids, action=VersionAction.DELETED):
            super().delete_queryset(request, queryset)

    # The history, in the place of Django's log.

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_revert"
        view = self.admin_site.admin_view(self.revert_view)
        return [path("<int:pk>/history/<int:number>/revert/", view, name=name), *super().get_urls()]

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show who changed what and when, deleted or not, as long as the row exists."""
        obj = self._find_row(self._parse_pk(object_id))
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        may_change = self.has_change_permission(request, obj)
        versions = find_versions(self.model, obj.pk)
        cursor = Cursor.parse(request.GET.get("before", ""), request.GET.get("after", ""))
        page, rows = load_history(self.model, versions, cursor, shows_hidden=may_change)
        chosen = request.GET.get("one", ""), request.GET.get("other", "")
        context = {
            **self.admin_site.each_context(request),
            "title": _("History of %(name)s") % {"name": obj},
            "opts": self.opts,
            "object": obj,
            "is_deleted": getattr(obj, "deleted_at", None) is not None,
            "may_change": may_change,
            "page": page,
            "rows": rows,
            "compared": compare_versions(self.model, versions, chosen, shows_hidden=may_change),
        }
        return TemplateResponse(request, "admin/healthcheck/version_history.html", context)

    def revert_view(self, request: HttpRequest, pk: int, number: int) -> HttpResponse:
        """Make an old version the newest one; what stands in the way is said on the history page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        obj = self._find_row(pk)
        if not self.has_change_permission(request, obj):
            raise PermissionDenied
        version = find_versions(self.model, pk).filter(number=number).first()
        if version is None:
            raise Http404(_("There is no such version."))
        comment = _("Back to version %(number)s") % {"number": number}
        try:
            may_use = request.user.has_perm("healthcheck.view_credential")
            revert(self.model, version, partial(describe_change, request, comment=comment), may_use_credentials=may_use)
        except DefinitionError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, _("It is defined as in version %(number)s again.") % {"number": number})
        return redirect(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_history", pk)

    def _find_row(self, pk: int | None) -> Any:
        obj = None if pk is None else self.model._default_manager.filter(pk=pk).first()
        if obj is None:
            raise Http404(_("It does not exist any more."))
        return obj

    def _parse_pk(self, object_id: str | None) -> int | None:
        try:
            return None if object_id is None else int(self.opts.pk.to_python(unquote(object_id)))
        except (ValidationError, ValueError):
            return None


def _name_parameters(offered: Any) -> tuple[str, ...]:
    """Return what a filter of a list is called in the address."""
    if isinstance(offered, str):
        return offered, f"{offered}__exact"
    return (offered.parameter_name,) if hasattr(offered, "parameter_name") else ()


def describe_change(request: HttpRequest, *, action: int = VersionAction.CHANGED, comment: str = "") -> Change:
    """Return who changes what in this request, and when."""
    user: Any = request.user
    name = user.get_full_name() or user.get_username()
    return Change(read_database_clock(), action=action, author_id=user.pk, author_name=name[:200], comment=comment)
