"""What the admins of things with buttons share: who may press them, and views of one object that are guarded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.urls import reverse
from django.utils.translation import gettext as _

from healthcheck.admin.look.bases import ModelAdminBase
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.versioned import VersionedAdmin

# Between viewing and editing; see `EndpointGroup.Meta.permissions`. It covers groups, their endpoints and maintenance.
OPERATE = "healthcheck.operate_endpointgroup"


class ButtonViews(ModelAdminBase):
    """Buttons and links over a form, whether it has versions or not."""

    change_form_template = "admin/healthcheck/buttons_change_form.html"
    # Between viewing and editing; Django knows no such thing.
    operate_permission = OPERATE

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the person may press the buttons. Who may change what they are about may do that as well."""
        operates = request.user.has_perm(self.operate_permission) and self.has_view_permission(request, obj)
        return operates or self.has_change_permission(request, obj)

    def get_tools(self, request: HttpRequest, obj: Any) -> list[Tool]:
        """Return the buttons and links over the form of `obj`."""
        return []

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **options: Any) -> HttpResponse:  # type: ignore[override]
        if (obj := options.get("obj")) is not None:
            context["tools"] = self.get_tools(request, obj)
        return super().render_change_form(request, context, **options)

    def guard_button(
        self, view: Callable[[HttpRequest, Any], HttpResponse], *, needs: str = "operate"
    ) -> Callable[..., HttpResponseBase]:
        """Wrap what a button does: POST only, by people with the permission `needs` for the object."""

        def press(request: HttpRequest, pk: int) -> HttpResponseBase:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            return view(request, self.find_permitted(request, pk, needs=needs))

        return self.admin_site.admin_view(press)

    def guard_page(
        self, view: Callable[[HttpRequest, Any], HttpResponse], *, needs: str = "view_or_change"
    ) -> Callable[..., HttpResponseBase]:
        """Wrap a page about one object, for people who may see it unless it `needs` another permission."""

        def show(request: HttpRequest, pk: int) -> HttpResponseBase:
            return view(request, self.find_permitted(request, pk, needs=needs))

        return self.admin_site.admin_view(show)

    def find_permitted(self, request: HttpRequest, pk: int, *, needs: str = "view_or_change") -> Any:
        """Return the object. Raises Http404 when it is gone and PermissionDenied for what the person may not do.

        `needs` names a method `has_..._permission`: view_or_change, operate, change, delete.
        """
        obj = self.get_object(request, str(pk))
        if obj is None:
            raise Http404(_("It does not exist any more."))
        if not getattr(self, f"has_{needs}_permission")(request, obj):
            raise PermissionDenied
        return obj

    def url_of(self, view: str, pk: int) -> str:
        return reverse(f"{self.admin_site.name}:{self._url_name(view)}", args=[pk])

    def _url_name(self, view: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{view}"


class ButtonAdmin(ButtonViews, VersionedAdmin):
    change_form_template = "admin/healthcheck/operated_change_form.html"
