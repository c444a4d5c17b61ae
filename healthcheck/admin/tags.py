"""Tags: their list with how often each is used. They are made where they are written, in the forms of what has them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from healthcheck.admin.fields.tag_fields import TagForm
from healthcheck.admin.versioned import VersionedAdmin
from healthcheck.models import Tag


@admin.register(Tag)
class TagAdmin(VersionedAdmin):
    form = TagForm
    list_display = ("name", "group_count", "endpoint_count")
    empty_words = gettext_lazy(
        "A tag names what endpoints and groups have in common, such as production. Policies, windows and "
        "filters choose by it."
    )
    search_fields = ("name",)
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(
                groups_tagged=Count("groups", distinct=True, filter=Q(groups__deleted_at__isnull=True)),
                endpoints_tagged=Count("endpoints", distinct=True, filter=Q(endpoints__deleted_at__isnull=True)),
            )
        )
        return rows

    @admin.display(description=gettext_lazy("groups"), ordering="groups_tagged")
    def group_count(self, obj: Any) -> int:
        return int(obj.groups_tagged)

    @admin.display(description=gettext_lazy("endpoints"), ordering="endpoints_tagged")
    def endpoint_count(self, obj: Any) -> int:
        return int(obj.endpoints_tagged)
