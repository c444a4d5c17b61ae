"""Filters by state, which count expired evidence as unknown just as the lists do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.badges import WORST_FIRST
from healthcheck.admin.overview import filter_by_state
from healthcheck.engine.types import State
from healthcheck.models import Endpoint
from healthcheck.models.clock import read_database_clock


class EndpointStateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(state.word, state.word) for state in WORST_FIRST]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = [state for state in State if state.word == self.value()]
        return self.keep(queryset, chosen[0]) if chosen else queryset

    def keep(self, queryset: QuerySet[Any], state: State) -> QuerySet[Any]:
        return filter_by_state(queryset, state, read_database_clock())


class GroupStateFilter(EndpointStateFilter):
    """Groups that have a member in this state."""

    title = _("state of a member")

    def keep(self, queryset: QuerySet[Any], state: State) -> QuerySet[Any]:
        members = filter_by_state(Endpoint.objects.checked(), state, read_database_clock())
        return queryset.filter(pk__in=members.order_by().values("group_id"))
