"""The endpoints inside the form of their group."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from healthcheck.admin.fields.text_fields import join_assertions
from healthcheck.admin.forms.endpoint_forms import EndpointFormSet, EndpointInlineForm
from healthcheck.admin.forms.versioned_forms import VERSION_FIELD
from healthcheck.admin.kind_rights import may_use_any_kind
from healthcheck.admin.look.badges import draw_paused, draw_state
from healthcheck.admin.look.bases import StackedInlineBase
from healthcheck.admin.overview import overall_state
from healthcheck.definitions.labels import name_kind
from healthcheck.engine.masking import mask_url
from healthcheck.models import Endpoint
from healthcheck.models.clock import read_database_clock

# Django refuses a form of more than 1,000 fields (DATA_UPLOAD_MAX_NUMBER_FIELDS), and nobody edits more on one page; a
# larger group's endpoints are edited from their own list.
MAX_INLINE_ENDPOINTS = 50


# What people who may only look see in the place of a field.
_MASKED: Mapping[Any, str] = {"kind": "kind_words", "address": "masked_address"}


class EndpointInline(StackedInlineBase):
    model = Endpoint
    form = EndpointInlineForm
    formset = EndpointFormSet
    extra = 0
    max_num = MAX_INLINE_ENDPOINTS
    show_change_link = True
    readonly_fields = ("state", "kind_words", "masked_address")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "state"),
                    "kind",
                    "address",
                    "timeout_seconds",
                    ("failure_threshold", "recovery_threshold"),
                    ("position", "is_paused"),
                    "assertions",
                    VERSION_FIELD,
                )
            },
        ),
    )

    class Media:
        js = ("healthcheck/kinds.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).filter(deleted_at__isnull=True)
        return rows.select_related("credential").prefetch_related("states", "assertions")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.may_use_any_kind = may_use_any_kind(request)  # type: ignore[attr-defined]  # of ours
        formset.form.may_use_credentials = request.user.has_perm("healthcheck.view_credential")  # type: ignore[attr-defined]  # of ours
        return formset

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return fieldsets
        # To people who may only look, Django shows a hidden field as an empty line.
        return [(name, {"fields": _show_masked(options["fields"])}) for name, options in fieldsets]

    def get_extra(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> int:
        return 0 if obj else 1

    @cached_property
    def seen_at(self) -> datetime:
        """One reading of the clock for all rows: Django makes an inline per request."""
        return read_database_clock()

    @admin.display(description=_("state"))
    def state(self, obj: Endpoint) -> str:
        if obj.pk is None:
            return "–"
        badge = draw_state(overall_state(obj.states.all(), self.seen_at))
        return format_html("{} {}", badge, draw_paused()) if obj.is_paused else badge

    @admin.display(description=_("kind"))
    def kind_words(self, obj: Endpoint) -> str:
        return name_kind(obj.kind)

    @admin.display(description=_("address"))
    def masked_address(self, obj: Endpoint) -> str:
        return mask_url(obj.address)

    @admin.display(description=_("assertions"))
    def assertions(self, obj: Endpoint) -> SafeString:
        """Shown in place of the form's field to people who may only look."""
        return format_html('<pre class="hc-text">{}</pre>', join_assertions(obj))


def _show_masked(fields: Any) -> tuple[Any, ...]:
    return tuple(_MASKED.get(each, each) for each in fields if each != VERSION_FIELD)
