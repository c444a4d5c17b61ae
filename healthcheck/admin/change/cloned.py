"""Copying by a button and by an action of the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.kind_rights import may_use_any_kind
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.operated import OperatedAdmin
from healthcheck.definitions.drafts import DefinitionError
from healthcheck.definitions.kind_use import refuse_kind
from healthcheck.definitions.versions import Change

# Of a list: more copies than that are made by an export and an import.
MAX_CLONES = 200


class ClonedAdmin(OperatedAdmin):
    def clone(self, ids: Sequence[int], change: Change) -> list[int]:
        """Copy these objects and return the ids of the copies. Raises DefinitionError."""
        raise NotImplementedError

    def list_kinds_of(self, ids: Sequence[int]) -> set[str]:
        """Return the kinds of the checks that copies of these objects would make."""
        return set()

    def has_clone_permission(self, request: HttpRequest) -> bool:
        """Whether the person may add all that a copy is made of."""
        return bool(self.has_add_permission(request))

    @admin.action(permissions=["clone"], description=gettext_lazy("Copy selected %(verbose_name_plural)s"))
    def clone_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ids = list(queryset.values_list("pk", flat=True)[: MAX_CLONES + 1])
        if len(ids) > MAX_CLONES:
            sentence = _("More than %(limit)s are selected; select fewer, or export and import them.")
            self.message_user(request, sentence % {"limit": MAX_CLONES}, messages.ERROR)
            return
        if copies := self._clone(request, ids):
            sentence = ngettext("%(count)s copy was made, paused.", "%(count)s copies were made, paused.", len(copies))
            self.message_user(request, sentence % {"count": len(copies)}, messages.SUCCESS)

    def clone_view(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if not self.has_clone_permission(request):
            raise PermissionDenied
        copies = self._clone(request, [obj.pk])
        if not copies:
            return redirect(self.url_of("change", obj.pk))
        sentence = _("This is a copy of “%(name)s”. It is paused: look it over, then resume it.")
        self.message_user(request, sentence % {"name": obj}, messages.SUCCESS)
        return redirect(self.url_of("change", copies[0]))

    def get_urls(self) -> list[URLPattern]:
        view = self.guard_button(self.clone_view, needs="change")
        return [path("<int:pk>/clone/", view, name=self._url_name("clone")), *super().get_urls()]

    def get_tools(self, request: HttpRequest, obj: Any) -> list[Tool]:
        tools = super().get_tools(request, obj)
        if self.has_clone_permission(request) and self.has_change_permission(request, obj):
            tools.append(Tool(_("Copy"), self.url_of("clone", obj.pk), is_button=True))
        return tools

    def _clone(self, request: HttpRequest, ids: Sequence[int]) -> list[int]:
        refusals = [] if may_use_any_kind(request) else [refuse_kind(kind) for kind in self.list_kinds_of(ids)]
        try:
            if sentence := next(filter(None, refusals), ""):
                raise DefinitionError(sentence)
            return self.clone(ids, describe_change(request, comment=_("copied")))
        except DefinitionError as error:
            self.message_user(request, str(error), messages.ERROR)
            return []
