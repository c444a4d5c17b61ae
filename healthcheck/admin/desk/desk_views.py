"""The start page by itself, for a screen on the wall; the admin's index shows the same above everything else."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from healthcheck.admin.desk.desk_page import describe_desk, may_see_desk
from healthcheck.admin.operated import OperatedAdmin


class DeskViews(OperatedAdmin):
    """The part of the group's admin that shows the start page by itself."""

    def get_urls(self) -> list[URLPattern]:
        return [path("desk/", self.admin_site.admin_view(self.desk_view), name="healthcheck_desk"), *super().get_urls()]

    def desk_view(self, request: HttpRequest) -> HttpResponseBase:
        """Show the desk alone; with `?part` only its inside, for the page that follows it."""
        if not may_see_desk(request.user):
            raise PermissionDenied
        request.current_app = self.admin_site.name  # read by the tag {% url %}
        if "part" in request.GET:
            return TemplateResponse(request, "admin/healthcheck/desk_body.html", describe_desk(request))
        context = {**self.admin_site.each_context(request), "title": _("Start page")}
        return TemplateResponse(request, "admin/healthcheck/desk.html", context)
