"""Deliveries: what was sent to which channel, what the receiver answered, and sending one again."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from healthcheck.admin.filters import is_key
from healthcheck.admin.look.badges import draw_state
from healthcheck.admin.look.crumbs import name_crumb
from healthcheck.admin.look.words import describe_duration, describe_instant, describe_moment
from healthcheck.admin.tell.rights import may_operate_incidents
from healthcheck.admin.tell.told import ToldAdmin
from healthcheck.engine.types import State
from healthcheck.models import Delivery, DeliveryStatus, NotificationChannel
from healthcheck.models.clock import read_database_clock
from healthcheck.models.notification import EVENT_CHOICES
from healthcheck.notifiers.message import Message, read_message
from healthcheck.notifiers.wording import write_headline
from healthcheck.pipeline.channel_verbs import send_again
from healthcheck.publisher import PUBLISHER

# More than anybody looks through.
MAX_CHANNELS_OFFERED = 100
_LOOKS = {
    DeliveryStatus.WAITING: State.UNKNOWN,
    DeliveryStatus.DELIVERED: State.UP,
    DeliveryStatus.FAILED: State.DOWN,
}
_EVENTS: dict[int, Any] = dict(EVENT_CHOICES)


class ChannelFilter(admin.SimpleListFilter):
    title = gettext_lazy("channel")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        rows = NotificationChannel.objects.values_list("pk", "name")[:MAX_CHANNELS_OFFERED]
        return [(str(pk), name) for pk, name in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value() or ""
        return queryset.filter(channel=int(chosen)) if is_key(chosen) else queryset


class StatusFilter(admin.SimpleListFilter):
    title = gettext_lazy("what became of it")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(status.name.lower(), status.label) for status in DeliveryStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = [status for status in DeliveryStatus if status.name.lower() == self.value()]
        return queryset.filter(status=chosen[0]) if chosen else queryset


@admin.register(Delivery)
class DeliveryAdmin(ToldAdmin):
    """Seen by whoever sees channels; written by nobody."""

    list_display = ("what", "channel_name", "outcome", "tries")
    empty_words = gettext_lazy(
        "Every message to a channel is kept here for a while, with what its receiver answered. None has been "
        "written yet."
    )
    list_filter = (ChannelFilter, StatusFilter)
    ordering = ("-created_at", "-pk")
    actions: Any = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return any(request.user.has_perm(f"healthcheck.{verb}_notificationchannel") for verb in ("view", "change"))

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may_change = request.user.has_perm("healthcheck.change_notificationchannel")
        return may_change or (may_operate_incidents(request) and self.has_view_permission(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.changelist_view), name=self._url_name("changelist")),
            path("<uuid:pk>/change/", wrap(self.delivery_view), name=self._url_name("change")),
            path("<uuid:pk>/send-again/", wrap(self.send_again_view), name=self._url_name("send_again")),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).select_related("channel")
        return rows

    # The list.

    @admin.display(description=gettext_lazy("message"))
    def what(self, obj: Delivery) -> SafeString:
        return format_html(
            '<span class="hc-address">{}<br><span class="hc-quiet hc-time">{}</span></span>',
            _name(read_message(obj.message)),
            describe_moment(obj.created_at),
        )

    @admin.display(description=gettext_lazy("channel"))
    def channel_name(self, obj: Delivery) -> str:
        return obj.channel.name

    @admin.display(description=gettext_lazy("what became of it"), ordering="status")
    def outcome(self, obj: Delivery) -> SafeString:
        status = DeliveryStatus(obj.status)
        badge = draw_state(_LOOKS[status], word=str(status.label))
        return format_html('<span class="hc-cell">{}<br><span class="hc-quiet">{}</span></span>', badge, obj.answer)

    @admin.display(description=gettext_lazy("tries"), ordering="attempts")
    def tries(self, obj: Delivery) -> int:
        return obj.attempts

    # The page.

    def delivery_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        obj = self._find(request, pk)
        message = read_message(obj.message)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Delivery to %(channel)s") % {"channel": obj.channel},
            "opts": self.opts,
            "media": self.media,
            "object": obj,
            "original": name_crumb(obj, _name(message)),
            "outcome": self.outcome(obj),
            "created": describe_instant(obj.created_at),
            "ended": describe_instant(obj.ended_at),
            "next_try": describe_instant(obj.next_try_at) if obj.status == DeliveryStatus.WAITING else "",
            "duration": describe_duration(obj.duration_ms * 1000) if obj.attempts else "",
            "headline": write_headline(message),
            "items": _describe_items(message),
            "left_off": message.left_off,
            "send_url": self._url_of("send_again", pk) if self.has_operate_permission(request, obj) else "",
        }
        return TemplateResponse(request, "admin/healthcheck/delivery.html", context)

    def send_again_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        obj = self._find(request, pk)
        if not self.has_operate_permission(request, obj):
            raise PermissionDenied
        try:
            sent = send_again(obj.pk, read_database_clock())
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return redirect(self._url_of("change", obj.pk))
        PUBLISHER.publish_deliveries([sent.channel_id])
        self.message_user(request, _("The same message is on its way, under an id of its own."), messages.SUCCESS)
        return redirect(self._url_of("change", sent.pk))

    def _find(self, request: HttpRequest, pk: uuid.UUID) -> Delivery:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found: Delivery | None = self.get_queryset(request).filter(pk=pk).first()
        if found is None:
            raise Http404(_("It does not exist any more."))
        return found

    def _url_of(self, view: str, pk: uuid.UUID) -> str:
        return reverse(f"{self.admin_site.name}:{self._url_name(view)}", args=[pk])


def _name(message: Message) -> str:
    """Return what the first item is about, and how many come with it."""
    first = message.items[0].title if message.items else "–"
    more = len(message.items) - 1 + message.left_off
    if more <= 0:
        return first
    return f"{first} " + ngettext("and %(count)s more", "and %(count)s more", more) % {"count": more}


def _describe_items(message: Message) -> list[dict[str, Any]]:
    # Without the links that act: whoever looks at a message is not the person it was sent to.
    return [
        {
            "event": _EVENTS[item.event],
            "title": item.title,
            "note": item.note,
            "cause": item.cause,
            "seen": item.seen,
            "names": ", ".join(item.names),
            "more": max(0, item.count - len(item.names)),
            "started": describe_instant(item.started_at),
            "ended": describe_instant(item.ended_at),
        }
        for item in message.items
    ]
