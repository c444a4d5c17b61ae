"""What the admins of definitions share: every change becomes a version, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.change.histories import HistoryViews
from healthcheck.admin.forms.versioned_forms import OWN_FIELDS, VersionedForm
from healthcheck.definitions.documents import Document, read_documents
from healthcheck.definitions.versions import (
    find_deleted,
    lock_rows,
    record_versions,
    recorded_locked,
)
from healthcheck.models import VersionAction

Tracked = Sequence[tuple[type[Model], list[int]]]
Found = dict[type[Model], dict[int, Document]]


class VersionedAdmin(HistoryViews):
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
        return lookup in {name for each in filters for name in name_parameters(each)}

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


def name_parameters(offered: Any) -> tuple[str, ...]:
    """Return what a filter of a list is called in the address."""
    if isinstance(offered, str):
        return offered, f"{offered}__exact"
    return (offered.parameter_name,) if hasattr(offered, "parameter_name") else ()
