"""Dependencies: what cannot be up while something else is down."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.admin.tell.told import ToldAdmin
from healthcheck.models import Dependency

_SIDES = ("child_group", "child_endpoint", "parent_group", "parent_endpoint")


class DependencyForm(ModelFormBase):
    class Meta:
        model = Dependency
        fields = _SIDES


@admin.register(Dependency)
class DependencyAdmin(ToldAdmin):
    form = DependencyForm
    list_display = ("child", "parent")
    empty_words = gettext_lazy(
        "A dependency says that something cannot be up while something else is down, so that you are told of "
        "the one that broke."
    )
    search_fields = tuple(f"{side}__name" for side in _SIDES)
    autocomplete_fields = _SIDES
    fieldsets = (
        (gettext_lazy("What depends on something: a group or an endpoint"), {"fields": _SIDES[:2]}),
        (gettext_lazy("On what: a group or an endpoint"), {"fields": _SIDES[2:]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related(*_SIDES)
        return rows

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        with transaction.atomic():
            Dependency.objects.hold()
            return super().changeform_view(request, *args, **kwargs)

    @admin.display(description=gettext_lazy("child"))
    def child(self, obj: Dependency) -> str:
        return _name_side(obj.child_group, obj.child_endpoint)

    @admin.display(description=gettext_lazy("depends on"))
    def parent(self, obj: Dependency) -> str:
        return _name_side(obj.parent_group, obj.parent_endpoint)


def _name_side(group: Any, endpoint: Any) -> str:
    if group is not None:
        return _("group %(name)s") % {"name": group.name}
    return str(endpoint.name) if endpoint is not None else "–"
