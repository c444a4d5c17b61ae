"""The past of an endpoint, as its public page shows it, and to the millisecond."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from healthcheck.admin.look.tools import Tool
from healthcheck.admin.operated import OperatedAdmin
from healthcheck.engine.uptime import Totals
from healthcheck.models import Endpoint
from healthcheck.models.clock import read_database_clock
from healthcheck.web.choosing import choose_key
from healthcheck.web.past import Past, find_own_span
from healthcheck.web.past_rendering import build_past
from healthcheck.web.past_rows import load_past
from healthcheck.web.uptime import PERIODS, Period, find_period
from healthcheck.web.uptime_words import PERIOD_WORDS, describe_uptime

_SPENT = tuple(field.name for field in fields(Totals))


class PastViews(OperatedAdmin):
    """The part of the endpoint's admin that shows its hours, days and year."""

    def get_urls(self) -> list[URLPattern]:
        past = path("<int:pk>/uptime/", self.guard_page(self.past_view), name=self._url_name("uptime"))
        return [past, *super().get_urls()]

    def get_tools(self, request: HttpRequest, obj: Endpoint) -> list[Tool]:
        return [*super().get_tools(request, obj), Tool(_("Uptime"), self.url_of("uptime", obj.pk))]

    def past_view(self, request: HttpRequest, obj: Endpoint) -> HttpResponse:
        """Show uptime, percentiles, failures and a year. Five queries of its own at most, at one location."""
        now = read_database_clock()
        period = find_period(choose_key(request)) or PERIODS[-1]
        past = load_past(obj.pk, period, now)
        # A page may count it otherwise, and says so: both are in the table.
        span = find_own_span(past, period, now, counts_degraded=True)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Uptime of %(name)s") % {"name": obj},
            "opts": self.opts,
            "object": obj,
            "past": build_past(past, span, now),
            "exact": [_build_exact(past, each, now) for each in PERIODS],
        }
        return TemplateResponse(request, "admin/healthcheck/past.html", context)


def _build_exact(past: Past, period: Period, now: datetime) -> dict[str, Any]:
    totals = past.sum_up(period, now).totals
    return {
        "word": PERIOD_WORDS[period.key],
        "good": describe_uptime(totals, counts_degraded=True) or "–",
        "strict": describe_uptime(totals, counts_degraded=False) or "–",
        "spent": [_write_exactly(getattr(totals, name)) for name in _SPENT],
    }


def _write_exactly(length_ms: int) -> str:
    """Return hours, minutes, seconds and milliseconds, such as 1:05:00.000."""
    seconds, rest = divmod(length_ms, 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
