"""Locations: a plain form."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from healthcheck.admin.forms.location_forms import LocationForm
from healthcheck.admin.versioned import VersionedAdmin
from healthcheck.models import Location


@admin.register(Location)
class LocationAdmin(VersionedAdmin):
    """Runs and states hang on locations, so they are never deleted here."""

    form = LocationForm
    list_display = ("name", "slug")
    empty_words = gettext_lazy("A location is where workers check from.")

    def get_readonly_fields(self, request: HttpRequest, obj: Location | None = None) -> tuple[str, ...]:
        # The slug says which location is the default one.
        return ("slug",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Location | None = None) -> bool:
        return False
