"""What the admins of channels, policies and dependencies share: they are small, and have Django's own log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from healthcheck.admin.buttons import ButtonViews
from healthcheck.admin.operated import changed_columns
from healthcheck.admin.tell.rights import OPERATE_INCIDENTS
from healthcheck.admin.versioned import name_parameters

# A confirmation that lists more names than a person reads only costs time.
MAX_NAMES_SHOWN = 100


class ToldAdmin(ButtonViews):
    operate_permission = OPERATE_INCIDENTS
    change_list_template = "admin/healthcheck/list.html"
    # What a list without rows says, and where its first step leads.
    empty_words: Any = ""
    first_url = "add"
    list_per_page = 50

    class Media:
        css = {"all": ("healthcheck/admin.css",)}

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Allow what the list's own filters ask, and nothing else; see `VersionedAdmin`."""
        filters = self.get_list_filter(request) if request is not None else self.list_filter
        return lookup in {name for each in filters for name in name_parameters(each)}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.save()
        elif columns := self.list_changed(form):
            obj.save(update_fields=columns)

    def list_changed(self, form: Any) -> list[str]:
        """Return the columns to write: others may have moved since the form was opened."""
        return changed_columns(form)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[Any]]:
        """Name what is deleted and what that changes: collecting what hangs on it would read every message."""
        count = objs.count() if isinstance(objs, QuerySet) else len(objs)
        shown: list[Any] = [f"{capfirst(str(self.opts.verbose_name))}: {each}" for each in objs[:MAX_NAMES_SHOWN]]
        shown += self.describe_loss(objs)
        missing = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        return shown, {str(self.opts.verbose_name_plural): count}, missing, []

    def describe_loss(self, objs: Sequence[Any] | QuerySet[Any]) -> list[str]:
        """Return a line for each thing that these objects leave behind."""
        return []
