"""The red lines of the start page about channels: where people are not told, for those who may see channels."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from healthcheck.pipeline.troubles import StuckChannel, list_stuck_channels


def describe_stuck_channels(request: HttpRequest, site: str, now: datetime) -> list[SafeString]:
    """Return a line for each channel on which messages do not get out, in one query; none for who may not see them.

    Whoever has a single channel is told of its end nowhere else: what is wrong with one is said on the others.
    """
    if not any(request.user.has_perm(f"healthcheck.{verb}_notificationchannel") for verb in ("view", "change")):
        return []
    return [_describe(each, site) for each in list_stuck_channels(now)]


def _describe(stuck: StuckChannel, site: str) -> SafeString:
    words = _("Messages do not get out on the channel “%(name)s”.") % {"name": stuck.name}
    answer = stuck.error or _("No worker has sent them.")
    try:
        url = reverse("admin:healthcheck_notificationchannel_change", args=[stuck.channel_id], current_app=site)
    except NoReverseMatch:
        # A site that has no such page.
        return format_html("{} {}", words, answer)
    return format_html('<a href="{}">{}</a> {}', url, words, answer)
