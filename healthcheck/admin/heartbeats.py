"""Heartbeats: the page of an endpoint's signals, where its address is made, shown once, and rotated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from healthcheck.admin.forms.option_fields import KINDS_ATTRIBUTE
from healthcheck.admin.look.bases import FormBase
from healthcheck.admin.look.tools import Tool
from healthcheck.admin.look.words import describe_duration, describe_instant
from healthcheck.admin.operated import OperatedAdmin
from healthcheck.definitions.heartbeat_tokens import rotate_token
from healthcheck.engine.probes.heartbeat import HeartbeatOptions
from healthcheck.engine.types import ConfigurationError
from healthcheck.models import Endpoint, Heartbeat, HeartbeatToken, Signal, SignalKind
from healthcheck.models.clock import read_database_clock
from healthcheck.models.heartbeat import KEPT_SIGNALS

KIND = "heartbeat"
EXPECTED_SHOWN = 3
# What a job's line may wait for us: it must never hold up the job.
_CURL = "curl -fsS -m 10 --retry 5 -o /dev/null"


class RotateForm(FormBase):
    """For how long the address of before stays valid beside the new one."""

    overlap = forms.TypedChoiceField(
        coerce=int,
        label=gettext_lazy("The address of before"),
        choices=[
            (0, gettext_lazy("ends now")),
            (3600, gettext_lazy("stays valid for an hour")),
            (86_400, gettext_lazy("stays valid for a day")),
            (7 * 86_400, gettext_lazy("stays valid for a week")),
        ],
        initial=86_400,
    )


class HeartbeatViews(OperatedAdmin):
    """The part of the endpoint's admin that is about jobs which report by themselves."""

    def get_urls(self) -> list[URLPattern]:
        signals = path("<int:pk>/signals/", self.guard_page(self.signals_view), name=self._url_name("signals"))
        rotate = self.guard_button(self.rotate_view, needs="change")
        return [signals, path("<int:pk>/token/", rotate, name=self._url_name("token")), *super().get_urls()]

    def get_tools(self, request: HttpRequest, obj: Endpoint) -> list[Tool]:
        tools = super().get_tools(request, obj)
        return [*tools, Tool(_("Signals"), self.url_of("signals", obj.pk))] if obj.kind == KIND else tools

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to where the address is made: without one, nothing can report."""
        response = super().response_add(request, obj, post_url_continue)
        goes_on = {"_continue", "_addanother", "_popup"} & set(request.POST)
        is_next = obj.kind == KIND and not goes_on and self.has_view_permission(request, obj)
        return redirect(self.url_of("signals", obj.pk)) if is_next else response

    def signals_view(self, request: HttpRequest, obj: Endpoint) -> HttpResponse:
        """Show what the job has said lately, when it is expected, and which addresses are valid."""
        return self._show_signals(request, obj)

    def rotate_view(self, request: HttpRequest, obj: Endpoint) -> HttpResponse:
        """Make an address and show it, this once: the answer to a button, which no address leads back to."""
        if obj.kind != KIND:
            return redirect(self.url_of("change", obj.pk))
        form = RotateForm(request.POST)
        if not form.is_valid():
            return self._show_signals(request, obj, form=form)
        overlap = timedelta(seconds=form.cleaned_data["overlap"])
        token = rotate_token(obj.pk, read_database_clock(), overlap=overlap)
        return self._show_signals(request, obj, **_describe_address(request, token))

    def _show_signals(self, request: HttpRequest, obj: Endpoint, **shown: Any) -> HttpResponse:
        now = read_database_clock()
        may_change = self.has_change_permission(request, obj)
        signals = Signal.objects.filter(endpoint_id=obj.pk).order_by("-id")[:KEPT_SIGNALS]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Signals of %(name)s") % {"name": obj},
            "opts": self.opts,
            "object": obj,
            "rows": [_describe_signal(signal, with_body=may_change) for signal in signals],
            "with_body": may_change,
            "form": RotateForm(),
            "token_url": self.url_of("token", obj.pk) if may_change and obj.kind == KIND else "",
            "tokens": _describe_tokens(obj, now),
            "expected": [describe_instant(at) for at in preview_expected(obj, now)],
            **shown,
        }
        return TemplateResponse(request, "admin/healthcheck/signals.html", context)


def preview_expected(obj: Endpoint, now: datetime) -> list[datetime]:
    """Return the next instants at which the job is expected; by a period, as if each success came when it is due.

    None of another kind, of a job by a period that has never succeeded, and of options that cannot be read.
    """
    try:
        options = obj.parse_options()
    except ConfigurationError:
        return []
    heartbeat = Heartbeat.objects.filter(pk=obj.pk).first()
    ended_at = heartbeat.ended_at if heartbeat else None
    base = now if isinstance(options, HeartbeatOptions) and options.cron else ended_at
    if not isinstance(options, HeartbeatOptions) or base is None:
        return []
    expectation, found = options.build_expectation(), [base]
    while len(found) <= EXPECTED_SHOWN:
        found.append(expectation.expect_after(found[-1]))
    return found[1:]


def draw_expected(obj: Endpoint) -> SafeString:
    """Return the preview for a form; what `kinds.js` hides with the other fields of the kind."""
    found = preview_expected(obj, read_database_clock()) if obj.pk and obj.kind == KIND else []
    rows = format_html_join("", '<li class="hc-time">{}</li>', ((describe_instant(at),) for at in found))
    sentence = _("With a period: so long after each success. With a cron expression: known once it is saved.")
    shown = format_html("<ul>{}</ul>", rows) if found else sentence
    return format_html('<div {}="{}">{}</div>', KINDS_ATTRIBUTE, KIND, shown)


def _describe_tokens(obj: Endpoint, now: datetime) -> list[str]:
    lines = []
    for token in HeartbeatToken.objects.valid(now).filter(endpoint=obj).order_by("id"):
        words = _("made at %(at)s") % {"at": describe_instant(token.created_at)}
        if token.retires_at:
            words = _("%(made)s, valid until %(at)s") % {"made": words, "at": describe_instant(token.retires_at)}
        lines.append(words)
    return lines


def _describe_signal(signal: Signal, *, with_body: bool) -> dict[str, Any]:
    words = str(SignalKind(signal.kind).label)
    if signal.exit_code is not None:
        words = _("%(kind)s, exit code %(code)s") % {"kind": words, "code": signal.exit_code}
    took = describe_duration(signal.duration_ms * 1000) if signal.duration_ms is not None else ""
    return {
        "at": describe_instant(signal.at),
        "words": words,
        "took": took,
        "run_name": signal.run_name,
        "address": signal.address,
        "body": signal.body if with_body else "",
    }


def _describe_address(request: HttpRequest, token: str) -> dict[str, Any]:
    try:
        url = request.build_absolute_uri(reverse("healthcheck:inbox", args=[token]))
    except NoReverseMatch:
        return {"no_address": _("This project does not include the addresses of the app; include them, then make one.")}
    return {"address": url, "lines": list_lines(url)}


def list_lines(url: str) -> Sequence[tuple[str, str]]:
    """Return what to paste, each with what it is for."""
    return (
        (_("At the end of a script"), f"{_CURL} {url}"),
        (_("In a crontab, with the exit code"), f"0 3 * * * /path/to/job; {_CURL} {url}/$?"),
        (
            _("With its run time and its output"),
            (
                f"{_CURL} {url}/start\noutput=$(/path/to/job 2>&1); code=$?\n"
                f'printf %s "$output" | {_CURL} --data-binary @- {url}/$code'
            ),
        ),
        (
            _("With runs that may overlap"),
            f'rid=$(uuidgen)\n{_CURL} "{url}/start?rid=$rid"\n/path/to/job\n{_CURL} "{url}/$??rid=$rid"',
        ),
        (
            _("In PowerShell"),
            f'& C:\\path\\to\\job.exe\nInvoke-RestMethod -TimeoutSec 10 -Uri "{url}/$LASTEXITCODE" | Out-Null',
        ),
    )
