"""Deploy hooks: what CI is to be told of them, once, and what is open of them now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.buttons import OPERATE
from healthcheck.admin.deploy_call import write_call
from healthcheck.admin.look.badges import draw_maintenance, draw_paused
from healthcheck.admin.look.bases import ModelFormBase
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.look.words import describe_instant
from healthcheck.admin.tell.told import MAX_NAMES_SHOWN, ToldAdmin
from healthcheck.models import DeployHook, DeployWindow
from healthcheck.models.clock import read_database_clock
from healthcheck.models.deploy import FORMER, SECRET, make_public_id
from healthcheck.models.secrets import SecretsError, seal_secrets
from healthcheck.notifiers.signatures import make_secret
from healthcheck.pipeline.deploy_secrets import revoke_former, rotate_secret
from healthcheck.pipeline.deploys import close_deploys, delete_hooks, read_end

# Of those that are over, on the page of the hook.
DEPLOYS_SHOWN = 20


class HookForm(ModelFormBase):
    class Meta:
        model = DeployHook
        fields = ("name", "is_enabled", "tags", "max_minutes", "is_public")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.instance.pk:
            self.instance.public_id = make_public_id()
            try:
                self.instance.sealed = seal_secrets({SECRET: make_secret()})
            except SecretsError as error:
                self.add_error(None, str(error))
        return cleaned


@admin.register(DeployHook)
class DeployHookAdmin(ToldAdmin):
    form = HookForm
    # Of maintenance: whoever ends windows ends these.
    operate_permission = OPERATE
    list_display = ("name", "standing", "tag_words", "max_minutes")
    empty_words = gettext_lazy(
        "With a deploy hook CI says when a deploy begins and ends; what carries its tags is in maintenance in between."
    )
    list_filter = ("is_enabled",)
    search_fields = ("name", "tags__name")
    autocomplete_fields = ("tags",)
    fieldsets = (
        (None, {"fields": ("name", "is_enabled")}),
        (gettext_lazy("What it covers"), {"fields": ("tags", "max_minutes")}),
        (gettext_lazy("Announcement"), {"fields": ("is_public",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        is_open = Q(deploys__closed_at__isnull=True, deploys__window__clock__open_until__gt=read_database_clock())
        rows: QuerySet[Any] = super().get_queryset(request).prefetch_related("tags")
        counted: QuerySet[Any] = rows.annotate(open_count=Count("deploys", filter=is_open, distinct=True))
        return counted

    @admin.display(description=gettext_lazy("condition"))
    def standing(self, obj: Any) -> SafeString | str:
        if obj.open_count:
            words = ngettext("%(count)s deploy is open", "%(count)s deploys are open", obj.open_count)
            return draw_maintenance(words % {"count": obj.open_count})
        return _("waits for a deploy") if obj.is_enabled else draw_paused(_("off"))

    @admin.display(description=gettext_lazy("tags"))
    def tag_words(self, obj: DeployHook) -> str:
        return ", ".join(tag.name for tag in obj.tags.all()) or _("none, so that it covers nothing")

    # Making and deleting.

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret, this once: the answer to a form, which no address leads back to."""
        response = super().response_add(request, obj, post_url_continue)
        if "_popup" in request.POST or not self.has_view_permission(request, obj):
            return response
        return self._show(request, obj, secret=obj.open_secrets()[SECRET])

    def delete_model(self, request: HttpRequest, obj: DeployHook) -> None:
        delete_hooks([obj.pk], read_database_clock())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        delete_hooks(list(queryset.values_list("pk", flat=True)), read_database_clock())

    def describe_loss(self, objs: Sequence[Any] | QuerySet[Any]) -> list[str]:
        running = DeployWindow.objects.running(read_database_clock()).filter(hook__in=[each.pk for each in objs])
        names = running.order_by("pk").values_list("deploy", flat=True)[:MAX_NAMES_SHOWN]
        return [_("“%(name)s” is open, and ends now") % {"name": each} for each in names]

    # Its page, and the buttons there.

    def get_tools(self, request: HttpRequest, obj: DeployHook) -> list[Tool]:
        return [*super().get_tools(request, obj), Tool(_("Calls and deploys"), self.url_of("calls", obj.pk))]

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., Any]] = {
            "calls": self.guard_page(self.calls_view),
            "rotate": self.guard_button(self.rotate_view, needs="change"),
            "revoke": self.guard_button(self.revoke_view, needs="change"),
            "close": self.guard_button(self.close_view),
        }
        own = [path(f"<int:pk>/{name}/", view, name=self._url_name(name)) for name, view in views.items()]
        return [*own, *super().get_urls()]

    def calls_view(self, request: HttpRequest, obj: DeployHook) -> HttpResponse:
        return self._show(request, obj)

    def rotate_view(self, request: HttpRequest, obj: DeployHook) -> HttpResponse:
        """Make a new secret and show it, this once: the answer to a button, which no address leads back to."""
        try:
            secret = rotate_secret(obj.pk)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return redirect(self.url_of("calls", obj.pk))
        self.log_change(request, obj, _("New secret."))
        obj.refresh_from_db()
        return self._show(request, obj, secret=secret)

    def revoke_view(self, request: HttpRequest, obj: DeployHook) -> HttpResponse:
        try:
            is_revoked = revoke_former(obj.pk)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return redirect(self.url_of("calls", obj.pk))
        if is_revoked:
            self.log_change(request, obj, _("Former secret revoked."))
            self.message_user(request, _("The former secret is not valid any more."), messages.SUCCESS)
        else:
            self.message_user(request, _("There is no former secret."), messages.WARNING)
        return redirect(self.url_of("calls", obj.pk))

    def close_view(self, request: HttpRequest, obj: DeployHook) -> HttpResponse:
        chosen = request.POST.get("deploy", "")
        deploy_id = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) <= 18 else 0
        if close_deploys(DeployWindow.objects.filter(hook=obj, pk=deploy_id), read_database_clock()):
            self.message_user(request, _("The deploy is closed."), messages.SUCCESS)
        else:
            self.message_user(request, _("It is not open any more."), messages.WARNING)
        return redirect(self.url_of("calls", obj.pk))

    def _show(self, request: HttpRequest, obj: DeployHook, **shown: Any) -> HttpResponse:
        now = read_database_clock()
        may_change, may_operate = self.has_change_permission(request, obj), self.has_operate_permission(request, obj)
        names, fault = _read_names(obj)
        rows = DeployWindow.objects.filter(hook=obj).select_related("window__clock").order_by("-id")
        is_running = DeployWindow.objects.running(now).filter(hook=obj)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Calls and deploys of %(name)s") % {"name": obj},
            "opts": self.opts,
            "object": obj,
            "fault": fault,
            "has_former": FORMER in names,
            "open": [_describe(each) for each in rows.filter(pk__in=is_running)],
            "over": [_describe(each) for each in rows.exclude(pk__in=is_running)[:DEPLOYS_SHOWN]],
            "rotate_url": self.url_of("rotate", obj.pk) if may_change and FORMER not in names else "",
            "revoke_url": self.url_of("revoke", obj.pk) if may_change and FORMER in names else "",
            "close_url": self.url_of("close", obj.pk) if may_operate else "",
            **_describe_address(request, obj),
            **shown,
        }
        return TemplateResponse(request, "admin/healthcheck/deploy_hook.html", context)


def _read_names(hook: DeployHook) -> tuple[frozenset[str], str]:
    """Return which secrets are stored, or why that cannot be said."""
    try:
        return frozenset(hook.open_secrets()), ""
    except SecretsError as error:
        return frozenset(), str(error)


def _describe(deploy: DeployWindow) -> dict[str, Any]:
    window_url = reverse("admin:healthcheck_maintenancewindow_change", args=[deploy.window_id])
    return {
        "pk": deploy.pk,
        "name": deploy.deploy,
        "url": window_url,
        "title": deploy.window.title,
        "opened_at": describe_instant(deploy.opened_at),
        "ends_at": describe_instant(read_end(deploy)),
    }


def _describe_address(request: HttpRequest, hook: DeployHook) -> dict[str, Any]:
    try:
        url = request.build_absolute_uri(reverse("healthcheck:deploys", args=[hook.public_id]))
    except NoReverseMatch:
        return {"no_address": _("This project does not include the addresses of the app; include them, then make one.")}
    return {"address": url, "call": write_call(url)}
