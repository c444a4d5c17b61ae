"""Where correcting begins: the page of an endpoint's corrections, the buttons of forms, the actions of lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.correct.effects import describe_correction, describe_length
from healthcheck.admin.correct.instants import round_outwards
from healthcheck.admin.correct.making import url_of_form
from healthcheck.admin.correct.rights import may_correct
from healthcheck.admin.correct.stretches import Stretch, find_covering, load_stretches
from healthcheck.admin.look.badges import draw_state
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.look.words import describe_instant
from healthcheck.admin.operated import OperatedAdmin
from healthcheck.engine.faults import SENTENCES
from healthcheck.engine.types import ErrorKind
from healthcheck.models import Correction, CorrectionEffect, Endpoint, EndpointGroup
from healthcheck.models.clock import read_database_clock
from healthcheck.pipeline.correct import MAX_ENDPOINTS
from healthcheck.pipeline.foresee import Interval

# The newest; the list has them all.
MAX_CORRECTIONS = 50


class CorrectedAdmin(OperatedAdmin):
    """The part of the admins of endpoints and groups from where they are corrected."""

    actions: Any = (*OperatedAdmin.actions, "correct_selected")

    def find_corrected(self, queryset: QuerySet[Any]) -> QuerySet[Endpoint]:
        """Return the endpoints that the rows of this list stand for."""
        raise NotImplementedError

    def has_correct_permission(self, request: HttpRequest) -> bool:
        return may_correct(request.user)

    @admin.action(permissions=["correct"], description=gettext_lazy("Correct selected %(verbose_name_plural)s…"))
    def correct_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        endpoints = self.find_corrected(queryset.order_by())
        ids = list(endpoints.order_by("pk").values_list("pk", flat=True)[: MAX_ENDPOINTS + 1])
        making: Any = self.admin_site.get_model_admin(Correction)
        response: HttpResponse = making.show_form(request, ids)
        return response


class CorrectedGroupAdmin(CorrectedAdmin):
    def find_corrected(self, queryset: QuerySet[EndpointGroup]) -> QuerySet[Endpoint]:
        return Endpoint.objects.existing().filter(group__in=queryset)

    def get_tools(self, request: HttpRequest, obj: EndpointGroup) -> list[Tool]:
        tools = super().get_tools(request, obj)
        url = f"{reverse(f'{self.admin_site.name}:healthcheck_correction_make')}?group={obj.pk}"
        return [*tools, Tool(_("Correct…"), url)] if may_correct(request.user) else tools


class CorrectedEndpointAdmin(CorrectedAdmin):
    def find_corrected(self, queryset: QuerySet[Endpoint]) -> QuerySet[Endpoint]:
        return Endpoint.objects.filter(pk__in=queryset.values("pk"))

    def get_urls(self) -> list[URLPattern]:
        view = self.guard_page(self.corrections_view)
        return [path("<int:pk>/corrections/", view, name=self._url_name("corrections")), *super().get_urls()]

    def get_tools(self, request: HttpRequest, obj: Endpoint) -> list[Tool]:
        return [*super().get_tools(request, obj), Tool(_("Corrections"), self.url_of("corrections", obj.pk))]

    def corrections_view(self, request: HttpRequest, obj: Endpoint) -> HttpResponse:
        """Show when the endpoint was not up, what was corrected, and the way to correct more."""
        now, site = read_database_clock(), self.admin_site.name
        corrections = list(Correction.objects.filter(endpoint_id=obj.pk).order_by("-pk")[: MAX_CORRECTIONS + 1])
        standing = [each for each in corrections if each.withdrawn_at is None]
        may = may_correct(request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Corrections of %(name)s") % {"name": obj},
            "opts": self.opts,
            "object": obj,
            "may_correct": may,
            "make_url": url_of_form(site, obj.pk),
            "list_url": f"{reverse(f'{site}:healthcheck_correction_changelist')}?endpoint={obj.pk}",
            "has_more": len(corrections) > MAX_CORRECTIONS,
            "corrections": [describe_correction(each, {obj.pk: obj.name}) for each in corrections[:MAX_CORRECTIONS]],
            "stretches": [self._describe_stretch(obj.pk, each, standing, now) for each in load_stretches(obj.pk)],
        }
        return TemplateResponse(request, "admin/healthcheck/corrections.html", context)

    def _describe_stretch(
        self, endpoint_id: int, stretch: Stretch, standing: Sequence[Correction], now: datetime
    ) -> dict[str, Any]:
        end = stretch.end or now
        start, until = round_outwards(stretch.start, end)
        # What still lasts is corrected up to now: what comes next is not over.
        interval = Interval(start, until if stretch.end else end.replace(microsecond=0))
        covering = find_covering(stretch, standing, now)
        return {
            "badge": draw_state(stretch.state),
            "start": describe_instant(stretch.start),
            "end": describe_instant(stretch.end),
            "lasted": describe_length((end - stretch.start).total_seconds()),
            "reason": _(SENTENCES[ErrorKind(stretch.error_kind)]) if stretch.error_kind else "",
            "location": stretch.location,
            "corrected": CorrectionEffect(covering.effect).label if covering else "",
            "url": url_of_form(self.admin_site.name, endpoint_id, interval),
        }
