"""Channels: first the kind is chosen, then its own form is filled in. Secrets are written and never shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Case, Exists, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from healthcheck.admin.change.authorship import describe_change
from healthcheck.admin.look.badges import draw_paused, draw_state
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.look.words import NOTHING, describe_instant, describe_moment
from healthcheck.admin.tell.channel_forms import build_form, list_own_fields
from healthcheck.admin.tell.push_worker import PATH, show_worker
from healthcheck.admin.tell.told import MAX_NAMES_SHOWN, ToldAdmin
from healthcheck.engine.types import State
from healthcheck.models import (
    ChannelState,
    Delivery,
    DeliveryStatus,
    Notification,
    NotificationChannel,
    NotificationPolicy,
    NotificationStatus,
)
from healthcheck.models.clock import read_database_clock
from healthcheck.models.secrets import SecretsError
from healthcheck.notifiers import NOTIFIERS, describe_lack, load_notifier
from healthcheck.pipeline.channel_verbs import delete_channels, enable_again, queue_test
from healthcheck.publisher import PUBLISHER


class ChannelKindFilter(admin.SimpleListFilter):
    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [(kind, load_notifier(kind).label) for kind in NOTIFIERS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in NOTIFIERS else queryset


@admin.register(NotificationChannel)
class NotificationChannelAdmin(ToldAdmin):
    list_display = ("name", "kind_words", "condition", "last_sent")
    empty_words = gettext_lazy(
        "A channel is where people are told: a mailbox, a chat, a pager. Add one, test it, and name it in a policy."
    )
    list_filter = (ChannelKindFilter, "is_enabled", "is_about_ourselves")
    search_fields = ("name",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related("standing")
        awaited: QuerySet[Any] = rows.annotate(next_try_at=_find_next_try())
        return awaited

    # What is known of it without a secret.

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def kind_words(self, obj: NotificationChannel) -> str:
        return load_notifier(obj.kind).label if obj.kind in NOTIFIERS else obj.kind or "–"

    @admin.display(description=gettext_lazy("condition"))
    def condition(self, obj: Any) -> SafeString:
        standing = getattr(obj, "standing", None)
        if not obj.is_enabled:
            return draw_paused(_("off"))
        if standing is None or not (standing.last_sent_at or standing.failures or standing.disabled_at):
            return draw_state(State.UNKNOWN, word=_("never used"))
        if standing.disabled_at is None and not standing.failures:
            return draw_state(State.UP, word=_("works"))
        state, word = (State.DOWN, _("refused")) if standing.disabled_at else (State.DEGRADED, _("fails"))
        badge, when = draw_state(state, word=word), _describe_when(standing, getattr(obj, "next_try_at", None))
        return format_html('{} <br><span class="hc-quiet">{}{}</span>', badge, standing.last_error, when)

    @admin.display(description=gettext_lazy("last message"))
    def last_sent(self, obj: Any) -> SafeString | str:
        standing = getattr(obj, "standing", None)
        if standing is None or standing.last_sent_at is None:
            return NOTHING
        return format_html('<span class="hc-time">{}</span>', describe_moment(standing.last_sent_at))

    @admin.display(description=gettext_lazy("told by"))
    def used_by(self, obj: NotificationChannel) -> SafeString | str:
        shown = list(_find_policies([obj])[: MAX_NAMES_SHOWN + 1])
        if not shown:
            return _("no policy, so that nothing is sent to it")
        links = ((self._url_of_policy(each), each.name) for each in shown[:MAX_NAMES_SHOWN])
        lines = format_html_join("", '<li><a href="{}">{}</a></li>', links)
        return format_html(
            '<ul class="hc-users">{}</ul>{}', lines, _("and more") if len(shown) > MAX_NAMES_SHOWN else ""
        )

    def _url_of_policy(self, policy: NotificationPolicy) -> str:
        return reverse(f"{self.admin_site.name}:healthcheck_notificationpolicy_change", args=[policy.pk])

    @admin.display(description=gettext_lazy("secrets"))
    def secrets_words(self, obj: NotificationChannel) -> str:
        try:
            return _("usable") if obj.open_secrets() else _("none")
        except SecretsError as error:
            return str(error)

    @admin.display(description=gettext_lazy("refused since"))
    def refused_since(self, obj: Any) -> str:
        return describe_instant(getattr(getattr(obj, "standing", None), "disabled_at", None)) or NOTHING

    @admin.display(description=gettext_lazy("details"))
    def details_words(self, obj: NotificationChannel) -> SafeString:
        """Shown in place of the form to people who may only look."""
        lines = "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in sorted(obj.details.items()))
        return format_html('<pre class="hc-text">{}</pre>', lines)

    # The form.

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        kind = obj.kind if obj else request.GET.get("kind", "")
        # A kind that nobody knows is only looked at.
        form = build_form(kind) if kind in NOTIFIERS else self.form
        own: Any = super().get_form(request, obj, change, **options, form=form)
        own.worker_url = reverse(f"{self.admin_site.name}:{self._url_name('worker')}")
        return own

    def get_fieldsets(self, request: HttpRequest, obj: NotificationChannel | None = None) -> Any:
        state = (_("State"), {"fields": ("condition", "refused_since", "last_sent", "secrets_words", "used_by")})
        use = (_("Use"), {"fields": ("is_enabled", "pause_seconds", "is_about_ourselves")})
        if obj is not None and not (self.has_change_permission(request, obj) and obj.kind in NOTIFIERS):
            return ((None, {"fields": ("name", "kind_words", "details_words")}), use, state)
        own = list_own_fields(obj or NotificationChannel(kind=request.GET["kind"]))
        first = (None, {"fields": ["name", "kind_words", *own]})
        return (first, use, state) if obj else (first, use)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("kind_words", "details_words", "condition", "refused_since", "last_sent", "secrets_words", "used_by")

    def list_changed(self, form: Any) -> list[str]:
        stored = NotificationChannel.objects.get(pk=form.instance.pk)
        own = [name for name in ("details", "sealed") if getattr(form.instance, name) != getattr(stored, name)]
        return super().list_changed(form) + own

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: NotificationChannel | None = None) -> bool:
        # The kind of a plug-in that is gone has no form.
        return super().has_change_permission(request, obj) and (obj is None or obj.kind in NOTIFIERS)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        kind = request.GET.get("kind")
        if (kind not in NOTIFIERS or describe_lack(kind)) and self.has_add_permission(request):
            return self._choose_kind(request)
        return super().add_view(request, form_url, extra_context)

    def _choose_kind(self, request: HttpRequest) -> HttpResponse:
        choices = []
        for kind in NOTIFIERS:
            query = request.GET.copy()
            query["kind"] = kind
            lack = describe_lack(kind)
            choices.append((load_notifier(kind).label, lack, "" if lack else f"?{query.urlencode()}"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Add channel"),
            "subtitle": _("Choose its kind"),
            "opts": self.opts,
            "choices": choices,
            "is_popup": "_popup" in request.GET,
        }
        return TemplateResponse(request, "admin/healthcheck/channel_kinds.html", context)

    # Testing, and using again.

    def get_tools(self, request: HttpRequest, obj: NotificationChannel) -> list[Tool]:
        listing = reverse(f"{self.admin_site.name}:healthcheck_delivery_changelist")
        tools = [Tool(_("Deliveries"), f"{listing}?channel={obj.pk}")]
        if not self.has_operate_permission(request, obj):
            return tools
        is_refused = getattr(getattr(obj, "standing", None), "disabled_at", None) is not None
        if is_refused:
            return [Tool(_("Enable again"), self.url_of("enable", obj.pk), is_button=True), *tools]
        if not obj.is_enabled:
            return tools
        return [Tool(_("Test this channel"), self.url_of("test", obj.pk), is_button=True), *tools]

    def get_urls(self) -> list[URLPattern]:
        return [
            path(PATH, show_worker, name=self._url_name("worker")),
            path("<int:pk>/test/", self.guard_button(self.test_view), name=self._url_name("test")),
            path("<int:pk>/enable/", self.guard_button(self.enable_view), name=self._url_name("enable")),
            *super().get_urls(),
        ]

    def test_view(self, request: HttpRequest, obj: NotificationChannel) -> HttpResponse:
        change = describe_change(request)
        try:
            queue_test(obj.pk, by=change.author_name, now=change.at)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
        else:
            PUBLISHER.publish_deliveries([obj.pk])
            self.message_user(request, _("A test is on its way; “Deliveries” says what came of it."), messages.SUCCESS)
        return redirect(self.url_of("change", obj.pk))

    def enable_view(self, request: HttpRequest, obj: NotificationChannel) -> HttpResponse:
        if enable_again(obj.pk, read_database_clock()):
            PUBLISHER.publish_deliveries([obj.pk])
            self.message_user(request, _("It is used again; what waited is sent now."), messages.SUCCESS)
        else:
            self.message_user(request, _("It is in use already."), messages.WARNING)
        return redirect(self.url_of("change", obj.pk))

    def delete_model(self, request: HttpRequest, obj: NotificationChannel) -> None:
        delete_channels([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[NotificationChannel]) -> None:
        delete_channels([channel.pk for channel in queryset])

    def describe_loss(self, objs: Sequence[Any] | QuerySet[Any]) -> list[str]:
        policies = _find_policies(objs)[:MAX_NAMES_SHOWN]
        return [_("“%(name)s” will not tell it any more") % {"name": each} for each in policies]


def _find_next_try() -> Coalesce:
    """Return when what waits for a channel is tried: as it was said, or said anew once the channel has rested."""
    waiting = Delivery.objects.filter(channel=OuterRef("pk"), status=DeliveryStatus.WAITING)
    queued = Notification.objects.filter(channel=OuterRef("pk"), status=NotificationStatus.QUEUED)
    due = queued.filter(due_at__lte=OuterRef("standing__next_send_at"))
    return Coalesce(Subquery(waiting.values("next_try_at")[:1]), Case(When(Exists(due), then="standing__next_send_at")))


def _describe_when(standing: ChannelState, next_try_at: datetime | None) -> SafeString | str:
    """Return since when a channel is refused, or when a failing one is tried next; empty where nothing waits."""
    if standing.disabled_at is not None:
        words = _("since %(time)s") % {"time": describe_moment(standing.disabled_at)}
    elif next_try_at is not None:
        words = f"{_('Next try')}: {describe_moment(next_try_at)}"
    else:
        return ""
    return format_html('<br><span class="hc-time">{}</span>', words)


def _find_policies(channels: Iterable[NotificationChannel]) -> QuerySet[NotificationPolicy]:
    ids = [channel.pk for channel in channels]
    return NotificationPolicy.objects.filter(steps__channels__in=ids).distinct().order_by("name")
