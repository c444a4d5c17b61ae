"""Filters of the list of incidents."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from healthcheck.admin.tell.words import SEVERITY_WORDS
from healthcheck.engine.incidents import Severity
from healthcheck.models.clock import read_database_clock


class StandingFilter(admin.SimpleListFilter):
    title = gettext_lazy("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [
            ("open", gettext_lazy("open")),
            ("waiting", gettext_lazy("open, and nobody cares for it")),
            ("mine", gettext_lazy("open, and assigned to me")),
            ("resolved", gettext_lazy("resolved")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        rows: Any = queryset
        chosen = self.value()
        if chosen == "open":
            return rows.open()
        if chosen == "waiting":
            return rows.waiting(read_database_clock())
        if chosen == "mine":
            return rows.open().filter(assignee=request.user.pk)
        return rows.filter(resolved_at__isnull=False) if chosen == "resolved" else rows


class SeverityFilter(admin.SimpleListFilter):
    title = gettext_lazy("severity")
    parameter_name = "severity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(severity.word, SEVERITY_WORDS[severity]) for severity in reversed(Severity)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = [severity.value for severity in Severity if severity.word == self.value()]
        return queryset.filter(severity=chosen[0]) if chosen else queryset
