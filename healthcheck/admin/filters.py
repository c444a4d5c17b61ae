"""Filters of the lists. Expired evidence counts as unknown, just as in the lists themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.look.badges import STATE_WORDS, WORST_FIRST
from healthcheck.admin.overview import filter_by_state
from healthcheck.engine.probes import list_kinds
from healthcheck.engine.types import ErrorKind, State
from healthcheck.models import Credential, Endpoint, EndpointGroup, EndpointState, Tag
from healthcheck.models.clock import read_database_clock

# More than anybody looks through; the search of the list finds the others.
MAX_TAGS_OFFERED = 200
MAX_GROUPS_OFFERED = MAX_CREDENTIALS_OFFERED = 50


class EndpointStateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(state.word, str(STATE_WORDS[state])) for state in WORST_FIRST]

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
        return self.keep(queryset, Tag.objects.filter(pk=int(chosen))) if is_key(chosen) else queryset

    def keep(self, queryset: QuerySet[Any], chosen: QuerySet[Tag]) -> QuerySet[Any]:
        return queryset.filter(pk__in=chosen.values("groups"))


class EndpointTagFilter(GroupTagFilter):
    """Endpoints that have the tag themselves or through their group."""

    def keep(self, queryset: QuerySet[Any], chosen: QuerySet[Tag]) -> QuerySet[Any]:
        return queryset.filter(Q(pk__in=chosen.values("endpoints")) | Q(group__in=chosen.values("groups")))


class KindFilter(admin.SimpleListFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(kind, kind) for kind in list_kinds()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in list_kinds() else queryset


class RestFilter(admin.SimpleListFilter):
    """Whether anything is checked: an endpoint rests with its group as well."""

    title = _("paused")
    parameter_name = "rests"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("0", _("no")), ("1", _("yes, alone or with its group"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        rests = Q(is_paused=True) | Q(group__is_paused=True)
        return {"0": queryset.exclude(rests), "1": queryset.filter(rests)}.get(self.value() or "", queryset)


class ErrorFilter(admin.SimpleListFilter):
    """What the last result failed with, wherever from; “certificate” finds what is wrong with certificates."""

    title = _("last error")
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(kind.word, kind.word.replace("_", " ")) for kind in ErrorKind if kind is not ErrorKind.OTHER]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = [kind for kind in ErrorKind if kind.word == self.value()]
        if not chosen:
            return queryset
        return queryset.filter(pk__in=EndpointState.objects.filter(last_error_kind=chosen[0]).values("endpoint"))


class GroupFilter(admin.SimpleListFilter):
    """The first groups by name of the list, and whichever is chosen: a thousand links are no choice."""

    title = _("group")
    parameter_name = "group__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        groups = EndpointGroup.objects.existing()
        offered = list(groups.values_list("pk", "name")[:MAX_GROUPS_OFFERED])
        chosen = request.GET.get(self.parameter_name, "")
        if is_key(chosen) and int(chosen) not in dict(offered):
            offered += groups.filter(pk=int(chosen)).values_list("pk", "name")
        return [(str(pk), name) for pk, name in offered]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or ""
        return queryset.filter(group=int(chosen)) if is_key(chosen) else queryset


class CredentialFilter(admin.SimpleListFilter):
    """For people who may see credentials; there is nothing to choose for others."""

    title = _("credential")
    parameter_name = "credential"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        if not request.user.has_perm("healthcheck.view_credential"):
            return []
        offered = list(Credential.objects.values_list("pk", "name")[:MAX_CREDENTIALS_OFFERED])
        return [("none", _("none")), *((str(pk), name) for pk, name in offered)] if offered else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or ""
        if chosen == "none":
            return queryset.filter(credential__isnull=True)
        return queryset.filter(credential=int(chosen)) if is_key(chosen) else queryset


def is_key(text: str) -> bool:
    """Whether this is a key that every database can compare: nine digits are more than there are rows."""
    return text.isascii() and text.isdigit() and len(text) <= 9
