"""Status pages and locations: plain forms."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import ManyToManyField
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest

from healthcheck.admin.versioned import VersionedAdmin
from healthcheck.models import EndpointGroup, Location, StatusPage


@admin.register(StatusPage)
class StatusPageAdmin(VersionedAdmin):
    list_display = ("title", "slug", "shows_all_groups")
    search_fields = ("title", "slug")
    prepopulated_fields = {"slug": ("title",)}
    filter_horizontal = ("groups",)
    fields = ("title", "slug", "description", "shows_all_groups", "groups")

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        kwargs["queryset"] = EndpointGroup.objects.existing()
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(Location)
class LocationAdmin(VersionedAdmin):
    """Runs and states hang on locations, so they are never deleted here."""

    list_display = ("name", "slug")

    def get_readonly_fields(self, request: HttpRequest, obj: Location | None = None) -> tuple[str, ...]:
        # The slug says which location is the default one.
        return ("slug",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Location | None = None) -> bool:
        return False
