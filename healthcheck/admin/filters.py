"""Filters by state, which count expired evidence as unknown just as the lists do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.badges import WORST_FIRST
from healthcheck.admin.overview import filter_by_state
from healthcheck.engine.types import State
from healthcheck.models import Endpoint, Tag
from healthcheck.models.clock import read_database_clock

# More than anybody looks through; the search of the list finds the others.
MAX_TAGS_OFFERED = 200


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


class GroupTagFilter(admin.SimpleListFilter):
    title = _("tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Tag.objects.values_list("pk", "name")[:MAX_TAGS_OFFERED]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or ""
        # Ten digits are more than a tag's key has.
        is_key = chosen.isascii() and chosen.isdigit() and len(chosen) <= 10
        return self.keep(queryset, Tag.objects.filter(pk=int(chosen))) if is_key else queryset

    def keep(self, queryset: QuerySet[Any], chosen: QuerySet[Tag]) -> QuerySet[Any]:
        return queryset.filter(pk__in=chosen.values("groups"))


class EndpointTagFilter(GroupTagFilter):
    """Endpoints that have the tag themselves or through their group."""

    def keep(self, queryset: QuerySet[Any], chosen: QuerySet[Tag]) -> QuerySet[Any]:
        return queryset.filter(Q(pk__in=chosen.values("endpoints")) | Q(group__in=chosen.values("groups")))
